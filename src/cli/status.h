// SPDX-License-Identifier: MIT
// `fsherald status`: the state of every mounted file system, from what it keeps itself, and what the history has of it. It needs
// no daemon and no history, reads, and changes nothing.
#pragma once

#include <string>
#include <vector>

#include "cli/terminal.h"

namespace fsherald {

struct StatusOptions {
  std::vector<std::string> paths;  // only the file systems that these lie on; empty: all with storage
  bool json = false;
  bool verbose = false;
  std::string store;  // where the history is, if there is one
  Color color = Color::kAuto;
};

// Returns the exit code: 0 where all that keep an account of their errors are well (what keeps none, a squashfs or what a
// server stands behind, is listed as not covered and is no finding), 10 where one is not or could not be read, 1 failure, an
// unknown path included, 4 where nothing of any could be read for lack of permission.
int RunStatus(const StatusOptions& options);

}  // namespace fsherald
