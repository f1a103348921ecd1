// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "filesystem/filesystem.h"

namespace fsherald {

// What a file system's counters keep of one error: "2026-11-26 14:36:29  ext4_lookup:1855, EUCLEAN, inode 12".
std::string OccurrenceWords(const CounterReading::Occurrence& occurrence);

}  // namespace fsherald
