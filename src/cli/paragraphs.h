// SPDX-License-Identifier: MIT
// Text in paragraphs as wide as the terminal. Pure. All of it must be safe to show (base/text.h).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace fsherald {

// Appends `text`, broken at spaces into lines of at most `width` columns (a longer word is not broken): the first begins with
// `first`, the others with `next`.
void AppendWrapped(std::string_view first, std::string_view next, std::string_view text, size_t width,
                   std::string& out);

// How many columns UTF-8 text takes, where each character takes one.
size_t ColumnsOf(std::string_view text);

}  // namespace fsherald
