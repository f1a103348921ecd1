// SPDX-License-Identifier: MIT
// Salvage: what can be read of a damaged history, in a new file. Every page is looked at by itself, so that no damaged page
// takes others with it; every row proves itself by its checksum. So does what is known of the rows that retention had taken, number by
// number. Counts by time have none, and are made anew from the rows.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace fsherald {

struct Salvaged {
  uint64_t rows = 0;
  uint64_t lost = 0;  // as far as it is known
};

// `into` must not be there. It is whole, and on disk, when this returns; on an error a part of it may be there. EUCLEAN, EINVAL: nothing
// can be made of the damaged file; any other is of what is around it, and tells nothing of what is in it.
Result<Salvaged> Salvage(const std::string& damaged, const std::string& into, const std::string& vfs);

}  // namespace fsherald
