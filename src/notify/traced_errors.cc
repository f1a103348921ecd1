// SPDX-License-Identifier: MIT
#include "notify/traced_errors.h"

#include <algorithm>

#include "join/join.h"

namespace fsherald {

void TracedErrors::Remember(const Uuid& filesystem, FilesystemKey mounting, const TraceSignal& error, int64_t utc_s) {
  if (traced_.size() >= kMaxFilesystems && !traced_.contains(filesystem)) traced_.erase(traced_.begin());
  Traced& traced = traced_[filesystem];
  if (error.boottime_ns > traced.last_boottime_ns + kBurstNs) traced.count = 0;
  if (error.reporter.told_by_fanotify) {
    const uint64_t count = std::max<uint64_t>(error.folded, 1);
    traced.count += count;
    RememberTask(traced, error);
    Lay(traced, mounting, error.boottime_ns, count);
  }
  traced.last_boottime_ns = error.boottime_ns;
  traced.last_utc_s = utc_s;
}

void TracedErrors::RememberTask(Traced& traced, const TraceSignal& error) {
  std::erase_if(traced.tasks, [&](const auto& task) { return task.second + Join::kAmidNs <= error.boottime_ns; });
  if (traced.tasks.size() >= kMaxTasks) traced.tasks.erase(traced.tasks.begin());
  traced.tasks[error.task.tid.value_or(0)] = error.boottime_ns;
}

void TracedErrors::Lay(Traced& traced, FilesystemKey mounting, uint64_t boottime_ns, uint64_t count) {
  std::erase_if(traced.laid, [&](const Laid& laid) { return laid.last_boottime_ns + kAstrayNs < boottime_ns; });
  auto here = std::ranges::find(traced.laid, mounting, &Laid::mounting);
  if (here == traced.laid.end()) here = traced.laid.insert(traced.laid.end(), {.mounting = mounting});
  here->last_boottime_ns = std::max(here->last_boottime_ns, boottime_ns);
  here->of_fanotify += count;
  here->of_counter += count;
}

void TracedErrors::Confirm(const Uuid& filesystem, FilesystemKey mounting, uint64_t count) {
  auto traced = traced_.find(filesystem);
  if (traced == traced_.end()) return;
  for (Laid& laid : traced->second.laid)
    if (laid.mounting == mounting) laid.of_fanotify -= std::min(laid.of_fanotify, count);
}

TracedErrors::Amid TracedErrors::AmidAt(const Uuid& filesystem, uint64_t boottime_ns) const {
  Amid amid;
  auto traced = traced_.find(filesystem);
  if (traced == traced_.end()) return amid;
  if (traced->second.last_boottime_ns + kBurstNs > boottime_ns) amid.errors = traced->second.count;
  for (const auto& [tid, met_boottime_ns] : traced->second.tasks)
    if (met_boottime_ns + Join::kAmidNs > boottime_ns) amid.tasks.push_back(tid);
  return amid;
}

uint64_t TracedErrors::NewErrors(const std::optional<Uuid>& filesystem, const CounterReading& reading,
                                 int64_t known_utc_s) const {
  if (!filesystem) return 0;
  if (auto traced = traced_.find(*filesystem); traced != traced_.end())
    known_utc_s = std::max(known_utc_s, traced->second.last_utc_s);
  if (reading.first && reading.first->utc_seconds > known_utc_s) return reading.errors;
  if (reading.last && reading.last->utc_seconds > known_utc_s) return std::min<uint64_t>(reading.errors, 1);
  return 0;
}

uint64_t TracedErrors::TakeAstray(const Uuid& filesystem, FilesystemKey mounting, Teller teller, uint64_t count,
                                  uint64_t now_boottime_ns) {
  auto traced = traced_.find(filesystem);
  if (traced == traced_.end()) return 0;
  uint64_t taken = 0;
  for (Laid& laid : traced->second.laid) {
    if (laid.mounting == mounting || laid.last_boottime_ns + kAstrayNs < now_boottime_ns) continue;
    uint64_t& left = teller == Teller::kFanotify ? laid.of_fanotify : laid.of_counter;
    const uint64_t of_this = std::min(left, count - taken);
    left -= of_this;
    taken += of_this;
  }
  return taken;
}

}  // namespace fsherald
