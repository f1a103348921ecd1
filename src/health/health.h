// SPDX-License-Identifier: MIT
// The state of a file system, from what it keeps itself: its mount options, flags and counters. Pure; no history is needed.
#pragma once

#include <cstdint>
#include <optional>

#include "filesystem/filesystem.h"
#include "filesystem/mount_state.h"

namespace fsherald {

// Whether a machine with such a file system is not known to be in order. What nothing can cover is no finding: else no
// machine with a squashfs or a FUSE file system would ever be.
bool IsFinding(HealthState health);

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

}  // namespace fsherald
