// SPDX-License-Identifier: MIT
// Quotas of a user, pure: how many of something in a second, and how many wake-ups before its reports wait for a timer.
#pragma once

#include <cstdint>

namespace fsherald {

// A token bucket: `per_second` in the long run, `burst` at once. Begins full.
class Quota {
 public:
  Quota(uint32_t per_second, uint32_t burst);

  // How many may be taken now. `now_ns` never falls.
  uint32_t Available(uint64_t now_ns);
  // Takes what was available.
  void Take(uint32_t count);
  // When `count` are available, as it stands at the last call of Available; `count` is at most `burst`.
  uint64_t WhenAvailableNs(uint32_t count) const;

 private:
  uint64_t ns_each_;
  uint64_t full_ns_;
  uint64_t saved_ns_;  // what has been saved up, as time
  uint64_t last_ns_ = 0;
};

// At most `limit` wake-ups in a window of time; who comes more often is asked again only at its end.
class WakeLimit {
 public:
  WakeLimit(uint32_t limit, uint64_t window_ns) : limit_(limit), window_ns_(window_ns) {}

  // One more. False: that was too many; nothing more is wanted until EndNs.
  bool Wake(uint64_t now_ns) {
    if (now_ns >= end_ns_) {
      end_ns_ = now_ns + window_ns_;
      count_ = 0;
    }
    return ++count_ <= limit_;
  }
  uint64_t EndNs() const { return end_ns_; }

 private:
  uint32_t limit_;
  uint64_t window_ns_;
  uint64_t end_ns_ = 0;
  uint32_t count_ = 0;
};

}  // namespace fsherald
