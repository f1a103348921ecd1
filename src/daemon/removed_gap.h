// SPDX-License-Identifier: MIT
// What is told, or stored, in place of numbers that retention has removed.
#pragma once

#include <cstdint>

#include "record/notification.h"

namespace fsherald {

// What is known to be gone, as History::RemovedAfter and RemovedBetween have it.
struct Removed {
  uint64_t notifications = 0;
  uint64_t errors = 0;
  bool exact = true;         // false: at least so many errors
  int64_t until_utc_ns = 0;  // they happened before; 0: before what comes next

  void Add(const Removed& other);
};

// The gap for `missing` numbers, of no single file system: each is one of those that are gone, or it is not known what it was. What
// is gone besides, the middles of bursts whose numbers are missing later, is in it too. It has no number.
Notification RemovedGap(uint64_t missing, const Removed& removed, int64_t from_utc_ns, int64_t to_utc_ns);

}  // namespace fsherald
