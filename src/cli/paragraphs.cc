// SPDX-License-Identifier: MIT
#include "cli/paragraphs.h"

#include <algorithm>

namespace fsherald {

size_t ColumnsOf(std::string_view text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

void AppendWrapped(std::string_view first, std::string_view next, std::string_view text, size_t width,
                   std::string& out) {
  out += first;
  size_t column = ColumnsOf(first);
  bool is_first_word = true;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t columns = ColumnsOf(word);
    if (!is_first_word && column + 1 + columns > width) {
      out.append("\n").append(next);
      column = ColumnsOf(next);
    } else if (!is_first_word) {
      out += ' ';
      ++column;
    }
    out += word;
    column += columns;
    is_first_word = false;
  }
  out += '\n';
}

}  // namespace fsherald
