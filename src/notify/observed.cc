// SPDX-License-Identifier: MIT
#include "notify/observed.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace fsherald {
namespace {

constexpr uint64_t kScrubToldNs = 500'000'000;  // after the end of a scrub: what it found has been told

}  // namespace

void Observed::Add(const Mounting& mounting, Observation observation) {
  if (observer_) waiting_.push_back({{mounting.key}, mounting.info, std::move(observation)});
}

void Observed::AddCount(FilesystemKey key, uint64_t errors) {
  const Mounting* mounting = observer_ ? mounts_.Find(key.value) : nullptr;
  if (mounting == nullptr) return;
  Add(*mounting, {.what = Observation::What::kCounted, .counters = CounterReading{.errors = errors}});
}

void Observed::AddScrubs(const std::vector<Translator::Scrub>& scrubs, uint64_t now_ns) {
  for (const Translator::Scrub& scrub : scrubs) {
    const Mounting* mounting = mounts_.Find(scrub.filesystem.value);
    if (mounting == nullptr) continue;
    std::erase_if(scrubs_,
                  [&](const EndedScrub& one) { return one.key == scrub.filesystem && one.device == scrub.device; });
    if (scrub.has_ended) scrubs_.push_back({scrub.filesystem, scrub.device, now_ns + kScrubToldNs});
    else Add(*mounting, {.what = Observation::What::kScrubBegan, .device = scrub.device});
  }
}

void Observed::AddEndedScrubs(uint64_t now_ns) {
  std::erase_if(scrubs_, [&](const EndedScrub& one) {
    if (one.due_ns > now_ns) return false;
    if (const Mounting* mounting = mounts_.Find(one.key.value))
      Add(*mounting, {.what = Observation::What::kScrubEnded,
                      .device = one.device,
                      .devices = std::max<size_t>(mounting->devices.size(), 1)});
    return true;
  });
}

void Observed::Tell(uint64_t now_ns) {
  AddEndedScrubs(now_ns);
  TellFirst(waiting_.size());
}

void Observed::TellBegun() {
  const auto last = std::find_if(waiting_.rbegin(), waiting_.rend(),
                                 [](const One& one) { return one.observation.what == Observation::What::kBegun; });
  TellFirst(static_cast<size_t>(waiting_.rend() - last));
}

void Observed::TellFirst(size_t count) {
  const auto end = waiting_.begin() + static_cast<ptrdiff_t>(count);
  const std::vector<One> told(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
  waiting_.erase(waiting_.begin(), end);
  for (const One& one : told) observer_(one.key, one.info, one.observation);
}

std::optional<uint64_t> Observed::due_ns() const {
  if (scrubs_.empty()) return std::nullopt;
  return std::ranges::min(scrubs_, {}, &EndedScrub::due_ns).due_ns;
}

}  // namespace fsherald
