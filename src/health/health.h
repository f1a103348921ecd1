// SPDX-License-Identifier: MIT
// The state of a file system, from what it keeps itself: its mount options, flags and counters; and what the daemon has told of it
// beside that. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "filesystem/filesystem.h"
#include "filesystem/mount_state.h"

namespace fsherald {

// Whether a machine with such a file system is not known to be in order. What nothing can cover is no finding: else no
// machine with a squashfs or a FUSE file system would ever be.
bool IsFinding(HealthState health);

// The file system is well, or it is there no more: nothing of it goes on.
bool IsLeft(HealthState health);

// What was read of a file system.
struct Evidence {
  MountState mount = MountState::kWritable;
  bool answers_shut_down = false;  // it answers everything with EIO (XFS)
  bool has_sick_structures = false;
  std::optional<CounterReading> counters;  // empty: it has none, or they could not be read
  bool covered = false;                    // what was read would show an error
  bool coverable = false;                  // its type keeps what would show one
};

// `boot_utc_s`: when this boot began, by the wall clock as it stands now.
HealthState HealthOf(const Evidence& evidence, int64_t boot_utc_s);

// The last change of its state that the daemon has told.
struct LastChange {
  HealthState to = HealthState::kWell;
  HealthRule rule = HealthRule::kErrors;
  int64_t utc_ns = 0;
  bool is_of_this_mounting = false;    // as far as is known: told in this boot, of the device that it is mounted from
  bool follows_counted_error = false;  // the last error before it was of a kind that ext4 counts
};

struct Verdict {
  HealthState state = HealthState::kNotCovered;
  bool is_daemons = false;  // the daemon's word has decided: what the file system keeps would give another state
  friend bool operator==(const Verdict&, const Verdict&) = default;
};

// `own`: HealthOf(evidence). The daemon has seen what a file system does not keep, and knows what was cleared; so it decides, but
// against what the file system shows at this moment, and against errors that are newer than its word (docs/health.md).
Verdict Judge(const Evidence& evidence, HealthState own, const std::optional<LastChange>& change);

}  // namespace fsherald
