// SPDX-License-Identifier: MIT
// What a line of the mount table says about the state of a file system: how it was mounted, and what it has done to itself.
// Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "record/notification.h"

namespace fsherald {

// What the mount table shows of a file system at one moment.
struct MountLook {
  std::string_view type;
  std::string_view super_options;  // of the file system, not of a mount: "rw,errors=remount-ro,emergency_ro"
  size_t read_only_mounts = 0;     // how many of its mounts are read-only themselves
};

enum class MountState {
  kWritable,
  kReadOnly,        // as it was mounted: no error
  kForcedReadOnly,  // it has made itself read-only: its mounts are writable, it is not
  kShutDown,        // ext4's "shutdown". XFS never shows its own here
};

// Who mounts or remounts a file system read-only makes the mount and the file system so; the kernel, after an error, only
// the file system. Where some of its mounts are read-only themselves the two look alike: then it is kReadOnly. A type that
// can never be written, and one that another machine or a process keeps, forces nothing.
MountState MountStateOf(const MountLook& look);

// What it has done to itself between two looks: kReadOnly or kShutdown. Empty: nothing, or the administrator did it.
std::optional<Kind> NewState(const MountLook& before, const MountLook& now);

}  // namespace fsherald
