// SPDX-License-Identifier: MIT
// The inode that blocks of an ext2, ext3 or ext4 belong to, found by reading the inode tables and the extents; ext4's
// FS_IOC_GETFSMAP knows but "data". As ext4_walk.h: the device is mounted, written to, and damaged.
#pragma once

#include <chrono>
#include <string>

#include "base/result.h"
#include "filesystem/sector_owner.h"

namespace fsherald {

// Reads one inode table after the other until the owner is found: all that are in use, if there is none. A place in the
// file system's own blocks (superblocks, descriptors, bitmaps, inode tables, the journal) has none, and a table is read for
// the journal alone. An inode whose checksum is wrong owns nothing, nor does one without a name. Blocks of extended
// attributes can be those of several files, and are nobody's.
// Memory: one read of 64 KiB and five blocks. Errors: as FindExt4Path. Any thread; `device_path` may be an image file.
Result<OwnerResult> FindExt4Owner(const std::string& device_path, const Range& place,
                                  std::chrono::steady_clock::time_point deadline);

}  // namespace fsherald
