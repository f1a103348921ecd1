// SPDX-License-Identifier: MIT
// The history as a table for people, and as CSV (docs/history.md). Pure; control bytes are escaped in both.
#pragma once

#include <array>
#include <span>
#include <string>

#include "store/entry.h"

namespace fsherald {

class HistoryTable {
 public:
  explicit HistoryTable(bool color) : color_(color) {}

  // Makes the columns wide enough for the row; wider ones that come later push what follows to the right.
  void Measure(const Entry& entry);
  std::string Heading() const;
  std::string Row(const Entry& entry) const;

 private:
  static constexpr size_t kColumns = 8;
  using Cells = std::array<std::string, kColumns>;

  static Cells CellsOf(const Entry& entry);
  std::string Line(const Cells& cells, std::string_view style) const;

  bool color_;
  std::array<size_t, kColumns> widths_ = {19, 2, 11, 4, 5, 5, 5, 0};  // of the heading, but for the time's
};

// RFC 4180: the names of the columns, and a row; both end with CR LF.
std::string CsvHeading();
std::string CsvRow(const Entry& entry);

}  // namespace fsherald
