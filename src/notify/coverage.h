// SPDX-License-Identifier: MIT
// What the sources that were to be had can see of a file system, and what not, in sentences. Pure.
#pragma once

#include <string>
#include <vector>

#include "join/join.h"

namespace fsherald {

// Sentences on what cannot be seen of a file system with this coverage; `detail_refused` says why the error handler's
// arguments cannot be had, where they cannot.
std::vector<std::string> Lacks(const JoinCoverage& coverage, const std::string& detail_refused);

}  // namespace fsherald
