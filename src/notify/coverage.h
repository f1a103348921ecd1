// SPDX-License-Identifier: MIT
// What the sources that were to be had can see of a file system, and what not, in sentences. Pure.
#pragma once

#include <string>
#include <vector>

#include "join/join.h"

namespace fsherald {

// What can be seen of a file system here, and what could be where every source is to be had.
struct Sight {
  JoinCoverage coverage;
  std::string type;
  bool has_tracepoints = false;  // its type tells its errors by tracepoints of its own
  bool has_handler = false;      // and its error handler has arguments that can be read
  bool tells_fanotify = false;   // this kernel's file system of that type reports to fanotify
  bool keeps_counter = false;    // one that tells when it rises
  std::string detail_refused;    // why the error handler's arguments cannot be had; empty: not known
};

// Whether any source sees its errors.
bool IsCovered(const JoinCoverage& coverage);

// Sentences on what cannot be seen of it.
std::vector<std::string> Lacks(const Sight& sight);

}  // namespace fsherald
