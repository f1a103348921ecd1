// SPDX-License-Identifier: MIT
// `fsherald clear`: the operator tells the daemon that a file system is well, and why (docs/health.md).
#pragma once

#include <string>

namespace fsherald {

struct ClearOptions {
  std::string filesystem;  // a path on it, its device, or its uuid; the last two also of one that is not mounted
  std::string reason;
  std::string runtime_dir;
};

// The exit code: 0 it is well, 1 failure, an unknown file system included, 3 no daemon, 4 not permitted.
int RunClear(const ClearOptions& options);

}  // namespace fsherald
