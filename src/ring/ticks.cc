// SPDX-License-Identifier: MIT
#include "ring/ticks.h"

#include <algorithm>
#include <fstream>
#include <string>

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
constexpr uint64_t kBaseNs = 1'000'000'000;  // from then on the rate is exact to a microsecond a second, and better
constexpr double kJump = 0.01;               // of the rate: what no honest clock does

}  // namespace

Clock BestClock() {
#if defined(__x86_64__)
  std::ifstream file("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  std::string source;
  if (IsInvariant() && file >> source && source == "tsc") return kTsc;
#endif
  return kBoottimeNs;
}

TickTranslator::TickTranslator(Clock clock) : clock_(clock), base_(Read(clock)), last_(base_) {
  if (clock_ == kBoottimeNs) return;
  // A first rate, to a part in a thousand: Update makes it better.
  while (last_.boottime_ns - base_.boottime_ns < 100'000) last_ = Read(clock_);
  ns_per_tick_ =
      static_cast<double>(last_.boottime_ns - base_.boottime_ns) / static_cast<double>(last_.ticks - base_.ticks);
}

void TickTranslator::Update() {
  if (clock_ == kBoottimeNs || BoottimeNowNs() - last_.boottime_ns < kUpdateNs) {
    if (clock_ == kBoottimeNs) last_ = Read(clock_);
    return;
  }
  const Reading now = Read(clock_);
  const double rate = static_cast<double>(now.boottime_ns - base_.boottime_ns) /
                      static_cast<double>(static_cast<int64_t>(now.ticks - base_.ticks));
  const bool jumped = now.ticks <= last_.ticks || rate > ns_per_tick_ * (1 + kJump) || rate < ns_per_tick_ * (1 - kJump);
  if (jumped) base_ = now;  // suspended, or on another machine: the rate stays
  else ns_per_tick_ = rate;
  if (now.boottime_ns - base_.boottime_ns > 60 * kBaseNs) base_ = last_;
  last_ = now;
}

uint64_t TickTranslator::ToBoottimeNs(uint64_t ticks) const {
  const uint64_t limit = last_.boottime_ns + kBaseNs;
  if (clock_ == kBoottimeNs) return std::min(ticks, limit);
  const double since = static_cast<double>(static_cast<int64_t>(ticks - last_.ticks)) * ns_per_tick_;
  const double boottime = static_cast<double>(last_.boottime_ns) + since;
  if (boottime <= 0) return 0;
  return boottime >= static_cast<double>(limit) ? limit : static_cast<uint64_t>(boottime);
}

TickTranslator::Reading TickTranslator::Read(Clock clock) {
  Reading reading;
  reading.boottime_ns = Ticks(kBoottimeNs);
  reading.ticks = Ticks(clock);
  return reading;
}

}  // namespace fsherald::ring
