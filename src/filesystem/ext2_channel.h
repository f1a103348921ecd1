// SPDX-License-Identifier: MIT
// A libext2fs I/O channel that can do nothing but read, and stops. libext2fs's own calls fsync(2) on the device as it
// opens it, which would make the kernel write the mounted file system out, and reads for as long as damage can keep it
// busy (an extent tree that points to itself).
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/result.h"
#include "record/notification.h"

struct struct_io_manager;
struct struct_io_channel;
struct struct_ext2_filsys;

namespace fsherald {

// The manager for ext2fs_open.
struct_io_manager* ReadingManager();

// For a channel of ReadingManager: from `deadline` on every read fails. Without it, there is none.
void SetDeadline(struct_io_channel* channel, std::chrono::steady_clock::time_point deadline);

// Whether reads fail now: the deadline is over, or the device has refused several blocks. Each attempt at a bad sector
// makes the kernel report it once more, so there are not many.
bool HasGivenUp(struct_io_channel* channel);

// Reads that touch these bytes fail, and the device is not asked: it is known not to give them, and each attempt would be
// an error more.
void Avoid(struct_io_channel* channel, const Range& bytes);

struct Ext2Closer {
  void operator()(struct_ext2_filsys* filesystem) const;
};
using Ext2Filesystem = std::unique_ptr<struct_ext2_filsys, Ext2Closer>;

// Opens the ext2, ext3 or ext4 on a device or in an image file, through a channel as above; wrong checksums and unknown
// features are no hindrance. Errors: it cannot be opened, or has no usable superblock.
Result<Ext2Filesystem> OpenExt2(const std::string& device_path, std::chrono::steady_clock::time_point deadline);

}  // namespace fsherald
