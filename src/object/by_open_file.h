// SPDX-License-Identifier: MIT
// The second way to a path: one of the files that the task has open, or its working directory, root or program. Only
// names are read from /proc and looked up below our own mount, in memory: a task's file on a hung network file system
// cannot hold us.
#pragma once

#include <optional>
#include <string>

#include "object/path_query.h"

namespace fsherald {

// Empty: no task, gone, or none of its files (4096 at the most) is it.
std::optional<FoundPath> FindByOpenFile(const PathQuery& query, const std::string& proc_root);

}  // namespace fsherald
