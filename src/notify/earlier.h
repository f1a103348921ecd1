// SPDX-License-Identifier: MIT
// Earlier: what an earlier monitor has left of each file system, until it is found again, and where its account goes on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "notify/saved_state.h"

namespace fsherald {

class Earlier {
 public:
  // `saved`: empty where there was none. Of another boot only what the file systems keep on their devices means anything.
  Earlier(std::optional<SavedState> saved, const std::string& boot_id);

  bool is_there() const { return state_.has_value(); }
  const SavedState* state() const { return state_ ? &*state_ : nullptr; }

  // What was still being put together; once.
  std::vector<Notification> TakeRest();
  // What was saved of it, if it was: of two clones, that of the one on this device. Once.
  std::optional<SavedState::Filesystem> Take(const FilesystemInfo& info);
  // Those that were not taken: they may come back.
  const std::vector<SavedState::Filesystem>& absent() const;

  // Where the errors begin that are to be told of a file system, whose counter stands at `reading` and of which `base` is the past.
  struct Start {
    uint64_t base = 0;
    uint64_t told_ahead = 0;  // told already, and not counted yet
  };
  Start StartOf(const SavedState::Filesystem& saved, const CounterReading& reading, uint64_t base,
                int64_t now_utc_s) const;

 private:
  bool IsBehind(const CounterReading& reading, int64_t now_utc_s) const;

  std::optional<SavedState> state_;
  bool is_of_this_boot_ = false;
};

}  // namespace fsherald
