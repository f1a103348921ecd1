// SPDX-License-Identifier: MIT
#include "join/device_counts.h"

#include <algorithm>

namespace fsherald {

DeviceCounts::Id DeviceCounts::IdOf(const DeviceCounter& counter) const {
  if (counter.id) return {std::to_string(*counter.id), counter.name};
  const auto number = numbers_.find(counter.device);
  return {number != numbers_.end() ? number->second : counter.device, counter.name};
}

// What was known by the device's name alone is known by its number from here on.
void DeviceCounts::Name(const DeviceCounter& counter) {
  if (!counter.id) return;
  if (counter.device.empty()) {
    has_nameless_ = true;
    return;
  }
  if (auto by_name = known_.extract({counter.device, counter.name})) {
    by_name.key() = IdOf(counter);
    known_.insert(std::move(by_name));
  }
  numbers_[counter.device] = std::to_string(*counter.id);
}

void DeviceCounts::Learn(const DeviceCounter& counter, uint64_t boottime_ns, bool is_base) {
  const Id id = IdOf(counter);
  if (known_.size() >= kMaxKnown && !known_.contains(id)) return;
  known_[id] = {.counter = counter, .boottime_ns = boottime_ns, .is_base = is_base};
}

void DeviceCounts::Start(const std::vector<DeviceCounter>& base, uint64_t boottime_ns) {
  *this = {};
  for (const DeviceCounter& counter : base) {
    Name(counter);
    Learn(counter, boottime_ns, true);
  }
}

std::vector<DeviceCounter> DeviceCounts::known() const {
  std::vector<DeviceCounter> counters;
  for (const auto& [id, known] : known_) counters.push_back(known.counter);
  return counters;
}

void DeviceCounts::Claim(const std::string& name, uint64_t boottime_ns) {
  Claims& claims = claims_[name];
  ++claims.open;
  claims.last_boottime_ns = std::max(claims.last_boottime_ns, boottime_ns);
}

void DeviceCounts::Grow(const DeviceCounter& counter, uint64_t grown, std::vector<Growth>& growth) {
  if (auto claims = claims_.find(counter.name); claims != claims_.end()) {
    const uint64_t paid = std::min(grown, claims->second.open);
    claims->second.open -= paid;
    grown -= paid;
  }
  if (grown > 0) growth.push_back({counter, grown});
}

// Whether the numbers say nothing yet of what has grown: nothing is known, or only what was read after them.
bool DeviceCounts::BeginsWith(const std::vector<DeviceCounter>& counters, uint64_t boottime_ns) const {
  return std::ranges::all_of(counters, [&](const DeviceCounter& counter) {
    const auto known = known_.find(IdOf(counter));
    return known == known_.end() || (known->second.is_base && boottime_ns < known->second.boottime_ns &&
                                     counter.value <= known->second.counter.value);
  });
}

// Which of its counters a line is about, where nothing tells what has grown: one that is claimed, else one that a failed
// request raises.
const DeviceCounter* DeviceCounts::Likeliest(const std::vector<DeviceCounter>& counters) const {
  const DeviceCounter* likeliest = nullptr;
  for (const DeviceCounter& counter : counters) {
    if (counter.value == 0) continue;
    const auto claims = claims_.find(counter.name);
    if (claims != claims_.end() && claims->second.open > 0) return &counter;
    if (likeliest == nullptr) likeliest = &counter;
  }
  return likeliest;
}

void DeviceCounts::Begin(const std::vector<DeviceCounter>& counters, bool are_old, uint64_t boottime_ns,
                         std::vector<Growth>& growth) {
  const bool is_known = std::ranges::any_of(counters, [&](const auto& c) { return known_.contains(IdOf(c)); });
  if (are_old ? is_known : !is_known && has_nameless_) return;
  if (const DeviceCounter* one = are_old ? nullptr : Likeliest(counters)) Grow(*one, 1, growth);
  for (const DeviceCounter& counter : counters) Learn(counter, boottime_ns, false);
}

std::vector<DeviceCounts::Growth> DeviceCounts::AddLine(const std::vector<DeviceCounter>& counters, bool are_old,
                                                        uint64_t boottime_ns) {
  std::vector<Growth> growth;
  if (BeginsWith(counters, boottime_ns)) {
    Begin(counters, are_old, boottime_ns, growth);
    return growth;
  }
  for (const DeviceCounter& counter : counters) {
    const auto known = known_.find(IdOf(counter));
    if (known == known_.end()) continue;
    if (counter.value < known->second.counter.value && boottime_ns > known->second.boottime_ns + kSettledNs)
      known->second.counter.value = counter.value > 0 ? counter.value - 1 : 0;
    if (counter.value <= known->second.counter.value) continue;
    Grow(counter, counter.value - known->second.counter.value, growth);
    known->second.counter.value = counter.value;
    known->second.boottime_ns = boottime_ns;
    known->second.is_base = false;
  }
  return growth;
}

std::vector<DeviceCounts::Growth> DeviceCounts::AddReading(const std::vector<DeviceCounter>& counters,
                                                           uint64_t boottime_ns) {
  std::vector<Growth> growth;
  has_nameless_ = false;
  for (const DeviceCounter& counter : counters) {
    Name(counter);
    const auto known = known_.find(IdOf(counter));
    // A device that has been added since begins at what it is first seen with: nothing old is told as new.
    if (known != known_.end() && counter.value > known->second.counter.value)
      Grow(counter, counter.value - known->second.counter.value, growth);
    // A line that is younger than the reading can have been taken in before it.
    const bool is_outrun = known != known_.end() && counter.value < known->second.counter.value &&
                           known->second.boottime_ns + kSettledNs > boottime_ns;
    if (!is_outrun && (known == known_.end() || counter.value != known->second.counter.value))
      Learn(counter, boottime_ns, false);
  }
  for (auto& [name, claims] : claims_)
    if (claims.last_boottime_ns + kSettledNs < boottime_ns) claims.open = 0;
  return growth;
}

}  // namespace fsherald
