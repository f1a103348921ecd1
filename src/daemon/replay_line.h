// SPDX-License-Identifier: MIT
// ReplayLine: where a replay has come to on the line of numbers, and what it tells in place of numbers that are not there: that
// retention has removed, that damage hides, or that were only counted. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "record/notification.h"
#include "store/entry.h"

namespace fsherald {

// What is known to be gone of the numbers above the position that a replay began at, as History::RemovedAfter has it.
struct Removed {
  uint64_t notifications = 0;
  uint64_t errors = 0;
  bool exact = true;         // false: at least so many errors
  int64_t until_utc_ns = 0;  // they happened before
};

class ReplayLine {
 public:
  // All up to `position` are told.
  explicit ReplayLine(uint64_t position) : position_(position) {}

  uint64_t position() const { return position_; }
  // Nothing was told yet: what is missing before the first row is what was removed.
  bool is_at_first() const { return is_at_first_; }
  void set_removed(const std::optional<Removed>& removed) { removed_ = removed; }

  // Appends the row to `out`, behind a gap if numbers before it are missing and no earlier row stands for them. A row that is not
  // above the position is told already.
  void Add(const EntryView& row, std::string& out);
  // Up to `seq` nothing is left that could be told. `utc_ns`: now.
  void End(uint64_t seq, int64_t utc_ns, const Host& host, std::string& out);

 private:
  void Miss(uint64_t until_seq, int64_t utc_ns, const Host& host, std::string& out);

  uint64_t position_;
  bool is_at_first_ = true;
  std::optional<Removed> removed_;
  uint64_t merged_ = 0;  // numbers that rows stand for besides their own, and that were not missed yet
  bool stands_for_all_ =
      false;            // the last row is a gap that counts what the journal had no room for, up to the next row
  int64_t utc_ns_ = 0;  // of the last row; 0: there was none
};

}  // namespace fsherald
