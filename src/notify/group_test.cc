// SPDX-License-Identifier: MIT
#include "notify/group.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "notify/test_notification.h"

namespace fsherald {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr FilesystemKey kA{1};
constexpr FilesystemKey kB{2};
constexpr uint32_t kSmallRing = 16384;
constexpr uint64_t kBigOnesInIt = 4;

std::string DeviceOf(FilesystemKey key) { return "disk" + std::to_string(key.value); }
Told Error(uint64_t seq, FilesystemKey key, uint64_t errors = 1) { return {seq, DeviceOf(key), errors, false}; }
Told GapOf(FilesystemKey key, uint64_t errors) { return {0, DeviceOf(key), errors, true}; }

void AddEncoded(Group& group, const Notification& notification, FilesystemKey key) {
  std::string bytes;
  AppendStream(notification, {}, bytes);
  group.Add({.notification = std::as_bytes(std::span(bytes)),
             .seq = notification.seq,
             .filesystem = key,
             .errors = notification.error.count,
             .utc_ns = notification.utc_ns});
}

void Add(Group& group, uint64_t seq, FilesystemKey key, uint64_t errors = 1) {
  AddEncoded(group, TestNotification(seq, DeviceOf(key), errors), key);
}

// Takes a quarter of the small ring.
void AddBig(Group& group, uint64_t seq, FilesystemKey key, uint64_t errors = 1) {
  Notification notification = TestNotification(seq, DeviceOf(key), errors);
  notification.location = Location{.function = std::string(127, 'f'), .line = 1, .stack = {}};
  for (int frame = 0; frame < 29; ++frame) notification.location->stack.push_back(std::string(120, 's'));
  AddEncoded(group, notification, key);
}

void Fill(Group& group) {
  for (uint64_t seq = 1; seq <= kBigOnesInIt; ++seq) AddBig(group, seq, kA);
}

std::vector<Told> ReadAll(Group& group, size_t most = SIZE_MAX) {
  std::vector<std::byte> buffer(65536);
  return ToldIn(std::span(buffer).first(group.Read(buffer, most)));
}

TEST(GroupTest, WhatIsAddedIsReadInOrderAndOnce) {
  Group group(kSmallRing);
  EXPECT_FALSE(group.has_unread());
  Add(group, 1, kA);
  Add(group, 2, kB, 7);
  EXPECT_TRUE(group.has_unread());
  EXPECT_THAT(ReadAll(group), ElementsAre(Error(1, kA), Error(2, kB, 7)));
  EXPECT_FALSE(group.has_unread());
  EXPECT_THAT(ReadAll(group), IsEmpty());
}

TEST(GroupTest, ReadTakesWholeNotificationsAndAsManyAsAskedFor) {
  Group group(kSmallRing);
  for (uint64_t seq = 1; seq <= 4; ++seq) Add(group, seq, kA);
  EXPECT_THAT(ReadAll(group, 1), ElementsAre(Error(1, kA)));
  std::string one;
  AppendStream(TestNotification(2, DeviceOf(kA)), {}, one);
  std::vector<std::byte> buffer(one.size() * 2 - 1);
  EXPECT_EQ(group.Read(std::span(buffer).first(one.size() - 1)), 0);
  EXPECT_TRUE(group.has_unread());
  EXPECT_EQ(group.Read(buffer), one.size());
  EXPECT_THAT(ReadAll(group), ElementsAre(Error(3, kA), Error(4, kA)));
}

TEST(GroupTest, TheFirstThatFindsNoRoomIsKeptWholeAndTheRestIsCountedExactly) {
  Group group(kSmallRing);
  Fill(group);
  AddBig(group, 5, kA, 10);
  AddBig(group, 6, kA, 20);
  AddBig(group, 7, kA, 3);
  EXPECT_THAT(ReadAll(group),
              ElementsAre(Error(1, kA), Error(2, kA), Error(3, kA), Error(4, kA), Error(5, kA, 10), GapOf(kA, 23)));
  group.AcknowledgeAll();
  AddBig(group, 8, kA);
  EXPECT_THAT(ReadAll(group), ElementsAre(Error(8, kA)));
}

TEST(GroupTest, AGapSaysFromWhenToWhenAndThatItIsThisSubscribersOwn) {
  Group group(kSmallRing);
  Fill(group);
  for (uint64_t seq : {5, 6, 7, 8}) AddBig(group, seq, kA);
  std::vector<std::byte> buffer(65536);
  ASSERT_GT(group.Read(buffer, 5), 0);
  ASSERT_GT(group.Read(buffer), 0);
  const Notification gap = ParseStream(buffer)->notification;
  EXPECT_EQ(gap.kind, Kind::kGap);
  EXPECT_EQ(gap.seq, 0);
  EXPECT_EQ(gap.gap, (Gap{.source = SourceId::kGroup,
                          .count = 3,
                          .exact = true,
                          .from_utc_ns = 1'000'000'006,
                          .to_utc_ns = 1'000'000'008}));
  EXPECT_EQ(gap.filesystem.type, "ext4");
  EXPECT_EQ(gap.filesystem.device, "disk1");
}

TEST(GroupTest, AFloodOfOneFilesystemCostsAnotherNotItsFirstError) {
  Group group(kSmallRing);
  for (uint64_t seq = 1; seq <= 1000; ++seq) AddBig(group, seq, kA);
  AddBig(group, 1001, kB);
  AddBig(group, 1002, kB);
  EXPECT_THAT(ReadAll(group), ElementsAre(Error(1, kA), Error(2, kA), Error(3, kA), Error(4, kA), Error(5, kA),
                                          GapOf(kA, 995), Error(1001, kB), GapOf(kB, 1)));
}

TEST(GroupTest, WhatIsCountedStaysInOrderAlsoWhenTheRingHasRoomAgain) {
  Group group(kSmallRing);
  Fill(group);
  AddBig(group, 5, kA);
  ASSERT_THAT(ReadAll(group, 1), ElementsAre(Error(1, kA)));
  group.AcknowledgeAll();
  AddBig(group, 6, kA);  // would have room
  AddBig(group, 7, kB);  // has it
  EXPECT_THAT(ReadAll(group),
              ElementsAre(Error(2, kA), Error(3, kA), Error(4, kA), Error(5, kA), GapOf(kA, 1), Error(7, kB)));
}

TEST(GroupTest, ACellIsReadInItsTurnHoweverMuchOthersAddBehindIt) {
  Group group(kSmallRing);
  for (uint64_t seq = 1; seq <= kBigOnesInIt; ++seq) AddBig(group, seq, kB);
  Add(group, 5, kA);
  std::vector<Told> told;
  for (uint64_t seq = 6; seq <= 20; ++seq) {
    for (const Told& one : ReadAll(group, 1)) told.push_back(one);
    group.AcknowledgeAll();
    AddBig(group, seq, kB);
  }
  told.resize(6);
  EXPECT_THAT(told, ElementsAre(Error(1, kB), Error(2, kB), Error(3, kB), Error(4, kB), Error(5, kA), Error(6, kB)));
}

TEST(GroupTest, WhileTheGapWaitsForRoomInTheReadersBufferItCountsOn) {
  Group group(kSmallRing);
  Fill(group);
  AddBig(group, 5, kA);
  AddBig(group, 6, kA);
  ASSERT_EQ(ReadAll(group, 5).back(), Error(5, kA));
  AddBig(group, 7, kA);
  std::array<std::byte, 8> tiny;
  EXPECT_EQ(group.Read(tiny), 0);
  AddBig(group, 8, kA);
  EXPECT_THAT(ReadAll(group), ElementsAre(GapOf(kA, 3)));
  EXPECT_FALSE(group.has_unread());
}

TEST(GroupTest, WhatWasNotAcknowledgedIsToldAgainAndNothingElse) {
  Group group(kSmallRing);
  for (uint64_t seq = 1; seq <= 5; ++seq) Add(group, seq, kA);
  ASSERT_EQ(ReadAll(group, 4).size(), 4);
  group.Acknowledge(2);
  group.Rewind();
  EXPECT_THAT(ReadAll(group), ElementsAre(Error(3, kA), Error(4, kA), Error(5, kA)));
  group.Acknowledge(2);
  group.Acknowledge(5);
  group.Rewind();
  EXPECT_THAT(ReadAll(group), IsEmpty());
}

TEST(GroupTest, WhatWasNotReadCannotBeAcknowledged) {
  Group group(kSmallRing);
  Add(group, 1, kA);
  Add(group, 2, kA);
  ASSERT_EQ(ReadAll(group, 1).size(), 1);
  group.Acknowledge(100);
  EXPECT_THAT(ReadAll(group), ElementsAre(Error(2, kA)));
}

TEST(GroupTest, WithoutAcknowledgementTheRingStaysFull) {
  Group group(kSmallRing);
  Fill(group);
  ASSERT_EQ(ReadAll(group).size(), kBigOnesInIt);
  AddBig(group, 5, kA);
  AddBig(group, 6, kA);
  group.Rewind();
  EXPECT_THAT(ReadAll(group),
              ElementsAre(Error(1, kA), Error(2, kA), Error(3, kA), Error(4, kA), Error(5, kA), GapOf(kA, 1)));
}

TEST(GroupTest, AGapThatWasToldIsToldAgainAsItWasAndWhatCameAfterItSeparately) {
  Group group(kSmallRing);
  Fill(group);
  AddBig(group, 5, kA);
  AddBig(group, 6, kA);
  ASSERT_EQ(ReadAll(group).back(), GapOf(kA, 1));
  group.Acknowledge(4);
  AddBig(group, 7, kA);
  group.Rewind();
  EXPECT_THAT(ReadAll(group), ElementsAre(Error(5, kA), GapOf(kA, 1), Error(7, kA)));
}

TEST(GroupTest, AGapGoesWithTheNotificationBeforeItUnlessItIsUnread) {
  Group group(kSmallRing);
  Fill(group);
  AddBig(group, 5, kA);
  AddBig(group, 6, kA);
  ASSERT_EQ(ReadAll(group, 5).back(), Error(5, kA));
  group.Acknowledge(5);
  group.Rewind();
  EXPECT_THAT(ReadAll(group), ElementsAre(GapOf(kA, 1)));
  group.Rewind();
  EXPECT_THAT(ReadAll(group), ElementsAre(GapOf(kA, 1)));
  group.Acknowledge(5);
  group.Rewind();
  EXPECT_THAT(ReadAll(group), IsEmpty());
}

TEST(GroupTest, AnInexactLossMakesTheGapInexact) {
  Group group(kSmallRing);
  Fill(group);
  AddBig(group, 5, kA);
  std::string bytes;
  AppendStream(TestNotification(6, DeviceOf(kA)), {}, bytes);
  group.Add({.notification = std::as_bytes(std::span(bytes)), .seq = 6, .filesystem = kA, .errors = 4, .exact = false});
  ASSERT_EQ(ReadAll(group, 5).size(), 5);
  std::vector<std::byte> buffer(4096);
  ASSERT_GT(group.Read(buffer), 0);
  const Notification gap = ParseStream(buffer)->notification;
  EXPECT_EQ(gap.gap->count, 4);
  EXPECT_FALSE(gap.gap->exact);
}

TEST(GroupTest, FileSystemsBeyondTheCellsShareOneWhoseGapNamesNone) {
  Group group(kSmallRing);
  uint64_t seq = 0;
  while (seq < 100) Add(group, ++seq, kA);  // until the ring is full and kA has a cell
  for (uint32_t other = 1; other < Group::kMaxCells; ++other) Add(group, ++seq, {100 + other});
  Add(group, ++seq, kB, 2);
  Add(group, ++seq, {50}, 3);
  Add(group, ++seq, kB, 4);
  std::vector<Told> told;
  while (group.has_unread()) {
    for (const Told& one : ReadAll(group)) told.push_back(one);
    group.AcknowledgeAll();
  }
  told.erase(told.begin(), told.end() - 2);
  EXPECT_THAT(told, ElementsAre(Error(seq - 2, kB, 2), (Told{0, "", 7, true})));
}

TEST(GroupTest, AReaderWhoAcknowledgesNothingIsToldUntilTheCellsAreFullAndThenTheRestIsCounted) {
  Group group(kSmallRing);
  uint64_t seq = 0;
  while (seq < 100) Add(group, ++seq, kA);  // until the ring is full and kA has a cell
  ASSERT_TRUE(ReadAll(group).back().is_gap);
  for (size_t cells = 1; cells < Group::kMaxCells; ++cells) {
    Add(group, ++seq, kA);
    ASSERT_THAT(ReadAll(group), ElementsAre(Error(seq, kA)));
  }
  for (int i = 0; i < 10; ++i) {
    Add(group, ++seq, kA);
    EXPECT_FALSE(group.has_unread());
    ASSERT_THAT(ReadAll(group), IsEmpty());
  }
  group.Acknowledge(100);
  EXPECT_TRUE(group.has_unread());
  EXPECT_THAT(ReadAll(group), ElementsAre(Error(seq - 9, kA), (Told{0, "", 9, true})));
}

// Whatever comes in whatever order: what is told and what is counted is what was added, and numbers only rise.
TEST(GroupTest, NothingIsLostWithoutBeingCounted) {
  Group group(kSmallRing);
  uint64_t random = 1;
  uint64_t added = 0;
  uint64_t told = 0;
  uint64_t last = 0;
  const auto read = [&](size_t most) {
    for (const Told& one : ReadAll(group, most)) {
      told += one.errors;
      if (one.is_gap) continue;
      EXPECT_GT(one.seq, last);
      last = one.seq;
    }
  };
  for (uint64_t seq = 1; seq <= 5000; ++seq) {
    random = random * 6364136223846793005 + 1442695040888963407;
    const FilesystemKey key{static_cast<uint32_t>(1 + (random >> 33) % 5)};
    const uint64_t errors = 1 + (random >> 40) % 9;
    if ((random >> 50) % 2 == 0) AddBig(group, seq, key, errors);
    else Add(group, seq, key, errors);
    added += errors;
    if ((random >> 55) % 8 == 0) read((random >> 59) % 8);
    if ((random >> 52) % 16 == 0) group.AcknowledgeAll();
  }
  group.AcknowledgeAll();
  read(SIZE_MAX);
  EXPECT_EQ(told, added);
  EXPECT_FALSE(group.has_unread());
}

}  // namespace
}  // namespace fsherald
