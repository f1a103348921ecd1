// SPDX-License-Identifier: MIT
#include "notify/earlier.h"

#include <algorithm>
#include <span>
#include <utility>

#include "record/stream.h"

namespace fsherald {
namespace {

constexpr int64_t kCountedByS = 5;  // after an error its file system has counted it

// The kernel's queues are those of another boot.
void ForgetBoot(SavedState& state) {
  state.trace.reset();
  state.losses = {};
  state.kmsg_next.reset();
  state.places.clear();
  for (SavedState::Filesystem& filesystem : state.filesystems) filesystem.fanotify_debt = 0;
}

}  // namespace

Earlier::Earlier(std::optional<SavedState> saved, const std::string& boot_id) : state_(std::move(saved)) {
  is_of_this_boot_ = state_ && state_->boot_id == boot_id;
  if (state_ && !is_of_this_boot_) ForgetBoot(*state_);
}

std::vector<Notification> Earlier::TakeRest() {
  std::vector<Notification> rest;
  if (!state_) return rest;
  for (const std::string& stream : std::exchange(state_->rest, {}))
    if (auto parsed = ParseStream(std::as_bytes(std::span(stream)))) rest.push_back(std::move(parsed->notification));
  return rest;
}

std::optional<SavedState::Filesystem> Earlier::Take(const FilesystemInfo& info) {
  if (!state_) return std::nullopt;
  std::vector<SavedState::Filesystem>& saved = state_->filesystems;
  auto found =
      std::ranges::find_if(saved, [&](const auto& s) { return IsSame(s.info, info) && s.info.dev == info.dev; });
  if (found == saved.end()) found = std::ranges::find_if(saved, [&](const auto& s) { return IsSame(s.info, info); });
  if (found == saved.end()) return std::nullopt;
  SavedState::Filesystem taken = std::move(*found);
  saved.erase(found);
  return taken;
}

const std::vector<SavedState::Filesystem>& Earlier::absent() const {
  static const std::vector<SavedState::Filesystem> kNone;
  return state_ ? state_->filesystems : kNone;
}

Earlier::Start Earlier::StartOf(const SavedState::Filesystem& saved, const CounterReading& reading, uint64_t base,
                                int64_t now_utc_s) const {
  if (!saved.counted) return {.base = base};
  if (*saved.counted <= reading.errors) return {.base = *saved.counted};
  if (!IsBehind(reading, now_utc_s)) return {.base = base};
  return {.base = base, .told_ahead = *saved.counted - reading.errors};
}

// Whether a counter that stands lower than what was told has yet to count it (the kernel counts in a worker, a moment after the
// error), or was cleared since.
bool Earlier::IsBehind(const CounterReading& reading, int64_t now_utc_s) const {
  if (!is_of_this_boot_) return false;
  return reading.first ? reading.first->utc_seconds <= state_->utc_s : now_utc_s - state_->utc_s < kCountedByS;
}

}  // namespace fsherald
