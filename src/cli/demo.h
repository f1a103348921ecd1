// SPDX-License-Identifier: MIT
// `fsherald demo [ext4|xfs|btrfs]`: a small file system in memory, damaged in four ways, tripped over as a user would, and what is told of it.
#pragma once

#include <string>

namespace fsherald {

struct DemoOptions {
  std::string filesystem = "ext4";
  bool color = false;
};

// Prints to stdout, what goes wrong to stderr. Gives the exit code: 0 all was told, 1 failure, 2 no such demo, 4 not
// permitted. Moves this process into a mount namespace of its own; nothing outlives the process, however it ends.
int RunDemo(const DemoOptions& options);

}  // namespace fsherald
