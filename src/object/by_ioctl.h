// SPDX-License-Identifier: MIT
// The way to a path where inode numbers are of a subvolume: the file system says it, asked by an ioctl of its own.
#pragma once

#include <optional>

#include "object/path_query.h"

namespace fsherald {

// Empty: the file system has no such ioctl, not allowed (CAP_SYS_ADMIN), or the subvolume is not the one that the mounting's
// access path leads to. It reads the file system's trees, mostly from memory: a damaged one can be told once more.
std::optional<FoundPath> FindByIoctl(const PathQuery& query);

}  // namespace fsherald
