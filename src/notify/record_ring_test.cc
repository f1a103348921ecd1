// SPDX-License-Identifier: MIT
#include "notify/record_ring.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <string>

namespace fsherald {
namespace {

bool Put(RecordRing& ring, uint64_t tag, const std::string& payload) {
  return ring.Put(tag, std::as_bytes(std::span(payload)));
}

std::string Text(const RecordRing::Record& record) {
  return {reinterpret_cast<const char*>(record.payload.data()), record.payload.size()};
}

TEST(RecordRingTest, RecordsComeOutInOrderWithTheirTags) {
  RecordRing ring(256);
  ASSERT_TRUE(Put(ring, 7, "one"));
  ASSERT_TRUE(Put(ring, 8, ""));
  ASSERT_EQ(ring.Next()->tag, 7);
  EXPECT_EQ(Text(*ring.Next()), "one");
  ring.Skip();
  ASSERT_EQ(ring.Next()->tag, 8);
  EXPECT_EQ(Text(*ring.Next()), "");
  ring.Skip();
  EXPECT_FALSE(ring.Next());
}

TEST(RecordRingTest, OnlyWhatWasGivenBackIsRoom) {
  RecordRing ring(64);
  const std::string payload(16, 'x');  // a slot of 32
  ASSERT_TRUE(Put(ring, 1, payload));
  ASSERT_TRUE(Put(ring, 2, payload));
  EXPECT_FALSE(Put(ring, 3, payload));
  ring.Next();
  ring.Skip();
  EXPECT_FALSE(Put(ring, 3, payload));
  ASSERT_EQ(ring.Oldest()->tag, 1);
  ring.GiveBack();
  EXPECT_FALSE(ring.Oldest());
  EXPECT_TRUE(Put(ring, 3, payload));
}

TEST(RecordRingTest, RewindBeginsAgainWithWhatWasNotGivenBack) {
  RecordRing ring(256);
  for (uint64_t tag : {1, 2, 3}) ASSERT_TRUE(Put(ring, tag, "payload"));
  ring.Skip();
  ring.Skip();
  ring.GiveBack();
  ring.Rewind();
  EXPECT_EQ(ring.Next()->tag, 2);
}

TEST(RecordRingTest, RecordsOfAnySizeSurviveTheEndOfTheMemory) {
  RecordRing ring(1024);
  std::deque<std::string> unread;
  std::deque<std::string> kept;  // read, not given back
  std::mt19937 random(1);
  uint64_t refused = 0;
  for (uint64_t i = 0; i < 20'000; ++i) {
    const std::string payload(random() % 300, static_cast<char>('a' + i % 26));
    if (Put(ring, i, payload)) unread.push_back(payload);
    else ++refused;
    if (random() % 2 == 0 && !unread.empty()) {
      ASSERT_EQ(Text(*ring.Next()), unread.front());
      ring.Skip();
      kept.push_back(unread.front());
      unread.pop_front();
    }
    if (random() % 2 == 0 && !kept.empty()) {
      ASSERT_EQ(Text(*ring.Oldest()), kept.front());
      ring.GiveBack();
      kept.pop_front();
    }
  }
  EXPECT_GT(refused, 100);
  EXPECT_LT(refused, 19'000);
}

}  // namespace
}  // namespace fsherald
