// SPDX-License-Identifier: MIT
// The way to a file that nobody named: whose is the place on the device that a request failed on, and what is the path of
// that file (by its handle; the walk is the caller's).
#pragma once

#include <chrono>
#include <string>

#include "object/path_query.h"

namespace fsherald {

struct FoundOwner {
  FoundPath found;
  bool complete = true;  // false: it was given up, and to try it for another place soon would be no better
};

// `device_path` may be empty where the kernel is asked. Blocks until `deadline`, more or less; enters the mount for as long
// as that takes.
FoundOwner FindBySector(const PathQuery& query, const std::string& device_path, const std::string& proc_root,
                        std::chrono::steady_clock::time_point deadline);

// Whether the file system has such a way, and whether that reads the device itself.
bool CanFindBySector(const PathQuery& query);
bool ReadsDevice(const PathQuery& query);

}  // namespace fsherald
