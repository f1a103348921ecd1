// SPDX-License-Identifier: MIT
#include "health/health.h"

#include <algorithm>

#include "base/clock.h"
#include "health/rules.h"

namespace fsherald {
namespace {

bool IsBad(HealthState state) {
  return state == HealthState::kPastErrors || state == HealthState::kErrors || state == HealthState::kReadOnly ||
         state == HealthState::kShutDown;
}

HealthState Worse(HealthState x, HealthState y) {
  const auto rank = [](HealthState state) { return std::ranges::find(HealthStates(), state) - HealthStates().begin(); };
  return rank(x) > rank(y) ? x : y;
}

// What it is at this moment, whoever said what before.
bool IsOfNow(const Evidence& evidence, HealthState own) {
  return own == HealthState::kReadOnly || own == HealthState::kShutDown || evidence.has_sick_structures;
}

// Whether it has counted an error since, as far as can be known: ext4 keeps the second of the last one. btrfs keeps no time, but what
// was set back to 0 has counted since. In the same second the daemon's word is the later one: what comes behind it is told again.
bool HasCountedSince(const Evidence& evidence, const LastChange& change) {
  if (!evidence.counters || evidence.counters->errors == 0) return false;
  if (change.rule == HealthRule::kCountersReset) return true;
  const auto& last = evidence.counters->last;
  return last && last->utc_seconds > SplitUtcNs(change.utc_ns).seconds;
}

// Mounted again since the daemon told of it, and not yet looked at by one: as it will find it.
HealthState FoundAgain(const Evidence& evidence, HealthState own, const LastChange& change) {
  if (IsBad(own)) return own;
  const auto& counters = evidence.counters;
  const bool is_reset = counters && counters->errors == 0 && counters->devices.empty() && change.follows_counted_error;
  return Next(HealthState::kGone, is_reset ? HealthEvent::kFoundReset : HealthEvent::kFoundWell)->to;
}

HealthState StateBeside(const Evidence& evidence, HealthState own, const LastChange& change) {
  if (change.to == HealthState::kWell) {
    // Only the operator's word outlives the mounting. Where nothing was read, nothing is known to be well.
    const bool holds = change.is_of_this_mounting || change.rule == HealthRule::kCleared;
    return holds && IsBad(own) && !HasCountedSince(evidence, change) ? HealthState::kWell : own;
  }
  if (!change.is_of_this_mounting || change.to == HealthState::kGone) return FoundAgain(evidence, own, change);
  return IsBad(own) && HasCountedSince(evidence, change) ? Worse(own, change.to) : change.to;
}

}  // namespace

bool IsFinding(HealthState health) { return health != HealthState::kWell && health != HealthState::kNotCovered; }

bool IsLeft(HealthState health) { return health == HealthState::kWell || health == HealthState::kGone; }

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

Verdict Judge(const Evidence& evidence, HealthState own, const std::optional<LastChange>& change) {
  if (!change) return {.state = own};
  HealthState state = own;
  if (!IsOfNow(evidence, own)) state = StateBeside(evidence, own, *change);
  else if (change->is_of_this_mounting && IsBad(change->to)) state = Worse(own, change->to);
  return {.state = state, .is_daemons = state != own};
}

}  // namespace fsherald
