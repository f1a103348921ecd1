// SPDX-License-Identifier: MIT
// For tests: small notifications of made-up file systems, and what of them a test asserts.
#pragma once

#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "record/stream.h"

namespace fsherald {

inline Notification TestNotification(uint64_t seq, const std::string& device, uint64_t errors = 1) {
  Notification notification;
  notification.seq = seq;
  notification.utc_ns = 1'000'000'000 + static_cast<int64_t>(seq);
  notification.filesystem.type = "ext4";
  notification.filesystem.device = device;
  notification.error = {.code = 5, .count = errors};
  return notification;
}

// What a reader of the stream has got.
struct Told {
  uint64_t seq = 0;
  std::string device;
  uint64_t errors = 0;  // of a gap: how many it counts
  bool is_gap = false;
  friend bool operator==(const Told&, const Told&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Told& told) {
    return out << (told.is_gap ? "gap" : "error") << " seq " << told.seq << " of " << told.device << " x"
               << told.errors;
  }
};

inline Told ToldOf(const Notification& notification) {
  return {.seq = notification.seq,
          .device = notification.filesystem.device,
          .errors = notification.gap ? notification.gap->count.value_or(0) : notification.error.count,
          .is_gap = notification.gap.has_value()};
}

// Of whole notifications; ends where the bytes are none.
inline std::vector<Told> ToldIn(Bytes bytes) {
  std::vector<Told> told;
  while (!bytes.empty()) {
    const std::optional<StreamNotification> parsed = ParseStream(bytes);
    if (!parsed) break;
    told.push_back(ToldOf(parsed->notification));
    bytes = bytes.subspan(parsed->bytes);
  }
  return told;
}

}  // namespace fsherald
