// SPDX-License-Identifier: MIT
// Hotspots as a table with bars, and as JSON (docs/json.md). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/history.h"

namespace fsherald {

// "location", ...: the words of the JSON, and of --by (where "function" stands for location).
std::string_view Name(History::By by);

struct HotspotsLook {
  bool unicode = false;  // block characters; else ASCII
  bool color = false;
};

// A line a spot: a bar and the count of its errors, its share of those of all spots that are shown, how they lie in time.
// Control bytes are escaped. No spots: nothing.
std::string HotspotsText(History::By by, const History::Hotspots& spots, const HotspotsLook& look);

// One object a line.
std::string HotspotsJson(History::By by, const History::Hotspots& spots);

// A line of one character a value, the highest for the greatest; a value that is not 0 is never shown as one that is.
std::string Sparkline(const std::vector<uint64_t>& values, bool unicode);

// As long as value is of greatest (which is not 0), at most `columns`; of a value that is not 0 never nothing.
std::string Bar(uint64_t value, uint64_t greatest, size_t columns, bool unicode);

}  // namespace fsherald
