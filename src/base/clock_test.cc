// SPDX-License-Identifier: MIT
#include "base/clock.h"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>

namespace fsherald {
namespace {

TEST(ClockTest, BootTimeNeverGoesBack) {
  uint64_t last = BoottimeNowNs();
  for (int i = 0; i < 1000; ++i) {
    const uint64_t now = BoottimeNowNs();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(ClockTest, UtcIsTheSystemsWallClock) {
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  const int64_t wall_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(wall).count();
  EXPECT_NEAR(static_cast<double>(UtcNowNs() - wall_ns), 0.0, 1e9);
}

TEST(ClockTest, TheMomentOfNowIsNow) {
  EXPECT_NEAR(static_cast<double>(UtcFromBoottimeNs(BoottimeNowNs()) - UtcNowNs()), 0.0, 1e9);
}

TEST(ClockTest, AMomentOfThePastIsAsLongAgoByBothClocks) {
  const uint64_t now = BoottimeNowNs();
  ASSERT_GT(now, 5'000'000'000U);
  const int64_t difference = UtcFromBoottimeNs(now) - UtcFromBoottimeNs(now - 5'000'000'000);
  EXPECT_NEAR(static_cast<double>(difference), 5e9, 1e9);
}

TEST(ClockTest, ASplitTimeCountsItsNanosecondsForwardBefore1970Too) {
  EXPECT_EQ(SplitUtcNs(0), (UtcTime{0, 0}));
  EXPECT_EQ(SplitUtcNs(1'999'999'999), (UtcTime{1, 999'999'999}));
  EXPECT_EQ(SplitUtcNs(-1), (UtcTime{-1, 999'999'999}));
  EXPECT_EQ(SplitUtcNs(-1'000'000'000), (UtcTime{-1, 0}));
  EXPECT_EQ(SplitUtcNs(std::numeric_limits<int64_t>::max()), (UtcTime{9'223'372'036, 854'775'807}));
  EXPECT_EQ(SplitUtcNs(std::numeric_limits<int64_t>::min()), (UtcTime{-9'223'372'037, 145'224'192}));
}

}  // namespace
}  // namespace fsherald
