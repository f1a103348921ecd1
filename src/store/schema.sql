-- SPDX-License-Identifier: MIT
-- The history, version 3 (PRAGMA user_version). docs/store.md explains it. A released version never changes: a new one is
-- a step in migration.cc, and this file is what they lead to.
--
-- Numbers of 64 bits without sign are stored as the signed ones of the same bits. `detail` and `value` end in four bytes of
-- checksum over the whole row (row_format.h).

CREATE TABLE state(             -- one row
  id INTEGER PRIMARY KEY,
  identity INTEGER NOT NULL,    -- of this file, random: part of each checksum, so that no other file's rows pass for ours
  last_seq INTEGER NOT NULL,    -- of the last notification that was ever stored
  cursors BLOB NOT NULL,        -- the daemon's
  rows INTEGER NOT NULL,        -- of the table notification
  merged_to INTEGER NOT NULL,   -- up to this seq bursts have been merged
  merged_notifications INTEGER NOT NULL,   -- how many rows others stand for
  removed_notifications INTEGER NOT NULL,  -- what retention has taken
  removed_errors INTEGER NOT NULL,
  removed_until_utc_ns INTEGER NOT NULL,
  checksum INTEGER NOT NULL
);

CREATE TABLE notification(
  seq INTEGER PRIMARY KEY,
  utc_ns INTEGER NOT NULL,
  kind INTEGER NOT NULL,        -- as in include/fsherald/record.h
  filesystem INTEGER NOT NULL,  -- dictionary.id
  location INTEGER NOT NULL,    -- dictionary.id; 0: not known
  code INTEGER,                 -- errno
  errors INTEGER NOT NULL,
  rows INTEGER NOT NULL,        -- how many notifications this row stands for
  detail BLOB NOT NULL          -- all the rest, packed
);

-- The few that are changes of health (FSHERALD_KIND_HEALTH): `fsherald status` asks for them alone.
CREATE INDEX health_change ON notification(kind) WHERE kind=9;

-- What many rows have in common. No value is ever changed; the same value may be there twice.
CREATE TABLE dictionary(
  id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,        -- 1 identity, 2 file system, 3 location, 4 host, 5 shape of a specific record, 6 text
  value BLOB NOT NULL
);

-- The same once more, on pages of its own: one damaged page would else take the meaning of very many rows.
CREATE TABLE dictionary_spare(
  id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,
  value BLOB NOT NULL
);

-- Rows from first_seq on use no entry of the dictionary below first_id: so old entries can go with the rows.
CREATE TABLE generation(
  first_seq INTEGER PRIMARY KEY,
  first_id INTEGER NOT NULL
);

-- What each some hundred rows hold, so that a query can pass over them.
CREATE TABLE chunk(
  first_seq INTEGER PRIMARY KEY,
  last_seq INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  min_utc_ns INTEGER NOT NULL,
  max_utc_ns INTEGER NOT NULL,
  kinds INTEGER NOT NULL,        -- bit kind
  filesystems BLOB NOT NULL,     -- ids, packed; empty: too many
  locations BLOB NOT NULL
);

-- Counts by what errors have in common.
CREATE TABLE tally(
  dimension INTEGER NOT NULL,    -- 1 location, 2 file system, 3 device, 4 inode, 5 kernel
  unit INTEGER NOT NULL,         -- 1 hour, 2 day, 3 ever (file systems alone)
  at INTEGER NOT NULL,           -- hours or days since 1970 (UTC)
  key BLOB NOT NULL,             -- packed; empty: all those that were too many to be kept apart
  errors INTEGER NOT NULL,
  notifications INTEGER NOT NULL,
  first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  first_utc_ns INTEGER NOT NULL,
  last_utc_ns INTEGER NOT NULL,
  PRIMARY KEY(dimension, unit, at, key)
) WITHOUT ROWID;

-- What retention has taken: of each row its seq, and how many notifications and errors it stood for, packed (removed.h); of what
-- went long ago the sum. By chunks; what it has merged into the row of a burst, by bursts: then `burst` is the seq of that row,
-- else 0.
CREATE TABLE removed(
  last_seq INTEGER PRIMARY KEY,
  first_seq INTEGER NOT NULL,
  burst INTEGER NOT NULL,
  notifications INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  counts BLOB NOT NULL,
  checksum INTEGER NOT NULL
);
