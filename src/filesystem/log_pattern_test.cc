// SPDX-License-Identifier: MIT
#include "filesystem/log_pattern.h"

#include <gtest/gtest.h>

namespace fsherald {
namespace {

struct Matched {
  ErrorReport report;
  std::string_view rest;
};

std::optional<Matched> Match(std::string_view pattern, std::string_view line) {
  Matched matched;
  if (!MatchPattern(pattern, line, matched.report, matched.rest)) return std::nullopt;
  return matched;
}

TEST(LogPattern, TextStandsForItselfAndTheRestIsLeft) {
  ASSERT_TRUE(Match("erofs: ", "erofs: bad"));
  EXPECT_EQ(Match("erofs: ", "erofs: bad")->rest, "bad");
  EXPECT_FALSE(Match("erofs: ", "ext4: bad"));
  EXPECT_EQ(Match("", "anything")->rest, "anything");
}

TEST(LogPattern, NumbersAreDecimalOrHexadecimal) {
  EXPECT_EQ(Match("ino {inode}, block {block:x}", "ino 12, block 0x1f")->report.inode, 12);
  EXPECT_EQ(Match("ino {inode}, block {block:x}", "ino 12, block 0x1f")->report.block, 31);
  EXPECT_EQ(Match("ino={inode:x}", "ino=3e9 ")->report.inode, 1001);
  EXPECT_FALSE(Match("ino {inode}", "ino x"));
  EXPECT_FALSE(Match("ino {inode}", "ino 99999999999999999999")) << "more than 64 bits";
  EXPECT_FALSE(Match("ino {inode:x}", "ino 0x"));
}

TEST(LogPattern, AnErrnoHasNoSignAndIsOne) {
  EXPECT_EQ(Match("err {errno}", "err -117")->report.code, 117);
  EXPECT_EQ(Match("err {errno}", "err 5")->report.code, 5);
  EXPECT_EQ(Match("err {errno}", "err 5000")->report.code, std::nullopt);
}

TEST(LogPattern, TextRunsUpToWhatFollowsIt) {
  EXPECT_EQ(Match("(device {device:s}): ", "(device loop0): x")->report.device, "loop0");
  EXPECT_FALSE(Match("(device {device:s}): ", "(device ): x")) << "no name is none";
  EXPECT_FALSE(Match("(device {device:s}): ", "(device a b): x")) << "nor are two";
  EXPECT_EQ(Match("{function:s}: ", "f2fs_iget: x")->report.function, "f2fs_iget");
  EXPECT_EQ(Match("on '{path:s}'", "on 'a b'")->report.fields, (std::vector<SpecificField>{{"path", "a b"}}));
  EXPECT_EQ(Match("on {path:s}", "on a b")->report.fields, (std::vector<SpecificField>{{"path", "a b"}}));
}

TEST(LogPattern, AnythingMayBeNothing) {
  EXPECT_TRUE(Match("{*}run fsck", "run fsck"));
  EXPECT_TRUE(Match("{*}run fsck", "bad, run fsck"));
  EXPECT_FALSE(Match("{*}run fsck", "bad, run"));
  EXPECT_TRUE(Match("{*}", ""));
}

TEST(LogPattern, WhatDoesNotFitLeavesNothingBehind) {
  ErrorReport report{.device = "kept"};
  std::string_view rest = "kept";
  EXPECT_FALSE(MatchPattern("ino {inode} of {device:s})", "ino 12 of loop0", report, rest));
  EXPECT_EQ(report, ErrorReport{.device = "kept"});
  EXPECT_EQ(rest, "kept");
}

}  // namespace
}  // namespace fsherald
