// SPDX-License-Identifier: MIT
// The signals that end a command.
#pragma once

#include "base/fd.h"
#include "base/result.h"

namespace fsherald {

// SIGINT, SIGTERM and SIGHUP as a descriptor that becomes readable; SIGPIPE becomes an error of write(2). Call it before any
// thread is started.
Result<Fd> OpenEndingSignals();

// The same, and SIGCHLD, for a parent that hands them on.
Result<Fd> OpenKeeperSignals();

// The next that has come; 0: none. Never waits.
int ReadSignal(int fd);

}  // namespace fsherald
