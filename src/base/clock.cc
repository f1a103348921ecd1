// SPDX-License-Identifier: MIT
#include "base/clock.h"

#include <ctime>

namespace fsherald {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

int64_t ReadClockNs(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<int64_t>(now.tv_sec) * kNsPerSecond + now.tv_nsec;
}

}  // namespace

uint64_t BoottimeNowNs() { return static_cast<uint64_t>(ReadClockNs(CLOCK_BOOTTIME)); }

int64_t UtcNowNs() { return ReadClockNs(CLOCK_REALTIME); }

int64_t UtcFromBoottimeNs(uint64_t boottime_ns) {
  return ReadClockNs(CLOCK_REALTIME) - ReadClockNs(CLOCK_BOOTTIME) + static_cast<int64_t>(boottime_ns);
}

UtcTime SplitUtcNs(int64_t utc_ns) {
  int64_t seconds = utc_ns / kNsPerSecond;
  int64_t rest = utc_ns % kNsPerSecond;
  if (rest < 0) {
    --seconds;
    rest += kNsPerSecond;
  }
  return {seconds, static_cast<uint32_t>(rest)};
}

}  // namespace fsherald
