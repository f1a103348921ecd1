// SPDX-License-Identifier: MIT
// The clock of a ring: the processor's time stamp counter where it is the kernel's own clock source (9 ns), else
// CLOCK_BOOTTIME (21 ns); and its translation to boot time, which the consumer makes.
#pragma once

#include <time.h>

#include <cstdint>

#include "ring/layout.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace fsherald::ring {

// kTsc where the counter runs at one rate on all processors and the kernel itself relies on it; reads sysfs, allocates.
Clock BestClock();

// From any thread and signal handler.
inline uint64_t Ticks(Clock clock) {
#if defined(__x86_64__)
  if (clock == kTsc) [[likely]]
    return __rdtsc();
#endif
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

// Both clocks at one moment.
struct ClockReading {
  uint64_t ticks = 0;
  uint64_t boottime_ns = 0;
};
ClockReading ReadClocks(Clock clock);

// Translates ticks to boot time. One thread. Calibrates itself by readings of both clocks, the more exactly the longer it
// lives; after suspend or a migration of the virtual machine the next Update puts it right.
class TickTranslator {
 public:
  explicit TickTranslator(Clock clock);
  // By two readings, some time apart.
  TickTranslator(Clock clock, const ClockReading& first, const ClockReading& second);

  // Reads both clocks once more, at most once a millisecond; call it before a batch.
  void Update();
  void Update(const ClockReading& now);

  // Nanoseconds of CLOCK_BOOTTIME. Never later than the last Update's reading plus a second, whatever the producer wrote, and
  // never below 0.
  uint64_t ToBoottimeNs(uint64_t ticks) const;

 private:
  Clock clock_;
  ClockReading base_;  // the rate is that from here to last_
  ClockReading last_;
  double ns_per_tick_ = 1;
  int jumps_ = 0;  // between the last readings, running
};

}  // namespace fsherald::ring
