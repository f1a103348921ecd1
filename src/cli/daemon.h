// SPDX-License-Identifier: MIT
// `fsherald daemon`: joins processes: tells subscribers what the kernel and the file systems in user space report.
#pragma once

#include <string>

#include "record/notification.h"

namespace fsherald {

struct DaemonOptions {
  std::string runtime_dir;      // of its two sockets; empty: the default
  std::string report_group;     // name or number; empty: root alone may
  std::string subscribe_group;
  SourceSet without;
  bool xfs_health_monitor = false;
};

// Runs in the foreground until SIGINT, SIGTERM or SIGHUP. The exit code.
int RunDaemon(const DaemonOptions& options);

}  // namespace fsherald
