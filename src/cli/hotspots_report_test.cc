// SPDX-License-Identifier: MIT
#include "cli/hotspots_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>

namespace fsherald {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr int64_t kHour = 3'600'000'000'000;

History::Hotspots TwoSpots() {
  return {.from_utc_ns = 0,
          .to_utc_ns = 4 * kHour,
          .spots = {
              {.key = "ext4_lookup:1855",
               .function = "ext4_lookup",
               .line = 1855,
               .errors = 30,
               .notifications = 4,
               .first_seq = 1,
               .last_seq = 9,
               .first_utc_ns = 0,
               .last_utc_ns = 3 * kHour,
               .over_time = {0, 1, 8, 21}},
              {.is_rest = true, .errors = 10, .notifications = 10, .last_utc_ns = kHour, .over_time = {10, 0, 0, 0}}}};
}

class HotspotsReportTest : public testing::Test {
 protected:
  HotspotsReportTest() {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
  }
};

TEST_F(HotspotsReportTest, EachSpotHasABarACountAShareAndACourse) {
  EXPECT_EQ(HotspotsText(History::By::kLocation, TwoSpots(), {}),
            "errors by function and line, from 1970-01-01 00:00:00 to 1970-01-01 04:00:00\n"
            "FUNCTION:LINE                         ERRORS  SHARE  OVER TIME  LAST\n"
            "ext4_lookup:1855  ################        30    75%   .=@       1970-01-01 03:00:00\n"
            "(all others)      ######                  10    25%  @          1970-01-01 01:00:00\n");
}

TEST_F(HotspotsReportTest, BlocksAreForTerminalsThatShowThem) {
  const std::string plain = HotspotsText(History::By::kLocation, TwoSpots(), {});
  EXPECT_TRUE(std::ranges::all_of(plain, [](unsigned char c) { return c < 0x80; }));
  EXPECT_THAT(HotspotsText(History::By::kLocation, TwoSpots(), {.unicode = true}), HasSubstr("  █████▍            "));
}

TEST_F(HotspotsReportTest, NoErrorLooksLikeNone) {
  EXPECT_EQ(Sparkline({0, 1, 1000000, UINT64_MAX}, false), " ..@");
  EXPECT_EQ(Sparkline({0, 0}, false), "  ");
  EXPECT_EQ(Sparkline({}, true), "");
  EXPECT_EQ(Bar(1, UINT64_MAX, 10, false), "#");
  EXPECT_EQ(Bar(1, UINT64_MAX, 10, true), "▏");
  EXPECT_EQ(Bar(UINT64_MAX, UINT64_MAX, 3, true), "███");
  EXPECT_EQ(Bar(0, 5, 10, false), "");
}

TEST_F(HotspotsReportTest, NoNameReachesTheTerminalRaw) {
  History::Hotspots spots = TwoSpots();
  spots.spots[0].key = "a\x1b[2J";
  EXPECT_THAT(HotspotsText(History::By::kDevice, spots, {}), Not(HasSubstr("\x1b")));
}

TEST_F(HotspotsReportTest, SharesAddUpAlsoWhereTheCountsOverflow) {
  History::Hotspots spots = TwoSpots();
  spots.spots[0].errors = spots.spots[1].errors = UINT64_MAX;
  EXPECT_THAT(HotspotsText(History::By::kLocation, spots, {}), HasSubstr("18446744073709551615    50%"));
}

TEST_F(HotspotsReportTest, NothingIsNothing) {
  EXPECT_EQ(HotspotsText(History::By::kInode, {}, {}), "");
  EXPECT_EQ(HotspotsJson(History::By::kInode, {}), "");
}

TEST_F(HotspotsReportTest, TheJsonIsAnObjectALine) {
  const std::string json = HotspotsJson(History::By::kLocation, TwoSpots());
  const auto first = nlohmann::json::parse(json.substr(0, json.find('\n')));
  EXPECT_EQ(first["by"], "function");
  EXPECT_EQ(first["function"], "ext4_lookup");
  EXPECT_EQ(first["line"], 1855);
  EXPECT_EQ(first["errors"], 30);
  EXPECT_EQ(first["rest"], false);
  EXPECT_EQ(first["over_time"], nlohmann::json::parse("[0,1,8,21]"));
  EXPECT_EQ(first["to"], "1970-01-01T04:00:00.000000000Z");
  EXPECT_EQ(first["uuid"], nullptr);
  const auto second = nlohmann::json::parse(json.substr(json.find('\n') + 1));
  EXPECT_EQ(second["rest"], true);
  EXPECT_EQ(second["key"], nullptr);
}

}  // namespace
}  // namespace fsherald
