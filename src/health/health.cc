// SPDX-License-Identifier: MIT
#include "health/health.h"

namespace fsherald {

std::string_view Name(Health health) {
  switch (health) {
    case Health::kNotCovered: return "not_covered";
    case Health::kUnknown: return "unknown";
    case Health::kWell: return "well";
    case Health::kPastErrors: return "past_errors";
    case Health::kErrors: return "errors";
    case Health::kReadOnly: return "read_only";
    case Health::kShutDown: return "shut_down";
  }
  return "";
}

bool IsFinding(Health health) { return health != Health::kWell && health != Health::kNotCovered; }

Health HealthOf(const Evidence& evidence, int64_t boot_utc_s) {
  if (evidence.mount == MountState::kShutDown || evidence.answers_shut_down) return Health::kShutDown;
  if (evidence.mount == MountState::kForcedReadOnly) return Health::kReadOnly;
  if (evidence.has_sick_structures) return Health::kErrors;
  if (evidence.counters && evidence.counters->errors > 0) {
    const auto& last = evidence.counters->last;
    return last && last->utc_seconds >= boot_utc_s ? Health::kErrors : Health::kPastErrors;
  }
  if (evidence.covered) return Health::kWell;
  return evidence.coverable ? Health::kUnknown : Health::kNotCovered;
}

}  // namespace fsherald
