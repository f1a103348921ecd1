// SPDX-License-Identifier: MIT
#include "daemon/replay_line.h"

#include <algorithm>

#include "record/stream.h"

namespace fsherald {

void ReplayLine::Add(const EntryView& row, std::string& out) {
  const Notification& notification = row.notification;
  if (notification.seq <= position_) return;
  Miss(notification.seq, notification.utc_ns, row.host, out);
  AppendStream(notification, row.host, out);
  position_ = notification.seq;
  is_at_first_ = false;
  utc_ns_ = notification.utc_ns;
  if (row.rows > 1) merged_ += row.rows - 1;
  // Broker::CountUnstored made it; a source's own gap stands for no number but its own.
  stands_for_all_ = notification.gap && notification.gap->source == SourceId::kGroup;
}

void ReplayLine::End(uint64_t seq, int64_t utc_ns, const Host& host, std::string& out) {
  if (seq <= position_) return;
  Miss(seq + 1, utc_ns, host, out);
  position_ = seq;
  is_at_first_ = false;
}

void ReplayLine::Miss(uint64_t until_seq, int64_t utc_ns, const Host& host, std::string& out) {
  const uint64_t missing = until_seq - position_ - 1;
  Gap told{
      .source = SourceId::kGroup, .count = std::nullopt, .exact = false, .from_utc_ns = utc_ns_, .to_utc_ns = utc_ns};
  if (is_at_first_ && removed_ && removed_->notifications > 0) {
    // Each number that is missing is one that retention has taken, or it is not known what it was.
    const bool is_all = removed_->notifications >= missing;
    if (is_all || removed_->errors > 0) {
      told.count = removed_->errors;
      told.exact = removed_->exact && is_all;
    }
    // The middles of bursts are missing among the rows that come.
    if (is_all) merged_ = removed_->notifications - missing;
    if (merged_ > 0) told.to_utc_ns = std::max(utc_ns, removed_->until_utc_ns);
  } else {
    const uint64_t of_merged = std::min(missing, merged_);
    merged_ -= of_merged;
    if (missing == of_merged || stands_for_all_) return;
  }
  Notification gap;
  gap.utc_ns = utc_ns;
  gap.error = {.code = std::nullopt, .count = 0};
  gap.kind = Kind::kGap;
  gap.sources = SourceId::kGroup;
  gap.gap = told;
  AppendStream(gap, host, out);
}

}  // namespace fsherald
