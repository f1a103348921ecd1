// SPDX-License-Identifier: MIT
#include "base/bytes.h"

#include <gtest/gtest.h>

#include <array>

namespace fsherald {
namespace {

constexpr std::array<std::byte, 5> kFive = {std::byte{1}, std::byte{0}, std::byte{2}, std::byte{0}, std::byte{9}};

TEST(ByteReaderTest, ReadsValuesOneAfterTheOther) {
  const uint16_t values[] = {0x1234, 0xabcd};
  ByteReader reader(std::as_bytes(std::span(values)));
  EXPECT_EQ(reader.Read<uint16_t>(), 0x1234);
  EXPECT_EQ(reader.Read<uint16_t>(), 0xabcd);
  EXPECT_EQ(reader.remaining(), 0U);
}

TEST(ByteReaderTest, AReadThatDoesNotFitLeavesThePosition) {
  ByteReader reader(kFive);
  ASSERT_TRUE(reader.Read<uint32_t>());
  EXPECT_FALSE(reader.Read<uint16_t>());
  EXPECT_EQ(reader.remaining(), 1U);
  EXPECT_EQ(reader.Read<uint8_t>(), 9);
  EXPECT_FALSE(reader.Read<uint8_t>());
}

TEST(ByteReaderTest, TakesBytesAsAViewIntoTheSameMemory) {
  ByteReader reader(kFive);
  auto taken = reader.Take(2);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->data(), kFive.data());
  EXPECT_EQ(taken->size(), 2U);
  EXPECT_EQ(reader.rest().data(), kFive.data() + 2);
}

TEST(ByteReaderTest, TakingTooMuchLeavesThePosition) {
  ByteReader reader(kFive);
  EXPECT_FALSE(reader.Take(6));
  EXPECT_FALSE(reader.Take(SIZE_MAX));
  EXPECT_EQ(reader.remaining(), 5U);
  EXPECT_TRUE(reader.Take(5));
  EXPECT_TRUE(reader.Take(0));
}

TEST(ByteReaderTest, NoBytesGiveNothing) {
  ByteReader reader{Bytes()};
  EXPECT_FALSE(reader.Read<uint8_t>());
  EXPECT_EQ(reader.remaining(), 0U);
}

}  // namespace
}  // namespace fsherald
