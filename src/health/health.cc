// SPDX-License-Identifier: MIT
#include "health/health.h"

namespace fsherald {

bool IsFinding(HealthState health) { return health != HealthState::kWell && health != HealthState::kNotCovered; }

HealthState HealthOf(const Evidence& evidence, int64_t boot_utc_s) {
  if (evidence.mount == MountState::kShutDown || evidence.answers_shut_down) return HealthState::kShutDown;
  if (evidence.mount == MountState::kForcedReadOnly) return HealthState::kReadOnly;
  if (evidence.has_sick_structures) return HealthState::kErrors;
  if (evidence.counters && evidence.counters->errors > 0) {
    const auto& last = evidence.counters->last;
    return last && last->utc_seconds >= boot_utc_s ? HealthState::kErrors : HealthState::kPastErrors;
  }
  if (evidence.covered) return HealthState::kWell;
  return evidence.coverable ? HealthState::kUnknown : HealthState::kNotCovered;
}

}  // namespace fsherald
