// SPDX-License-Identifier: MIT
#include "cli/doctor_log.h"

#include <gtest/gtest.h>

namespace fsherald {
namespace {

KmsgEvent Line(uint64_t boottime_ns, const std::string& text) {
  std::optional<ParsedLog> log = ParseLog(text);
  EXPECT_TRUE(log) << text;
  KmsgEvent event{.past = true};
  event.signal.boottime_ns = boottime_ns;
  event.signal.report = log.value_or(ParsedLog{}).report;
  return event;
}

TEST(DoctorLogTest, EqualLinesAreOneWithTheirCountAndTimes) {
  const std::string text = "EXT4-fs error (device loop0): ext4_lookup:1855: inode #12: comm ls: bad inode number: 1";
  const auto lines = GatherPast({Line(5, text), Line(9, text)}, 1000);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].device, "loop0");
  EXPECT_EQ(lines[0].words, "ext4_lookup:1855: inode 12: bad inode number: 1 (by ls)");
  EXPECT_EQ(lines[0].count, 2U);
  EXPECT_EQ(lines[0].first_utc_ns, 1005);
  EXPECT_EQ(lines[0].last_utc_ns, 1009);
  EXPECT_FALSE(lines[0].reminder);
  EXPECT_FALSE(lines[0].earlier);
}

TEST(DoctorLogTest, TheDailyReminderIsMarkedAsOne) {
  const auto lines = GatherPast({Line(5, "EXT4-fs (sda1): error count since last fsck: 3")}, 0);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].words, "error count since last fsck: 3");
  EXPECT_TRUE(lines[0].reminder);
}

TEST(DoctorLogTest, LinesBeforeAnUnmountAreOfAnEarlierMountingOfThatDeviceOnly) {
  const std::string text = "EXT4-fs error (device loop0): ext4_lookup:1855: inode #12: comm ls: bad inode number: 1";
  const std::string other = "EXT4-fs error (device loop1): ext4_lookup:1855: inode #12: comm ls: bad inode number: 1";
  const auto lines = GatherPast(
      {Line(1, text), Line(2, other), Line(3, "EXT4-fs (loop0): unmounting filesystem 00."), Line(4, text)}, 0);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_TRUE(lines[0].earlier);
  EXPECT_EQ(lines[1].device, "loop1");
  EXPECT_FALSE(lines[1].earlier);
  EXPECT_EQ(lines[2].device, "loop0");
  EXPECT_EQ(lines[2].count, 1U);
  EXPECT_FALSE(lines[2].earlier);
}

TEST(DoctorLogTest, MountsAreNoErrors) {
  EXPECT_TRUE(GatherPast({Line(1, "EXT4-fs (sda1): mounted filesystem 00 r/w with ordered data mode.")}, 0).empty());
}

}  // namespace
}  // namespace fsherald
