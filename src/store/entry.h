// SPDX-License-Identifier: MIT
// Entry: what one row of the store tells.
#pragma once

#include <cstdint>

#include "record/notification.h"

namespace fsherald {

struct Entry {
  Notification notification;
  Host host;
  // How many notifications the row stands for. More than one: retention has put the middle of a burst into it. Then
  // `notification` is the first of them, but error.count is that of all.
  uint64_t rows = 1;
  uint64_t last_seq = 0;    // the last of them
  int64_t last_utc_ns = 0;  // its time
};

// The same where it lies.
struct EntryView {
  EntryView(const Entry& entry)  // NOLINT: implicit by intent
      : notification(entry.notification),
        host(entry.host),
        rows(entry.rows),
        last_seq(entry.last_seq),
        last_utc_ns(entry.last_utc_ns) {}
  EntryView(const Notification& one, const Host& of_all)
      : notification(one), host(of_all), last_seq(one.seq), last_utc_ns(one.utc_ns) {}

  const Notification& notification;
  const Host& host;
  uint64_t rows = 1;
  uint64_t last_seq;
  int64_t last_utc_ns;
};

}  // namespace fsherald
