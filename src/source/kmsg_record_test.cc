// SPDX-License-Identifier: MIT
#include "source/kmsg_record.h"

#include <span>
#include <string>

#include <gtest/gtest.h>

namespace fsherald {
namespace {

std::optional<KmsgRecord> Parse(const std::string& bytes) { return ParseKmsgRecord(std::as_bytes(std::span(bytes))); }

// As captured on Linux 6.18.
TEST(ParseKmsgRecord, ALineOfTheKernel) {
  EXPECT_EQ(Parse("2,365,1221938533,-;EXT4-fs error (device loop0): trigger_test_error:129: comm sh: hello\n"),
            (KmsgRecord{.level = 2,
                        .facility = 0,
                        .sequence = 365,
                        .usec = 1221938533,
                        .text = "EXT4-fs error (device loop0): trigger_test_error:129: comm sh: hello"}));
}

TEST(ParseKmsgRecord, ALineOfUserSpaceHasAFacility) {
  auto record = Parse("10,999,1580212229,-;EXT4-fs error (device loop9): forged:1: comm x: no\n");
  ASSERT_TRUE(record);
  EXPECT_EQ(record->facility, 1);
  EXPECT_EQ(record->level, 2);
}

TEST(ParseKmsgRecord, TheLineEndInAMessageIsDropped) {
  auto record = Parse("2,436,1224211399,-;EXT4-fs (loop0): This should not happen!! Data will be lost\\x0a\n");
  ASSERT_TRUE(record);
  EXPECT_EQ(record->text, "EXT4-fs (loop0): This should not happen!! Data will be lost");
}

TEST(ParseKmsgRecord, EscapedBytesAreRawAgain) {
  EXPECT_EQ(Parse("6,1,1,-;comm \\xc3\\xa4\\x5c x\n")->text, "comm \xc3\xa4\\ x");
  EXPECT_EQ(Parse("6,1,1,-;a\\xzz\\x1\n")->text, "a\\xzz\\x1");
}

TEST(ParseKmsgRecord, FieldsOfADevice) {
  auto record = Parse("3,8,9,-;I/O error\n SUBSYSTEM=block\n DEVICE=b8:0\nnot a field\n =\n torn=");
  ASSERT_TRUE(record);
  EXPECT_EQ(record->fields,
            (std::vector<std::pair<std::string, std::string>>{{"SUBSYSTEM", "block"}, {"DEVICE", "b8:0"}, {"", ""}}));
}

TEST(ParseKmsgRecord, AContinuation) {
  EXPECT_TRUE(Parse("4,1,1,c;block 5:\n")->continuation);
  EXPECT_FALSE(Parse("4,1,1,-;block 5:\n")->continuation);
}

TEST(ParseKmsgRecord, TheCallerIsKnownWhereTheKernelWritesIt) {
  EXPECT_EQ(Parse("4,1,1,-,caller=T2211;text\n")->caller_tid, 2211);
  EXPECT_EQ(Parse("4,1,1,-,future=1,caller=T7,more;text\n")->caller_tid, 7);
  EXPECT_EQ(Parse("4,1,1,-,caller=C1;text\n")->caller_tid, std::nullopt);
  EXPECT_EQ(Parse("4,1,1,-;text\n")->caller_tid, std::nullopt);
}

TEST(ParseKmsgRecord, WhatIsTornIsRefused) {
  std::string whole = "2,365,1221938533,-;EXT4-fs error\n";
  for (size_t size = 0; size < whole.size(); ++size) EXPECT_EQ(Parse(whole.substr(0, size)), std::nullopt) << size;
}

TEST(ParseKmsgRecord, WhatIsNoNumberIsRefused) {
  for (std::string bytes : {",1,1,-;t\n", "x,1,1,-;t\n", "1,-1,1,-;t\n", "1,1,99999999999999999999,-;t\n", "1,1,1;t\n",
                            "1,1,1,;t\n", "1,1,1,x;t\n", "18446744073709551615,1,1,-;t\n", ";\n", "\n"}) {
    EXPECT_EQ(Parse(bytes), std::nullopt) << bytes;
  }
}

}  // namespace
}  // namespace fsherald
