// SPDX-License-Identifier: MIT
#include "ring/ring_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <random>
#include <thread>

#include "ring/test_ring.h"

namespace fsherald::ring {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

void InAThread(const std::function<void()>& function) { std::jthread(function).join(); }

TEST(RingReaderTest, LanesAreMergedByTime) {
  const TestSegment segment(4);
  RingWriter writer(segment.span(), -1);
  SubmitText(writer, "1");
  InAThread([&] { SubmitText(writer, "2"); });
  SubmitText(writer, "3");
  InAThread([&] { SubmitText(writer, "4"); });
  RingReader reader = OpenReader(segment);
  EXPECT_THAT(ReadTexts(reader), ElementsAre("1", "2", "3", "4"));
}

TEST(RingReaderTest, TheCellsRecordStandsWhereItsThreadSubmittedIt) {
  const TestSegment segment;
  RingWriter writer(segment.span(), -1);
  RingReader reader = OpenReader(segment);
  for (int i = 0; i < 3; ++i) SubmitText(writer, std::string(4080, 'a'));
  EXPECT_EQ(SubmitText(writer, std::string(4000, 'b')), Submitted::kWhole);
  EXPECT_EQ(SubmitText(writer, std::string(100, 'c')), Submitted::kInCell);  // 80 bytes are left
  EXPECT_EQ(SubmitText(writer, "d"), Submitted::kWhole);
  std::string order;
  for (const std::string& text : ReadTexts(reader)) order += text[0];
  EXPECT_EQ(order, "aaabcd");
}

TEST(RingReaderTest, WhatWasNotGivenBackIsReadAgain) {
  const TestSegment segment;
  RingWriter writer(segment.span(), -1);
  RingReader reader = OpenReader(segment);
  SubmitText(writer, "given back");
  ReadTexts(reader);
  reader.Release();
  SubmitText(writer, "kept");
  EXPECT_THAT(ReadTexts(reader), ElementsAre("kept"));
  reader.Rewind();
  EXPECT_THAT(ReadTexts(reader), ElementsAre("kept"));
  RingReader second = OpenReader(segment);
  EXPECT_THAT(ReadTexts(second), ElementsAre("kept"));
  second.Release();
  RingReader third = OpenReader(segment);
  EXPECT_THAT(ReadTexts(third), IsEmpty());
}

TEST(RingReaderTest, CellAndCountAreReadAgainToo) {
  const TestSegment segment;
  RingWriter writer(segment.span(), -1);
  RingReader reader = OpenReader(segment);
  while (SubmitText(writer, std::string(4080, 'x')) == Submitted::kWhole) {
  }
  SubmitText(writer, std::string(4080, 'y'));
  SubmitText(writer, std::string(4080, 'z'));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(ReadTexts(reader).size(), 5u);
    EXPECT_EQ(reader.counted(), 2u);
    reader.Rewind();
  }
  RingReader second = OpenReader(segment);
  EXPECT_EQ(ReadTexts(second).size(), 5u);
  EXPECT_EQ(second.counted(), 2u);
  second.Release();
  RingReader third = OpenReader(segment);
  EXPECT_THAT(ReadTexts(third), IsEmpty());
  EXPECT_EQ(third.counted(), 0u);
}

TEST(RingReaderTest, ReleaseGivesBackOnlyWhatNextHasReturned) {
  const TestSegment segment;
  RingWriter writer(segment.span(), -1);
  RingReader reader = OpenReader(segment);
  SubmitText(writer, "1");
  SubmitText(writer, "2");
  EXPECT_EQ(TextOf(*reader.Next()), "1");
  reader.Release();
  reader.Rewind();
  EXPECT_THAT(ReadTexts(reader), ElementsAre("2"));
}

TEST(RingReaderTest, WaitingBytesAreThoseOfTheSlots) {
  const TestSegment segment;
  RingWriter writer(segment.span(), -1);
  RingReader reader = OpenReader(segment);
  EXPECT_EQ(reader.waiting_bytes(), 0u);
  SubmitText(writer, "12345678901234567");
  EXPECT_EQ(reader.waiting_bytes(), 16u + 32u);
  ReadTexts(reader);
  reader.Release();
  EXPECT_EQ(reader.waiting_bytes(), 0u);
}

