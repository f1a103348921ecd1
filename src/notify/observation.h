// SPDX-License-Identifier: MIT
// Observation: what the monitor has seen of a file system, beside its errors: what its health is judged by (health/).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "filesystem/filesystem.h"
#include "filesystem/mount_state.h"
#include "record/notification.h"
#include "source/signal.h"

namespace fsherald {

struct Observation {
  enum class What {
    kBegun,       // it is watched from now on: mount, is_fresh, counters
    kEnded,       // its last mount is gone, and what it said before has been told, but for what waits for a path
    kCounted,     // its own counters were read: counters
    kRemounted,   // writable, and was seen not to be
    kScrubBegan,  // of one device: device
    kScrubEnded,  // what it found has been told: device, devices
  };
  What what = What::kBegun;
  MountState mount = MountState::kWritable;
  bool is_fresh = false;  // mounted while all others were being watched
  int64_t unseen_utc_s =
      0;  // is_fresh: it was not mounted yet; what it has counted from that second on is told by itself
  std::optional<CounterReading> counters;  // kCounted: `errors` alone
  uint64_t device = 0;                     // the file system's own number of it
  size_t devices = 1;                      // that it has
};

using Observer = std::function<void(FilesystemKey, const FilesystemInfo&, const Observation&)>;

}  // namespace fsherald
