// SPDX-License-Identifier: MIT
// The path of an ext2, ext3 or ext4 inode, found by walking down from the root directory with libext2fs.
//
// The device is mounted by somebody else, written to, and damaged. So the walk opens it read-only, believes nothing it
// reads, leaves out what it cannot read or make sense of, and goes on. The kernel keeps ext4's directories and inodes
// in the page cache of the block device: reading the device sees them as they are now.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "filesystem/filesystem.h"

namespace fsherald {

// Looks for the inode breadth first: of several hard links, one nearest to the root. Blocks until found, all is seen, or
// `deadline`. Besides the deadline, `complete` is false where the walk gave up: over 524,288 directories, several
// unreadable blocks (each attempt makes the kernel report the bad sector again), or a directory renamed meanwhile.
// Names in an encrypted directory are not known, so what lies below one is not found.
// Errors: `device_path` cannot be opened, or has no usable superblock. Any thread; `device_path` may be an image file.
Result<WalkResult> FindExt4Path(const std::string& device_path, WalkTarget target,
                                std::chrono::steady_clock::time_point deadline);

}  // namespace fsherald
