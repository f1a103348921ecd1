// SPDX-License-Identifier: MIT
#include "daemon/quota.h"

#include <algorithm>

namespace fsherald {

Quota::Quota(uint32_t per_second, uint32_t burst)
    : ns_each_(1'000'000'000 / std::clamp(per_second, 1U, 1'000'000'000U)),
      full_ns_(ns_each_ * std::max(burst, 1U)),
      saved_ns_(full_ns_) {}

uint32_t Quota::Available(uint64_t now_ns) {
  if (last_ns_ != 0) saved_ns_ = std::min(full_ns_, saved_ns_ + std::min(now_ns - last_ns_, full_ns_));
  last_ns_ = now_ns;
  return static_cast<uint32_t>(saved_ns_ / ns_each_);
}

void Quota::Take(uint32_t count) { saved_ns_ -= std::min(saved_ns_, count * ns_each_); }

uint64_t Quota::WhenAvailableNs(uint32_t count) const {
  const uint64_t wanted_ns = std::min(full_ns_, count * ns_each_);
  return last_ns_ + (wanted_ns > saved_ns_ ? wanted_ns - saved_ns_ : 0);
}

}  // namespace fsherald
