// SPDX-License-Identifier: MIT
// The first way to a path: the kernel opens the inode by its handle, and says what path it knows it by.
#pragma once

#include <optional>
#include <string>

#include "object/path_query.h"

namespace fsherald {

// Empty: not allowed (CAP_DAC_READ_SEARCH), no such handles on this file system, no generation where it needs one, or the
// kernel knows no path: a file that is not a directory has one only while it is in the dentry cache. May make the kernel
// load the inode, see path_finder.h.
std::optional<FoundPath> FindByHandle(const PathQuery& query, const std::string& proc_root);

}  // namespace fsherald
