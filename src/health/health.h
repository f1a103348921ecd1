// SPDX-License-Identifier: MIT
// The state of a file system, from what it keeps itself: its mount options, flags and counters. Pure; no history is needed.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "filesystem/filesystem.h"
#include "filesystem/mount_state.h"

namespace fsherald {

// The worse, the later, from kWell on; the first two are none of these.
enum class Health {
  kNotCovered,  // file systems of its type keep nothing that would tell an error: as much as can be known of it
  kUnknown,     // its type keeps something that would, and none of it could be read
  kWell,
  kPastErrors,  // errors that are counted, the last of them before this boot, or at a time that is not kept
  kErrors,      // errors since this boot; or structures known to be damaged
  kReadOnly,    // it has made itself read-only
  kShutDown,
};

// "well", "past_errors", ...: the words of the JSON.
std::string_view Name(Health health);

// Whether a machine with such a file system is not known to be in order. What nothing can cover is no finding: else no
// machine with a squashfs or a FUSE file system would ever be.
bool IsFinding(Health health);

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
Health HealthOf(const Evidence& evidence, int64_t boot_utc_s);

}  // namespace fsherald
