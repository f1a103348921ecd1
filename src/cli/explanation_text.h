// SPDX-License-Identifier: MIT
// An explanation as text. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "explain/explain.h"

namespace fsherald {

// Control bytes are escaped; lines are at most `width` columns, but for words that are longer.
std::string ExplanationText(const Explanation& explanation, size_t width, bool color);

// A label, and below it the items, each with a dash.
void AppendItems(std::string_view label, const std::vector<std::string>& items, size_t width, bool color,
                 std::string& out);

}  // namespace fsherald
