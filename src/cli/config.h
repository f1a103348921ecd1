// SPDX-License-Identifier: MIT
// `fsherald config check` and `fsherald config show`: the daemon's configuration, without a daemon.
#pragma once

#include "daemon/config.h"

namespace fsherald {

// Prints each fault, or each file that is valid. The exit code: 1 if there is a fault.
int RunConfigCheck(const ConfigPaths& paths);

// Prints what holds, as TOML, each key with where it came from. The exit code: 1 if there is a fault.
int RunConfigShow(const ConfigPaths& paths);

}  // namespace fsherald
