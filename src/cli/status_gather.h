// SPDX-License-Identifier: MIT
// What `fsherald status` reads. A file system that another machine or a process answers for is not asked anything, nor is
// anything behind one.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/status_report.h"

namespace fsherald {

// The file systems that the paths lie on, each once; without paths all that have storage. Errors: as stat(2) gives them for a
// path; the mount table cannot be read.
Result<std::vector<FilesystemStatus>> GatherStatus(const std::vector<std::string>& paths);

}  // namespace fsherald
