// SPDX-License-Identifier: MIT
// LogClock: the boot time of a log record. Records carry the scheduler's clock: it stands still in suspend, and nothing
// corrects its rate, so that after days it can be seconds away from CLOCK_MONOTONIC. What is certain is that a record
// just read is not from the future, and was written at most a timer tick (4 ms) before its reader woke.
#pragma once

#include <algorithm>
#include <cstdint>

namespace fsherald {

class LogClock {
 public:
  // Now, and how much of it was spent in suspend (CLOCK_BOOTTIME - CLOCK_MONOTONIC).
  LogClock(uint64_t now_boottime_ns, uint64_t suspended_ns)
      : now_ns_(now_boottime_ns), suspended_ns_(suspended_ns), ahead_ns_(suspended_ns + DriftNs(now_boottime_ns)) {}

  // The last of some records has just been read. Clocks are as in the constructor, not before those of the last call.
  void Synchronize(uint64_t record_usec, uint64_t now_boottime_ns, uint64_t suspended_ns) {
    uint64_t most = ahead_ns_ + Since(suspended_ns, suspended_ns_) + DriftNs(Since(now_boottime_ns, now_ns_));
    ahead_ns_ = std::min(most, Since(now_boottime_ns, RecordNs(record_usec)));
    now_ns_ = now_boottime_ns;
    suspended_ns_ = suspended_ns;
  }

  // Exact to some milliseconds for records since the last suspend.
  uint64_t ToBoottimeNs(uint64_t record_usec) const {
    uint64_t ns = RecordNs(record_usec);
    return ns > UINT64_MAX - ahead_ns_ ? UINT64_MAX : ns + ahead_ns_;
  }

 private:
  static constexpr uint64_t kDriftPerMillion = 500;  // what a clock's rate is off at the most

  static uint64_t DriftNs(uint64_t interval_ns) { return interval_ns / 1'000'000 * kDriftPerMillion; }
  static uint64_t Since(uint64_t later, uint64_t earlier) { return later > earlier ? later - earlier : 0; }
  static uint64_t RecordNs(uint64_t usec) { return usec > UINT64_MAX / 1000 ? UINT64_MAX : usec * 1000; }

  uint64_t now_ns_;
  uint64_t suspended_ns_;
  uint64_t
      ahead_ns_;  // boot time minus log clock: never less than it is, since records are read after they are written
};

}  // namespace fsherald
