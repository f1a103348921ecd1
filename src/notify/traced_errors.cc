// SPDX-License-Identifier: MIT
#include "notify/traced_errors.h"

#include <algorithm>

namespace fsherald {

void TracedErrors::Remember(const Uuid& filesystem, const TraceSignal& error, int64_t utc_s) {
  if (last_.size() >= kMaxFilesystems && !last_.contains(filesystem)) last_.erase(last_.begin());
  Last& last = last_[filesystem];
  if (error.boottime_ns > last.boottime_ns + kAmidNs) last.count = 0;
  if (error.reporter.told_by_fanotify) last.count += std::max<uint64_t>(error.folded, 1);
  last.boottime_ns = error.boottime_ns;
  last.utc_s = utc_s;
}

uint64_t TracedErrors::Amid(const Uuid& filesystem, uint64_t boottime_ns) const {
  auto last = last_.find(filesystem);
  return last != last_.end() && last->second.boottime_ns + kAmidNs > boottime_ns ? last->second.count : 0;
}

uint64_t TracedErrors::NewErrors(const std::optional<Uuid>& filesystem, const CounterReading& reading,
                                 int64_t known_utc_s) const {
  if (!filesystem) return 0;
  if (auto last = last_.find(*filesystem); last != last_.end()) known_utc_s = std::max(known_utc_s, last->second.utc_s);
  if (reading.first && reading.first->utc_seconds > known_utc_s) return reading.errors;
  if (reading.last && reading.last->utc_seconds > known_utc_s) return std::min<uint64_t>(reading.errors, 1);
  return 0;
}

}  // namespace fsherald
