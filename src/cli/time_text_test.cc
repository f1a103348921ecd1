// SPDX-License-Identifier: MIT
#include "cli/time_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace fsherald {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kNow = 1'763'634'667 * kSecond;  // 2025-11-20T10:31:07Z

// A zone that is two hours ahead, without summer time.
class TimeTextTest : public testing::Test {
 protected:
  TimeTextTest() {
    ::setenv("TZ", "XXX-2", 1);
    ::tzset();
  }
  ~TimeTextTest() override {
    ::unsetenv("TZ");
    ::tzset();
  }
  static int64_t Of(std::string_view text) {
    const auto time = ParseTime(text, kNow);
    EXPECT_TRUE(time) << text;
    return time.value_or(-1);
  }
};

TEST_F(TimeTextTest, ADateIsItsBeginningInTheLocalZone) {
  EXPECT_EQ(Of("2025-11-20"), kNow - (12 * 3600 + 31 * 60 + 7) * kSecond);
}

TEST_F(TimeTextTest, ATimeWithoutAZoneIsLocal) {
  EXPECT_EQ(Of("2025-11-20T12:31:07"), kNow);
  EXPECT_EQ(Of("2025-11-20 12:31:07"), kNow);
  EXPECT_EQ(Of("2025-11-20 12:31"), kNow - 7 * kSecond);
}

TEST_F(TimeTextTest, ATimeWithAZoneIsOfThatZone) {
  EXPECT_EQ(Of("2025-11-20T10:31:07Z"), kNow);
  EXPECT_EQ(Of("2025-11-20T11:31:07+01:00"), kNow);
  EXPECT_EQ(Of("2025-11-20T05:01:07-0530"), kNow);
  EXPECT_EQ(Of("2025-11-20T10:31:07.412345678Z"), kNow + 412345678) << "as the JSON has it";
}

TEST_F(TimeTextTest, ASpanIsBeforeNow) {
  EXPECT_EQ(Of("2h"), kNow - 7200 * kSecond);
  EXPECT_EQ(Of("3d ago"), kNow - 3 * 86400 * kSecond);
  EXPECT_EQ(Of("1h30min"), kNow - 5400 * kSecond);
  EXPECT_EQ(Of("1h 30m ago"), kNow - 5400 * kSecond);
  EXPECT_EQ(Of("2w"), kNow - 14 * 86400 * kSecond);
  EXPECT_EQ(Of("0s"), kNow);
  EXPECT_EQ(Of("9000w"), 0) << "nothing is older than 1970";
}

TEST_F(TimeTextTest, DaysHaveNames) {
  EXPECT_EQ(Of("now"), kNow);
  EXPECT_EQ(Of("today"), Of("2025-11-20"));
  EXPECT_EQ(Of("yesterday"), Of("2025-11-19"));
}

TEST_F(TimeTextTest, SecondsSince1970) {
  EXPECT_EQ(Of("@1763634667"), kNow);
  EXPECT_EQ(Of("@1763634667.25"), kNow + kSecond / 4);
  EXPECT_EQ(Of("@0"), 0);
}

TEST_F(TimeTextTest, WhatIsNoTimeIsSaidToBeNone) {
  for (const char* text : {"",
                           "x",
                           "2025",
                           "2025-11",
                           "2025-13-01",
                           "2025-02-30",
                           "2025-11-20T25:00",
                           "2025-11-20T10",
                           "2025-11-20T10:31:",
                           "2025-11-20T10:31:07.",
                           "2025-11-20T10:31:07+1",
                           "2025-11-20 10:31 yesterday",
                           "2",
                           "2 hours",
                           "h",
                           "-2h",
                           "2h-",
                           "ago",
                           "2hago3",
                           "@",
                           "@x",
                           "@-5",
                           "@1.",
                           "@99999999999999999999",
                           "@9999999999999",
                           "99999999999999999999h",
                           "9223372036854775807w",
                           "1500-01-01",
                           "tomorrow"}) {
    const auto time = ParseTime(text, kNow);
    ASSERT_FALSE(time) << text << " " << *time;
    EXPECT_THAT(time.error().ToString(), testing::HasSubstr("is no time: write 2026-11-20"));
  }
}

TEST_F(TimeTextTest, ATimeIsShownInTheLocalZone) { EXPECT_EQ(LocalTimeText(kNow), "2025-11-20 12:31:07"); }

}  // namespace
}  // namespace fsherald
