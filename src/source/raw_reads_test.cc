// SPDX-License-Identifier: MIT
#include "source/raw_reads.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace fsherald {
namespace {

class RawReadsTest : public testing::Test {
 protected:
  static void Write(std::span<std::byte> room, std::string_view text) {
    ASSERT_GE(room.size(), text.size());
    std::memcpy(room.data(), text.data(), text.size());
  }
  // As the next process finds it, which knows that all before `next` is safe.
  std::vector<std::pair<uint32_t, std::string>> TakenUp(uint64_t next) {
    std::vector<std::pair<uint32_t, std::string>> taken;
    RawReads after(memory_, next);
    after.TakeUp(
        [&](uint32_t reader, Bytes bytes) { taken.emplace_back(reader, reinterpret_cast<const char*>(bytes.data())); });
    return taken;
  }
  using Taken = std::vector<std::pair<uint32_t, std::string>>;
  alignas(64) std::vector<std::byte> memory_ = std::vector<std::byte>(RawReads::kBytes);
};

TEST_F(RawReadsTest, WhatWasReadAndNotReleasedIsThereForTheNext) {
  RawReads reads(memory_, 0);
  Write(reads.Begin(1), "one");
  const uint64_t safe = reads.next();
  Write(reads.Begin(2), "two");
  Write(reads.Begin(1), "three");
  EXPECT_EQ(TakenUp(safe), (Taken{{2, "two"}, {1, "three"}}));
  EXPECT_EQ(TakenUp(reads.next()), Taken{});
}

TEST_F(RawReadsTest, ARoomThatWasNotReadIntoIsUsedAgain) {
  RawReads reads(memory_, 0);
  reads.Begin(1);
  reads.Cancel();
  EXPECT_EQ(reads.next(), 0U);
  Write(reads.Begin(1), "one");
  EXPECT_EQ(TakenUp(0), (Taken{{1, "one"}}));
}

TEST_F(RawReadsTest, ThereIsNoRoomUntilSomethingIsReleasedAndTheOldIsNotTakenUpAgain) {
  RawReads reads(memory_, 0);
  for (size_t i = 0; i < RawReads::kChunks; ++i) Write(reads.Begin(0), "old");
  EXPECT_TRUE(reads.Begin(0).empty());
  reads.Release(reads.next());
  Write(reads.Begin(0), "new");
  EXPECT_EQ(TakenUp(RawReads::kChunks), (Taken{{0, "new"}}));
}

TEST_F(RawReadsTest, TheNextGoesOnWithNumbersOfItsOwn) {
  RawReads reads(memory_, 0);
  Write(reads.Begin(0), "one");
  RawReads after(memory_, 0);
  after.TakeUp([](uint32_t, Bytes) {});
  EXPECT_EQ(after.next(), 1U);
  Write(after.Begin(0), "two");
  EXPECT_EQ(TakenUp(1), (Taken{{0, "two"}}));
}

TEST_F(RawReadsTest, MemoryOfSomethingElseHoldsNothing) {
  std::memset(memory_.data(), 0xff, memory_.size());
  EXPECT_EQ(TakenUp(0), Taken{});
  EXPECT_EQ(TakenUp(12345), Taken{});
}

}  // namespace
}  // namespace fsherald
