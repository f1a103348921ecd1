// SPDX-License-Identifier: MIT
#include "record/gap.h"

#include <algorithm>
#include <cstdint>

namespace fsherald {

Notification GapFor(const Notification& first, SourceId source) {
  Notification gap;
  gap.utc_ns = first.utc_ns;
  gap.boottime_ns = first.boottime_ns;
  gap.filesystem = first.filesystem;
  gap.error = {.code = std::nullopt, .count = 0};
  gap.kind = Kind::kGap;
  gap.origin = first.origin;
  gap.sources = source;
  gap.gap = Gap{.source = source, .count = 0, .from_utc_ns = first.utc_ns, .to_utc_ns = first.utc_ns};
  return gap;
}

void AddTo(Gap& gap, const Notification& one) {
  const uint64_t errors = one.gap ? one.gap->count.value_or(0) : ErrorCount(one);
  uint64_t sum = 0;
  // Hostile counts: at least so many.
  if (__builtin_add_overflow(gap.count.value_or(0), errors, &sum)) {
    sum = UINT64_MAX;
    gap.exact = false;
  }
  gap.count = sum;
  if (one.gap) gap.exact = gap.exact && one.gap->exact && one.gap->count;
  gap.from_utc_ns = std::min(gap.from_utc_ns, one.gap ? one.gap->from_utc_ns : one.utc_ns);
  gap.to_utc_ns = std::max(gap.to_utc_ns, one.gap ? one.gap->to_utc_ns : one.utc_ns);
}

}  // namespace fsherald