TEST(RingReaderTest, WhoHasSomethingToReadDoesNotSleep) {
  ASSERT_TRUE(RegisterForMembarrier());
  const TestSegment segment;
  RingWriter writer(segment.span(), -1);
  RingReader reader = OpenReader(segment);
  SubmitText(writer, "to be read");
  EXPECT_FALSE(reader.Sleep());
  EXPECT_EQ(segment.header().sleeping.load(), 0u);
  ReadTexts(reader);
  EXPECT_TRUE(reader.Sleep());
  EXPECT_EQ(segment.header().sleeping.load(), 1u);
  reader.Awake();
  EXPECT_EQ(segment.header().sleeping.load(), 0u);
  while (SubmitText(writer, std::string(4080, 'x')) != Submitted::kCounted) {
  }
  ReadTexts(reader);
  EXPECT_FALSE(reader.Sleep()) << "one was counted, and nobody has asked";
  EXPECT_EQ(reader.counted(), 1u);
  EXPECT_TRUE(reader.Sleep());
}

struct Refusal {
  const char* name;
  std::function<void(const TestSegment&)> damage;
  const char* why;
};

TEST(RingReaderTest, WhatIsNoRingIsRefused) {
  const Refusal refusals[] = {
      {"magic", [](auto& s) { s.header().magic ^= 1; }, "its first bytes are not a ring's"},
      {"no lanes", [](auto& s) { s.header().lane_count = 0; }, "the number of lanes is out of bounds"},
      {"many lanes", [](auto& s) { s.header().lane_count = kMaxLanes + 1; }, "the number of lanes is out of bounds"},
      {"all lanes", [](auto& s) { s.header().lane_count = UINT32_MAX; }, "the number of lanes is out of bounds"},
      {"one more lane", [](auto& s) { s.header().lane_count = 3; }, "its lanes do not fit"},
      {"longer lanes", [](auto& s) { s.header().lane_bytes *= 2; }, "its lanes do not fit"},
      {"no power of two", [](auto& s) { s.header().lane_bytes = 16400; }, "the size of a lane is out of bounds"},
      {"short lanes", [](auto& s) { s.header().lane_bytes /= 2; }, "the size of a lane is out of bounds"},
      {"empty lanes", [](auto& s) { s.header().lane_bytes = 0; }, "the size of a lane is out of bounds"},
      {"huge lanes", [](auto& s) { s.header().lane_bytes = 1U << 31; }, "the size of a lane is out of bounds"},
      {"clock", [](auto& s) { s.header().clock = 2; }, "its clock is unknown"},
      {"tail", [](auto& s) { s.lane(1).tail = 8; }, "a lane begins in the middle of a slot"},
  };
  for (const Refusal& refusal : refusals) {
    const TestSegment segment;
    refusal.damage(segment);
    const auto reader = RingReader::Open(segment.span());
    ASSERT_FALSE(reader) << refusal.name;
    EXPECT_EQ(reader.error().ToString(), std::string("this memory holds no ring: ") + refusal.why) << refusal.name;
  }
}

TEST(RingReaderTest, TooSmallASegmentIsRefused) {
  const TestSegment segment;
  for (const size_t bytes :
       {size_t{0}, sizeof(uint64_t), sizeof(SegmentHeader) - 1, sizeof(SegmentHeader), segment.span().size() - 1})
    EXPECT_FALSE(RingReader::Open(segment.span().first(bytes))) << bytes;
}

void SetSlot(const TestSegment& segment, uint64_t offset, uint32_t bytes) {
  std::memcpy(segment.data(1) + offset, &bytes, sizeof bytes);
}

struct Damage {
  const char* name;
  std::function<void(const TestSegment&)> damage;  // of a ring with one record of 4 bytes in lane 1: a slot of 32
};

TEST(RingReaderTest, WhatNoProducerWritesBreaksTheRing) {
  const Damage damages[] = {
      {"head beyond the lane", [](auto& s) { s.lane(1).head = kMinLaneBytes + 16; }},
      {"head far beyond", [](auto& s) { s.lane(1).head = uint64_t{1} << 63; }},
      {"head before tail", [](auto& s) { s.lane(1).head = UINT64_MAX - 15; }},
      {"head unaligned", [](auto& s) { s.lane(1).head = 40; }},
      {"slot beyond head", [](auto& s) { SetSlot(s, 0, 17); }},
      {"slot beyond the limit of a record",
       [](auto& s) {
         s.lane(1).head = kMinLaneBytes;
         SetSlot(s, 0, kMaxRecordBytes + 1);
       }},
      {"slot of nearly all 32 bits", [](auto& s) { SetSlot(s, 0, 0xfffffffe); }},
      {"slot across the end",
       [](auto& s) {
         s.lane(1).head = kMinLaneBytes;
         for (uint64_t at = 0; at < kMinLaneBytes; at += 4096) SetSlot(s, at, 4080);
         SetSlot(s, kMinLaneBytes - 4096, 4081);
       }},
      {"skip beyond head", [](auto& s) { SetSlot(s, 0, kSkip); }},
      {"cell",
       [](auto& s) {
         s.header().cell.bytes = kMaxRecordBytes + 1;
         s.header().cell.state = kFull;
       }},
  };
  for (const Damage& damage : damages) {
    const TestSegment segment;
    RingWriter writer(segment.span(), -1);
    SubmitText(writer, "good");
    RingReader reader = OpenReader(segment);
    damage.damage(segment);
    ReadTexts(reader);
    EXPECT_TRUE(reader.broken()) << damage.name;
    EXPECT_EQ(reader.Next(), std::nullopt) << damage.name;
    EXPECT_TRUE(reader.Sleep()) << damage.name;
    EXPECT_LE(reader.waiting_bytes(), 2 * kMinLaneBytes) << damage.name;
    reader.Release();
  }
}

