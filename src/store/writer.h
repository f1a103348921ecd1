// SPDX-License-Identifier: MIT
// Writer: the tables of one history file and what of them is kept in memory, for the store itself, its retention and its
// salvage. Everything between Begin and Commit is one transaction. After an error it is of no more use: what it has in
// memory is ahead of the file.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "store/chunk.h"
#include "store/dictionary.h"
#include "store/entry.h"
#include "store/row_format.h"
#include "store/sqlite.h"
#include "store/state.h"
#include "store/tally.h"

namespace fsherald {

class Writer {
 public:
  struct Options {
    std::string vfs;         // empty: the default
    const char* settings;    // how transactions are made
    State first_state = {};  // of a new file; without an identity it gets a random one
  };
  // Every commit durable when it returns.
  static const char kDurable[];

  // Makes the file where there is none, and brings an older version up to the latest.
  static Result<std::unique_ptr<Writer>> Open(const std::string& path, const Options& options);

  Status Begin();
  // A row behind all others.
  Status Add(const EntryView& entry);
  // Of a row that is there already: in chunks and tallies alone.
  Status Index(const EntryView& entry, const Row& row);
  // With what rows have changed in the other tables, and `state`. Durable when it returns.
  Status Commit();
  // Copies from the WAL into the file when it has grown. What has been committed is durable in any case.
  Status CheckpointIfGrown();

  Database& database() { return database_; }
  Dictionary& dictionary() { return *dictionary_; }
  Chunks& chunks() { return *chunks_; }
  Tallies& tallies() { return *tallies_; }
  State& state() { return state_; }

 private:
  explicit Writer(Database database) : database_(std::move(database)) {}
  Status Load(const State& first_state);
  Status MakeState(State state);
  Status PrepareStatements();

  Database database_;  // the first: its statements go before it
  State state_;
  std::optional<Dictionary> dictionary_;
  std::optional<Chunks> chunks_;
  std::optional<Tallies> tallies_;
  Statement insert_row_;
  Statement replace_state_;
  Statement begin_;
  Statement commit_;
};

}  // namespace fsherald
