// SPDX-License-Identifier: MIT
// What a monitor watches, by which sources, and what it cannot see, in words.
#pragma once

#include <string>

#include "notify/monitor.h"

namespace fsherald {

// Some lines, each ended by a newline.
std::string CoverageWords(const Monitor& monitor);

// "fanotify, trace": the sources that cover a file system; "none".
std::string SourceWords(const JoinCoverage& coverage);

}  // namespace fsherald
