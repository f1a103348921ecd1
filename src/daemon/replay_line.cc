// SPDX-License-Identifier: MIT
#include "daemon/replay_line.h"

#include <algorithm>

#include "record/stream.h"

namespace fsherald {

void ReplayLine::Add(const EntryView& row, const std::optional<Removed>& removed, std::string& out) {
  const Notification& notification = row.notification;
  if (notification.seq <= position_) return;
  Miss(notification.seq, notification.utc_ns, row.host, removed, out);
  AppendStream(notification, row.host, out);
  position_ = notification.seq;
  utc_ns_ = notification.utc_ns;
  if (row.rows > 1) merged_ += row.rows - 1;
  // Broker::CountUnstored made it; a source's own gap stands for no number but its own.
  stands_for_all_ = notification.gap && notification.gap->source == SourceId::kGroup;
}

void ReplayLine::End(uint64_t seq, int64_t utc_ns, const Host& host, std::string& out) {
  if (seq <= position_) return;
  Miss(seq + 1, utc_ns, host, std::nullopt, out);
  position_ = seq;
}

void ReplayLine::Miss(uint64_t until_seq, int64_t utc_ns, const Host& host, const std::optional<Removed>& removed,
                      std::string& out) {
  const uint64_t missing = until_seq - position_ - 1;
  const uint64_t of_merged = std::min(missing, merged_);
  merged_ -= of_merged;
  if (missing == of_merged || stands_for_all_) return;
  Notification gap;
  gap.utc_ns = utc_ns;
  gap.error = {.code = std::nullopt, .count = 0};
  gap.kind = Kind::kGap;
  gap.sources = SourceId::kGroup;
  gap.gap = Gap{.source = SourceId::kGroup, .count = std::nullopt, .from_utc_ns = utc_ns_, .to_utc_ns = utc_ns};
  if (removed && is_at_first()) {
    gap.gap->count = removed->errors;
    gap.gap->exact = removed->exact;
  }
  AppendStream(gap, host, out);
}

}  // namespace fsherald
