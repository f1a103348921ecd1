// SPDX-License-Identifier: MIT
#include "notify/counter_reads.h"

#include <algorithm>

namespace fsherald {
namespace {

constexpr uint64_t kQuietNs = 80'000'000;           // after the last line
constexpr uint64_t kReadSilentNs = 60'000'000'000;  // without any line

}  // namespace

void CounterReads::Begin(FilesystemKey key, uint64_t now_ns) {
  silent_.try_emplace(key);
  if (!all_due_ns_) all_due_ns_ = now_ns + kReadSilentNs;
}

void CounterReads::End(FilesystemKey key) { silent_.erase(key); }

void CounterReads::Told(FilesystemKey key, uint64_t now_ns) {
  if (const auto it = silent_.find(key); it != silent_.end()) it->second = now_ns + kQuietNs;
}

void CounterReads::Hurry(uint64_t now_ns) {
  for (auto& [key, quiet_at_ns] : silent_) quiet_at_ns = now_ns;
}

std::vector<FilesystemKey> CounterReads::Take(uint64_t now_ns) {
  if (all_due_ns_ && *all_due_ns_ <= now_ns) {
    Hurry(now_ns);
    all_due_ns_.reset();
    if (!silent_.empty()) all_due_ns_ = now_ns + kReadSilentNs;
  }
  std::vector<FilesystemKey> due;
  for (auto& [key, quiet_at_ns] : silent_) {
    if (!quiet_at_ns || *quiet_at_ns > now_ns) continue;
    due.push_back(key);
    quiet_at_ns.reset();
  }
  return due;
}

std::optional<uint64_t> CounterReads::due_ns() const {
  std::optional<uint64_t> due = all_due_ns_;
  for (const auto& [key, quiet_at_ns] : silent_)
    if (quiet_at_ns) due = std::min(due.value_or(*quiet_at_ns), *quiet_at_ns);
  return due;
}

}  // namespace fsherald
