// SPDX-License-Identifier: MIT
#include "base/clock.h"

#include <ctime>

namespace fsherald {
namespace {

int64_t ReadClockNs(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

uint64_t BoottimeNowNs() { return static_cast<uint64_t>(ReadClockNs(CLOCK_BOOTTIME)); }

int64_t UtcNowNs() { return ReadClockNs(CLOCK_REALTIME); }

int64_t UtcFromBoottimeNs(uint64_t boottime_ns) {
  return ReadClockNs(CLOCK_REALTIME) - ReadClockNs(CLOCK_BOOTTIME) + static_cast<int64_t>(boottime_ns);
}

}  // namespace fsherald
