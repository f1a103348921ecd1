// SPDX-License-Identifier: MIT
// The two clocks: boot time (CLOCK_BOOTTIME, runs on through suspend) for intervals and order, UTC for records.
// Code that decides takes `now` as an argument and never calls these.
#pragma once

#include <cstdint>

namespace fsherald {

// Nanoseconds since boot, suspend included; the clock of the BPF programs (bpf_ktime_get_boot_ns).
uint64_t BoottimeNowNs();

// Nanoseconds since 1970-01-01T00:00:00Z.
int64_t UtcNowNs();

// The UTC time of a moment of boot time, by the two clocks as they stand at the call.
int64_t UtcFromBoottimeNs(uint64_t boottime_ns);

// A UTC time for a calendar: whole seconds, and the nanoseconds (0 to 999,999,999) on top, before 1970 as well.
struct UtcTime {
  int64_t seconds = 0;
  uint32_t nanoseconds = 0;
  friend bool operator==(const UtcTime&, const UtcTime&) = default;
};
UtcTime SplitUtcNs(int64_t utc_ns);

}  // namespace fsherald
