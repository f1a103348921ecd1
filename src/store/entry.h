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

}  // namespace fsherald