TEST(RingReaderTest, AHeadThatGoesBackBreaksTheRing) {
  const TestSegment segment;
  RingWriter writer(segment.span(), -1);
  RingReader reader = OpenReader(segment);
  SubmitText(writer, "1");
  SubmitText(writer, "2");
  ReadTexts(reader);
  segment.lane(1).head = 32;
  EXPECT_EQ(reader.Next(), std::nullopt);
  EXPECT_TRUE(reader.broken());
}

TEST(RingReaderTest, ACountThatFallsBreaksTheRing) {
  const TestSegment segment;
  segment.header().cell.counted = 5;
  RingReader reader = OpenReader(segment);
  EXPECT_EQ(reader.counted(), 5u);
  segment.header().cell.counted = 4;
  EXPECT_EQ(reader.counted(), 5u);
  EXPECT_TRUE(reader.broken());
}

TEST(RingReaderTest, WhatTheProducerDoesToTheConsumersFieldsDoesNotMoveIt) {
  const TestSegment segment;
  RingWriter writer(segment.span(), -1);
  RingReader reader = OpenReader(segment);
  SubmitText(writer, "1");
  ReadTexts(reader);
  segment.lane(1).tail = 1'000'000;
  segment.header().cell.counted_taken = 77;
  segment.header().lane_bytes = UINT32_MAX;
  segment.header().lane_count = UINT32_MAX;
  reader.Release();
  SubmitText(writer, "2");
  EXPECT_THAT(ReadTexts(reader), ElementsAre("2"));
  EXPECT_EQ(reader.counted(), 0u);
}

// Another thread writes what it likes wherever it likes while we read. Everything that comes is within bounds (the sanitizers
// look), and reading ends.
TEST(RingReaderTest, ScribblingWhileItIsReadHarmsNobody) {
  const TestSegment segment(3);
  std::atomic<bool> done = false;
  std::jthread scribbler([&] {
    std::minstd_rand random(1);
    const uint32_t heads[] = {0, 32, 4096, 8192, kMinLaneBytes, kMinLaneBytes + 16, 40};
    const uint32_t lengths[] = {0, 1, 16, 32, 1000, 4080, 4096, 4097, kMinLaneBytes, kSkip, 0x7fffffff};
    const auto put = [](void* at, uint32_t value) {
      std::atomic_ref(*static_cast<uint32_t*>(at)).store(value, std::memory_order_relaxed);
    };
    const size_t bytes = segment.span().size();
    while (!done.load(std::memory_order_relaxed)) {
      const auto lane = static_cast<uint32_t>(random() % 3);
      const auto what = random() % 100;
      if (what < 10) put(&segment.lane(lane).head, heads[random() % std::size(heads)]);
      else if (what < 12) put(&segment.header().cell.state, static_cast<uint32_t>(random() % 3));
      else if (what < 14) put(&segment.header().cell.bytes, lengths[random() % std::size(lengths)]);
      else if (what < 99) put(segment.data(lane) + random() % 256 * 4, lengths[random() % std::size(lengths)]);
      else put(segment.span().data() + 64 + random() % (bytes / 4 - 16) * 4, static_cast<uint32_t>(random()));
    }
  });
  uint64_t records = 0;
  // All that it reads may be broken for as long as the other thread does not run: then it goes on.
  for (int round = 0; round < 20'000 || records == 0; ++round) {
    for (uint32_t i = 0; i < 3; ++i) {
      segment.lane(i).head.store(4096, std::memory_order_relaxed);
      segment.lane(i).tail.store(0, std::memory_order_relaxed);
    }
    auto reader = RingReader::Open(segment.span());
    if (!reader) continue;
    for (int i = 0; i < 100; ++i) {
      const auto record = reader->Next();
      if (!record) break;
      ASSERT_LE(record->payload.size(), kMaxRecordBytes);
      ++records;
    }
    reader->counted();
    reader->Release();
    ASSERT_LE(reader->waiting_bytes(), 3 * kMinLaneBytes);
  }
  done = true;
  EXPECT_GT(records, 0u);
}

}  // namespace
}  // namespace fsherald::ring
