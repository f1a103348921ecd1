// SPDX-License-Identifier: MIT
#include "notify/traced_errors.h"

#include <algorithm>

#include "join/join.h"

namespace fsherald {

void TracedErrors::Remember(const Uuid& filesystem, const TraceSignal& error, int64_t utc_s) {
  if (last_.size() >= kMaxFilesystems && !last_.contains(filesystem)) last_.erase(last_.begin());
  Last& last = last_[filesystem];
  if (error.boottime_ns > last.boottime_ns + kBurstNs) last.count = 0;
  if (error.reporter.told_by_fanotify) {
    last.count += std::max<uint64_t>(error.folded, 1);
    std::erase_if(last.tasks, [&](const auto& task) { return task.second + Join::kAmidNs <= error.boottime_ns; });
    if (last.tasks.size() >= kMaxTasks) last.tasks.erase(last.tasks.begin());
    last.tasks[error.task.tid.value_or(0)] = error.boottime_ns;
  }
  last.boottime_ns = error.boottime_ns;
  last.utc_s = utc_s;
}

TracedErrors::Amid TracedErrors::AmidAt(const Uuid& filesystem, uint64_t boottime_ns) const {
  Amid amid;
  auto last = last_.find(filesystem);
  if (last == last_.end()) return amid;
  if (last->second.boottime_ns + kBurstNs > boottime_ns) amid.errors = last->second.count;
  for (const auto& [tid, met_boottime_ns] : last->second.tasks)
    if (met_boottime_ns + Join::kAmidNs > boottime_ns) amid.tasks.push_back(tid);
  return amid;
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
