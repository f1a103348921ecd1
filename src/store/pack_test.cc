// SPDX-License-Identifier: MIT
#include "store/pack.h"

#include <gtest/gtest.h>

#include <random>

#include "store/checksum.h"
#include "store/template.h"
#include "store/test_history.h"

namespace fsherald {
namespace {

TEST(PackTest, NumbersAndTextsComeBack) {
  std::string packed;
  Packer to(packed);
  const uint64_t numbers[] = {0, 127, 128, 16'383, 16'384, UINT32_MAX, uint64_t{1} << 63, UINT64_MAX};
  const int64_t with_sign[] = {0, -1, 1, -64, INT64_MIN, INT64_MAX};
  for (const uint64_t number : numbers) to.Number(number);
  for (const int64_t number : with_sign) to.Signed(number);
  to.Text(std::string("a\0b", 3));
  to.Optional(std::nullopt);
  to.Optional(5);
  Unpacker from(packed);
  for (const uint64_t number : numbers) EXPECT_EQ(from.Number(), number);
  for (const int64_t number : with_sign) EXPECT_EQ(from.Signed(), number);
  EXPECT_EQ(from.Text(), std::string("a\0b", 3));
  EXPECT_EQ(from.Optional(), std::nullopt);
  EXPECT_EQ(from.Optional(), 5u);
  EXPECT_TRUE(from.ok());
  EXPECT_TRUE(from.AtEnd());
}

TEST(PackTest, WhatIsCutOffOrTooLargeFailsAndStaysFailed) {
  for (const std::string& bytes :
       {std::string(), std::string("\x80"), std::string(10, '\xff'), std::string(9, '\xff') + "\x02"}) {
    Unpacker from(bytes);
    EXPECT_EQ(from.Number(), 0u);
    EXPECT_FALSE(from.ok());
    EXPECT_EQ(from.Text(), "");
    EXPECT_FALSE(from.ok());
  }
  Unpacker too_long(
      std::string_view("\x05"
                       "abc"));
  EXPECT_EQ(too_long.Text(), "");
  EXPECT_FALSE(too_long.ok());
  Unpacker too_large(std::string_view("\x02"));
  EXPECT_EQ(too_large.NumberUpTo(1), 0u);
  EXPECT_FALSE(too_large.ok());
}

// RFC 3720, B.4.
TEST(ChecksumTest, IsThatOfTheStandard) {
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  std::string ascending;
  for (char c = 0; c < 32; ++c) ascending += c;
  EXPECT_EQ(Crc32c(ascending), 0x46dd794eU);
  EXPECT_EQ(Crc32c(ascending.substr(5), Crc32c(ascending.substr(0, 5))), 0x46dd794eU);
  for (size_t size = 0; size <= ascending.size(); ++size)
    EXPECT_EQ(Crc32cByTables(ascending.substr(0, size)), Crc32c(ascending.substr(0, size))) << size;
}

TEST(TemplateTest, MessagesThatDifferInTheirNumbersHaveTheSameWords) {
  const Templated a = ToTemplate("inode #12: block 0x2a");
  const Templated b = ToTemplate("inode #4711: block 0xffee");
  EXPECT_EQ(a.words, b.words);
  EXPECT_EQ(a.numbers, (std::vector<uint64_t>{12, 0x2a}));
  EXPECT_EQ(b.numbers, (std::vector<uint64_t>{4711, 0xffee}));
  EXPECT_EQ(FromTemplate(b.words, b.numbers), "inode #4711: block 0xffee");
}

TEST(TemplateTest, AnyTextComesBackAsItWas) {
  AnyNotification any(3);
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = any.Text() + (any.Chance() ? "0x" : "") + any.Text();
    const Templated templated = ToTemplate(text);
    ASSERT_EQ(CountNumbers(templated.words), templated.numbers.size());
    ASSERT_EQ(FromTemplate(templated.words, templated.numbers), text);
  }
}

}  // namespace
}  // namespace fsherald
