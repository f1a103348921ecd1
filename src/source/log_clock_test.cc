// SPDX-License-Identifier: MIT
#include "source/log_clock.h"

#include <gtest/gtest.h>

namespace fsherald {
namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kSecond = 1'000'000'000;

TEST(LogClock, ARecordJustReadIsOfNow) {
  LogClock clock(1000 * kSecond, 0);
  clock.Synchronize(999'900'000, 1000 * kSecond, 0);
  EXPECT_EQ(clock.ToBoottimeNs(999'900'000), 1000 * kSecond);
  EXPECT_EQ(clock.ToBoottimeNs(999'899'000), 1000 * kSecond - kMs);
}

TEST(LogClock, ALateReaderDoesNotMoveARecord) {
  LogClock clock(1000 * kSecond, 0);
  clock.Synchronize(1'000'000'000, 1000 * kSecond, 0);
  clock.Synchronize(1'001'000'000, 1003 * kSecond, 0);  // two seconds late
  EXPECT_LT(clock.ToBoottimeNs(1'001'000'000), 1001 * kSecond + 2 * kMs);
  EXPECT_GE(clock.ToBoottimeNs(1'001'000'000), 1001 * kSecond);
}

TEST(LogClock, AClockThatRunsSlowIsFollowed) {
  LogClock clock(0, 0);
  clock.Synchronize(0, 0, 0);
  clock.Synchronize(86'400'000'000 - 20'000'000, 86'400 * kSecond, 0);  // 20 s a day: 231 parts in a million
  EXPECT_EQ(clock.ToBoottimeNs(86'400'000'000 - 20'000'000), 86'400 * kSecond);
}

TEST(LogClock, AClockThatRunsFastNeverTellsTheFuture) {
  LogClock clock(0, 0);
  clock.Synchronize(20'000'000, 20 * kSecond, 0);
  clock.Synchronize(1'000'000'000, 1000 * kSecond - 5 * kMs, 0);
  EXPECT_LE(clock.ToBoottimeNs(1'000'000'000), 1000 * kSecond);
}

TEST(LogClock, SuspendIsBootTimeThatTheRecordsLack) {
  LogClock clock(100 * kSecond, 0);
  clock.Synchronize(100'000'000, 100 * kSecond, 0);
  clock.Synchronize(101'000'000, 3701 * kSecond, 3600 * kSecond);
  EXPECT_EQ(clock.ToBoottimeNs(101'000'000), 3701 * kSecond);
}

TEST(LogClock, AHostileTimeOverflowsNothing) {
  LogClock clock(100 * kSecond, 0);
  clock.Synchronize(UINT64_MAX, 100 * kSecond, 0);
  EXPECT_EQ(clock.ToBoottimeNs(UINT64_MAX), UINT64_MAX);
}

}  // namespace
}  // namespace fsherald
