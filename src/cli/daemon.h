// SPDX-License-Identifier: MIT
// `fsherald daemon`: joins processes: tells subscribers what the kernel and the file systems in user space report.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/config.h"

namespace fsherald {

struct DaemonOptions {
  ConfigPaths config;
  // What holds over the files; empty: what they say.
  std::string runtime_dir;
  std::optional<std::string> report_group;
  std::optional<std::string> subscribe_group;
  std::vector<std::string> without;
  std::string store;         // a directory
  bool no_store = false;
  bool keep = false;         // start a keeper, which starts the daemon
  std::optional<int> mounts_of;  // the process whose mount table is the machine's; empty: our own is
  bool xfs_health_monitor = false;
};

// Runs in the foreground until SIGINT or SIGTERM; SIGHUP makes it read its configuration again. The exit code.
int RunDaemon(const DaemonOptions& options);

}  // namespace fsherald
