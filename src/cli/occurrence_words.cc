// SPDX-License-Identifier: MIT
#include "cli/occurrence_words.h"

#include <fmt/format.h>
#include <string.h>

#include <string_view>

#include "base/text.h"
#include "cli/time_text.h"

namespace fsherald {

std::string OccurrenceWords(const CounterReading::Occurrence& occurrence) {
  std::string place = ForTerminal(occurrence.function);
  if (occurrence.line) place += fmt::format(":{}", *occurrence.line);
  std::string words = LocalTimeTextOfSeconds(occurrence.utc_seconds);
  std::string_view separator = "  ";
  const auto append = [&](const std::string& word) {
    words += fmt::format("{}{}", separator, word);
    separator = ", ";
  };
  if (!place.empty()) append(place);
  if (const char* name = occurrence.code ? ::strerrorname_np(*occurrence.code) : nullptr) append(name);
  if (occurrence.inode) append(fmt::format("inode {}", *occurrence.inode));
  if (occurrence.block) append(fmt::format("block {}", *occurrence.block));
  return words;
}

}  // namespace fsherald
