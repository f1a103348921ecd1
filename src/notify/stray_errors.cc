// SPDX-License-Identifier: MIT
#include "notify/stray_errors.h"

#include <algorithm>

namespace fsherald {

void StrayErrors::Traced(const Uuid& filesystem, FilesystemKey mounting, uint64_t boottime_ns, uint64_t count) {
  if (laid_.size() >= kMaxFilesystems && !laid_.contains(filesystem)) laid_.erase(laid_.begin());
  std::vector<Laid>& laid = laid_[filesystem];
  std::erase_if(laid, [&](const Laid& one) { return one.last_boottime_ns + kKeepNs < boottime_ns; });
  auto here = std::ranges::find(laid, mounting, &Laid::mounting);
  if (here == laid.end()) here = laid.insert(laid.end(), {.mounting = mounting});
  here->last_boottime_ns = std::max(here->last_boottime_ns, boottime_ns);
  here->of_fanotify += count;
  here->of_counter += count;
}

void StrayErrors::Confirmed(const Uuid& filesystem, FilesystemKey mounting, uint64_t count) {
  auto laid = laid_.find(filesystem);
  if (laid == laid_.end()) return;
  for (Laid& one : laid->second)
    if (one.mounting == mounting) one.of_fanotify -= std::min(one.of_fanotify, count);
}

uint64_t StrayErrors::Take(const Uuid& filesystem, FilesystemKey mounting, Teller teller, uint64_t count,
                           uint64_t now_boottime_ns) {
  auto laid = laid_.find(filesystem);
  if (laid == laid_.end()) return 0;
  uint64_t taken = 0;
  for (Laid& one : laid->second) {
    if (one.mounting == mounting || one.last_boottime_ns + kKeepNs < now_boottime_ns) continue;
    uint64_t& left = teller == Teller::kFanotify ? one.of_fanotify : one.of_counter;
    const uint64_t of_this = std::min(left, count - taken);
    left -= of_this;
    taken += of_this;
  }
  return taken;
}

}  // namespace fsherald
