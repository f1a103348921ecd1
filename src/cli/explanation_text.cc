// SPDX-License-Identifier: MIT
//
//     EUCLEAN (117): Structure needs cleaning
//
//     A structure of the file system on the disk is damaged: ...
//
//     likely causes
//       - a device or its cache that lost a write, ...
#include "cli/explanation_text.h"

#include <fmt/format.h>

#include "base/styles.h"
#include "base/text.h"
#include "cli/paragraphs.h"

namespace fsherald {
namespace {

using namespace styles;

std::string Bold(std::string_view text, bool color) {
  return color ? fmt::format("{}{}{}", kBold, text, kNormal) : std::string(text);
}

}  // namespace

void AppendItems(std::string_view label, const std::vector<std::string>& items, size_t width, bool color,
                 std::string& out) {
  out += Bold(label, color) + "\n";
  for (const std::string& item : items) AppendWrapped("  - ", "    ", ForTerminal(item), width, out);
}

std::string ExplanationText(const Explanation& explanation, size_t width, bool color) {
  std::string text = Bold(ForTerminal(explanation.title), color) + "\n\n";
  for (const std::string& paragraph : explanation.meaning) AppendWrapped("", "", ForTerminal(paragraph), width, text);
  for (const Explanation::Section& section : explanation.sections) {
    text += "\n";
    AppendItems(ForTerminal(section.label), section.items, width, color, text);
  }
  return text;
}

}  // namespace fsherald
