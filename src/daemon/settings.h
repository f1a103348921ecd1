// SPDX-License-Identifier: MIT
// Settings: what a daemon runs by, and how that changes while it runs. What cannot change stays as it was at the start.
#pragma once

#include <string>
#include <vector>

#include "daemon/config.h"

namespace fsherald {

class Settings {
 public:
  // The files, and over them what the command line said. Errors: a sentence for each fault, a line each.
  static Result<Settings> Read(ConfigPaths paths, std::vector<ConfigOverride> overrides);

  const DaemonConfig& config() const { return config_; }

  // Reads all of it again. A fault anywhere, and config() stays as it was. `words`: one line a sentence, what has come of it.
  struct Reloaded {
    bool changed = false;  // config() is another one now
    std::string words;
  };
  Reloaded Reload();

 private:
  Settings(ConfigPaths paths, std::vector<ConfigOverride> overrides, DaemonConfig config)
      : paths_(std::move(paths)), overrides_(std::move(overrides)), config_(std::move(config)) {}

  ConfigPaths paths_;
  std::vector<ConfigOverride> overrides_;
  DaemonConfig config_;
};

}  // namespace fsherald
