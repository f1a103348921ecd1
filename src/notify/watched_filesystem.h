// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "filesystem/filesystem.h"
#include "join/join.h"

namespace fsherald {

// One file system that is watched.
struct WatchedFilesystem {
  FilesystemInfo info;
  JoinCoverage coverage;
  std::vector<std::string> lacks;      // sentences: what cannot be seen of it, and why
  std::optional<CounterReading> past;  // its counters when watching began: errors of the past
};

}  // namespace fsherald
