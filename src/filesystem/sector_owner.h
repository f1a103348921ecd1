// SPDX-License-Identifier: MIT
// Which file a place on a file system's device belongs to. A failed request of the block layer names sectors; what stands
// there only the file system knows, and each says it in a way of its own, if at all.
//
// Told is what is certain: a place that belongs to several files (a request for two files that lie side by side, an extent
// that two files share), to none, or to the file system itself has no owner.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "record/notification.h"

namespace fsherald {

struct SectorOwner {
  uint64_t inode = 0;
  std::optional<uint32_t> generation;
  // Which bytes of the file; they may reach beyond its end, as blocks do. Empty: the place holds none of its bytes but says
  // where they are (a block of its extents), or is attributes; or the bytes are not one piece.
  std::optional<Range> range;
  std::optional<std::string> path;  // where the answer has it: as WalkResult::path
  friend bool operator==(const SectorOwner&, const SectorOwner&) = default;
};

struct OwnerResult {
  std::optional<SectorOwner> owner;  // empty: none for certain
  bool complete = true;              // false: it was given up (deadline, unreadable blocks), and might yet be found
};

// One of the two is set.
struct OwnerFinder {
  std::string_view type;  // as in the mount table

  // Reads the block device (I/O, slow), but never the place itself.
  Result<OwnerResult> (*by_device)(const std::string& device_path, const Range& place,
                                   std::chrono::steady_clock::time_point deadline) = nullptr;

  // Asks the kernel, by a descriptor of a directory of the file system (O_RDONLY). It reads metadata, and may report an
  // error in it. Never loads an inode that the place itself shows to be damaged. `device` is that of the place.
  OwnerResult (*by_ioctl)(int directory_fd, DeviceNumber device, const Range& place) = nullptr;
};

// Null: the file system has no way to tell.
const OwnerFinder* FindOwnerFinder(std::string_view type);

}  // namespace fsherald
