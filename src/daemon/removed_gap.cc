// SPDX-License-Identifier: MIT
#include "daemon/removed_gap.h"

#include <algorithm>

#include "record/gap.h"
#include "store/tally.h"

namespace fsherald {

void Removed::Add(const Removed& other) {
  notifications = SaturatingSum(notifications, other.notifications);
  errors = SaturatingSum(errors, other.errors);
  exact = exact && other.exact;
  until_utc_ns = std::max(until_utc_ns, other.until_utc_ns);
}

Notification RemovedGap(uint64_t missing, const Removed& removed, int64_t from_utc_ns, int64_t to_utc_ns) {
  Notification next;
  next.utc_ns = to_utc_ns;
  Notification gap = GapFor(next, SourceId::kGroup);
  const bool is_all = removed.notifications >= missing;
  if (!is_all && removed.errors == 0) gap.gap->count.reset();
  else gap.gap->count = removed.errors;
  gap.gap->exact = removed.exact && is_all;
  gap.gap->from_utc_ns = from_utc_ns;
  if (removed.notifications > missing) gap.gap->to_utc_ns = std::max(to_utc_ns, removed.until_utc_ns);
  return gap;
}

}  // namespace fsherald
