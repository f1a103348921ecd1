// SPDX-License-Identifier: MIT
#include "ring/ticks.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <utility>

#include "base/clock.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace fsherald::ring {
namespace {

#if defined(__x86_64__)
// The counter's rate changes with no state of the processor (Intel SDM 18.17.1, CPUID 80000007H EDX bit 8).
bool IsInvariant() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d & 1U << 8) != 0;
}
#endif

constexpr uint64_t kUpdateNs = 1'000'000;
constexpr uint64_t kLatestNs = 1'000'000'000;  // what a producer may be ahead of us
constexpr double kJump = 0.01;                 // of the rate: what no honest clock does
constexpr double kReadingNs = 50'000;          // how far a reading may be off: we were interrupted in the middle of it

double NsPerTick(const ClockReading& from, const ClockReading& to) {
  return static_cast<double>(static_cast<int64_t>(to.boottime_ns - from.boottime_ns)) /
         static_cast<double>(static_cast<int64_t>(to.ticks - from.ticks));
}

}  // namespace

Clock BestClock() {
#if defined(__x86_64__)
  std::ifstream file("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  std::string source;
  if (IsInvariant() && file >> source && source == "tsc") return kTsc;
#endif
  return kBoottimeNs;
}

// The best of three: the one with the least time between the two clocks.
ClockReading ReadClocks(Clock clock) {
  ClockReading best;
  uint64_t best_ticks = UINT64_MAX;
  for (int i = 0; i < 3; ++i) {
    const uint64_t before = Ticks(clock);
    const uint64_t boottime_ns = BoottimeNowNs();
    const uint64_t ticks = Ticks(clock) - before;
    if (ticks >= best_ticks) continue;
    best_ticks = ticks;
    best = {.ticks = before + ticks / 2, .boottime_ns = boottime_ns};
  }
  return best;
}

TickTranslator::TickTranslator(Clock clock) : clock_(clock), base_(ReadClocks(clock)), last_(base_) {
  if (clock_ == kBoottimeNs) return;
  // A first rate, to a part in a thousand: Update makes it better.
  while (last_.boottime_ns - base_.boottime_ns < 100'000) last_ = ReadClocks(clock_);
  ns_per_tick_ = NsPerTick(base_, last_);
}

TickTranslator::TickTranslator(Clock clock, const ClockReading& first, const ClockReading& second)
    : clock_(clock), base_(first), last_(second) {
  if (clock_ != kBoottimeNs) ns_per_tick_ = NsPerTick(first, second);
}

void TickTranslator::Update() {
  if (BoottimeNowNs() - last_.boottime_ns >= kUpdateNs) Update(ReadClocks(clock_));
}

void TickTranslator::Update(const ClockReading& now) {
  const ClockReading before = std::exchange(last_, now);
  if (clock_ == kBoottimeNs) return;
  const double passed_ns = static_cast<double>(static_cast<int64_t>(now.boottime_ns - before.boottime_ns));
  const double expected_ns = static_cast<double>(static_cast<int64_t>(now.ticks - before.ticks)) * ns_per_tick_;
  const bool jumped = now.ticks <= before.ticks || std::abs(passed_ns - expected_ns) > kReadingNs + passed_ns * kJump;
  jumps_ = jumped ? jumps_ + 1 : 0;
  if (!jumped) {
    const double rate = NsPerTick(base_, now);
    if (rate > ns_per_tick_ * (1 - kJump) && rate < ns_per_tick_ * (1 + kJump)) ns_per_tick_ = rate;
    return;
  }
  // Suspended, or on another machine; twice where only a reading was bad. More often: it is the rate that has changed, or was
  // wrong from the first.
  base_ = now;
  if (jumps_ > 2 && now.ticks > before.ticks && passed_ns > 0) ns_per_tick_ = NsPerTick(before, now);
}

uint64_t TickTranslator::ToBoottimeNs(uint64_t ticks) const {
  const uint64_t limit = last_.boottime_ns + kLatestNs;
  if (clock_ == kBoottimeNs) return std::min(ticks, limit);
  const double since = static_cast<double>(static_cast<int64_t>(ticks - last_.ticks)) * ns_per_tick_;
  if (since >= static_cast<double>(kLatestNs)) return limit;
  if (since <= -static_cast<double>(last_.boottime_ns)) return 0;
  return last_.boottime_ns + static_cast<uint64_t>(static_cast<int64_t>(since));
}

}  // namespace fsherald::ring
