// SPDX-License-Identifier: MIT
// `fsherald watch`: prints notifications as they come, in one process, without a daemon.
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
  SourceSet without;
  Color color = Color::kAuto;
};

// Returns the exit code: 0 also after Ctrl-C, a count or a timeout; 1 failure, a reader that went away included; 4 not
// permitted.
int RunWatch(const WatchOptions& options);

}  // namespace fsherald
