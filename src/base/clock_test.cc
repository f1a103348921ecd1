// SPDX-License-Identifier: MIT
#include "base/clock.h"

#include <gtest/gtest.h>

#include <chrono>

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

}  // namespace
}  // namespace fsherald
