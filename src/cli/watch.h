// SPDX-License-Identifier: MIT
// `fsherald watch`: prints notifications as they come, by the daemon where one runs, else in one process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/terminal.h"
#include "record/notification.h"

namespace fsherald {

struct WatchOptions {
  std::vector<std::string> paths;  // only the file systems that these lie on
  bool json = false;
  std::optional<uint64_t> count;    // end after so many notifications
  std::optional<double> timeout_s;  // end after so many seconds
  SourceSet without;        // not empty: no daemon is asked
  bool xfs_health_monitor = false;  // no daemon is asked either
  bool no_daemon = false;   // in this process, also where a daemon runs
  std::optional<uint64_t> since;    // first what the daemon has told above this number
  std::string runtime_dir;  // of the daemon; empty: the default
  Color color = Color::kAuto;
};

// Returns the exit code: 0 also after Ctrl-C, a count or a timeout; 1 failure, a reader that went away included; 3 the
// daemon that it watched by has ended, or with `since` there is none; 4 not permitted.
int RunWatch(const WatchOptions& options);

}  // namespace fsherald
