// SPDX-License-Identifier: MIT
// Keeper: a parent for a daemon on a machine without a service manager that keeps descriptors: it starts the daemon, keeps what the
// daemon gives it by sd_notify(3) (FDSTORE=1), and where the daemon dies starts another one with it. It ends when the daemon ends
// by itself, and hands on the signals that end or reload one.
//
// It does nothing else, so that it does not die: it allocates for descriptors alone, and reads no file.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace fsherald {

struct KeeperOptions {
  std::vector<std::string> command;  // the daemon: an absolute path, then its arguments
  int signals = -1;                  // signalfd(2): SIGTERM, SIGINT, SIGHUP and SIGCHLD, which are blocked
  int most_failures = 5;             // daemons in a row that died before they were ready
};

// Returns the exit code of the daemon that ended by itself. Errors: it cannot be started, or dies each time before it is ready.
Result<int> RunKeeper(const KeeperOptions& options);

}  // namespace fsherald
