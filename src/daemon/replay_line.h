// SPDX-License-Identifier: MIT
// ReplayLine: where a replay has come to on the line of numbers, and what it tells in place of numbers that are not there: that
// retention has removed, that damage hides, or that were only counted. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "daemon/removed_gap.h"
#include "record/notification.h"
#include "store/entry.h"

namespace fsherald {

class ReplayLine {
 public:
  // All up to `position` are told.
  explicit ReplayLine(uint64_t position) : begun_at_(position), position_(position) {}

  uint64_t begun_at() const { return begun_at_; }
  uint64_t position() const { return position_; }
  // Nothing was told yet: before the first row all is told that was removed, wherever above the position it was.
  bool is_at_first() const { return is_at_first_; }
  // What is told of before the next row, or at the end if none comes.
  void set_removed(const Removed& removed) { removed_ = removed; }
  void AddRemoved(const Removed& removed) { removed_.Add(removed); }

  // Appends the row to `out`, behind a gap if numbers before it are missing and no earlier row stands for them. A row that is not
  // above the position is told already.
  void Add(const EntryView& row, std::string& out);
  // Up to `seq` nothing is left that could be told. `utc_ns`: now.
  void End(uint64_t seq, int64_t utc_ns, const Host& host, std::string& out);

 private:
  void Miss(uint64_t until_seq, int64_t utc_ns, const Host& host, std::string& out);

  uint64_t begun_at_;
  uint64_t position_;
  bool is_at_first_ = true;
  Removed removed_;
  uint64_t merged_ = 0;  // numbers that rows stand for besides their own, and that were not missed yet
  bool stands_for_all_ =
      false;            // the last row is a gap that counts what the journal had no room for, up to the next row
  int64_t utc_ns_ = 0;  // of the last row; 0: there was none
};

}  // namespace fsherald
