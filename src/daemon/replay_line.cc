// SPDX-License-Identifier: MIT
#include "daemon/replay_line.h"

#include <algorithm>
#include <utility>

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
  const Removed removed = std::exchange(removed_, {});
  const uint64_t of_removed = std::min(missing, removed.notifications);
  const uint64_t of_rows = std::min(missing - of_removed, merged_);
  // What is gone besides are the middles of bursts: their numbers are missing among the rows that come.
  merged_ += removed.notifications - of_removed;
  merged_ -= of_rows;
  if (removed.notifications == 0 && (of_rows == missing || stands_for_all_)) return;
  AppendStream(RemovedGap(missing - of_rows, removed, utc_ns_, utc_ns), host, out);
}

}  // namespace fsherald
