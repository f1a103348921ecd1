// SPDX-License-Identifier: MIT
// Against a real journal and real stores, which go on while a replay reads.
#include "daemon/replays.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "fsherald/record.h"
#include "notify/test_notification.h"
#include "store/store.h"
#include "store/test_history.h"

namespace fsherald {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr size_t kPacketBytes = 4 * FSHERALD_MAX_NOTIFICATION_BYTES;
constexpr Told kUncounted{.seq = 0, .device = "", .errors = 0, .is_gap = true};

class ReplaysTest : public testing::Test {
 protected:
  void SetUp() override {
    OpenStore();
    OpenJournal();
    StartReplays(0);
  }

  void OpenStore() {
    auto opened = Store::Open({.directory = directory_.file("store")}, nullptr);
    ASSERT_TRUE(opened) << opened.error().ToString();
    store_ = std::move(*opened);
  }
  void OpenJournal() {
    journal_.reset();
    auto opened = Journal::Open(directory_.file("journal"), {.ring_bytes = 65536, .state_bytes = 4096});
    ASSERT_TRUE(opened);
    journal_ = std::move(*opened);
  }
  void StartReplays(uint64_t begun_seq) {
    auto started = Replays::Start({.store = directory_.file("store"),
                                   .second = directory_.file("second"),
                                   .host = kTestHost,
                                   .begun_seq = begun_seq,
                                   .told = [this] { return told_; },
                                   .unstored =
                                       [this] {
                                         std::vector<const Notification*> all;
                                         for (const Notification& gap : unstored_) all.push_back(&gap);
                                         return all;
                                       }},
                                  journal_);
    ASSERT_TRUE(started);
    replays_ = std::move(*started);
  }

  // Numbers one more, into the journal.
  void Tell() {
    std::string bytes;
    AppendStream(TestNotification(++told_, "disk"), kTestHost, bytes);
    while (!journal_->Append(told_, bytes)) StoreSome(1000);
    ASSERT_TRUE(journal_->Commit(""));
  }
  void Tell(int count) {
    for (int i = 0; i < count; ++i) Tell();
  }
  void StoreSome(size_t most) { StoreInto(*store_, most); }
  void StoreInto(Store& store, size_t most) {
    const Journal::Batch batch = journal_->Take(most);
    std::vector<Notification> notifications;
    for (Bytes bytes : batch.notifications) notifications.push_back(ParseStream(bytes)->notification);
    ASSERT_TRUE(store.Append(notifications, kTestHost, ""));
    journal_->Stored(batch);
  }
  void StoreAll() {
    while (journal_->has_waiting()) StoreSome(100);
  }

  static void ReadOn(Replay& replay, std::vector<Told>& told, Replay::Came& came) {
    std::string bytes;
    came = replay.Read(kPacketBytes, bytes);
    EXPECT_LE(bytes.size(), kPacketBytes);
    std::ranges::move(ToldIn(std::as_bytes(std::span(bytes))), std::back_inserter(told));
  }
  void Wait() {
    pollfd waiting{.fd = replays_->fd(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(::poll(&waiting, 1, 10'000), 1);
    replays_->Pump();
  }
  // To its end; `meanwhile` is called behind each step.
  template <typename Meanwhile>
  std::vector<Told> All(uint64_t since, Meanwhile meanwhile) {
    const std::unique_ptr<Replay> replay = replays_->Begin(since);
    std::vector<Told> told;
    for (Replay::Came came{};;) {
      ReadOn(*replay, told, came);
      if (came == Replay::Came::kAll) return told;
      meanwhile();
      if (came == Replay::Came::kLater) Wait();
      if (HasFatalFailure()) return told;
    }
  }
  std::vector<Told> All(uint64_t since) {
    return All(since, [] {});
  }
  static Told ErrorOf(uint64_t seq) { return {seq, "disk", 1, false}; }
  static std::vector<Told> ErrorsOf(uint64_t first, uint64_t last) {
    std::vector<Told> all;
    for (uint64_t seq = first; seq <= last; ++seq) all.push_back(ErrorOf(seq));
    return all;
  }

  TestDirectory directory_;
  std::unique_ptr<Store> store_;
  std::shared_ptr<Journal> journal_;
  uint64_t told_ = 0;
  std::vector<Notification> unstored_;
  std::unique_ptr<Replays> replays_;
};

TEST_F(ReplaysTest, WhereNothingWasToldItIsAtItsEnd) { EXPECT_THAT(All(0), IsEmpty()); }

TEST_F(ReplaysTest, WhatIsStoredAndWhatWaitsFollowEachOther) {
  Tell(2000);
  StoreAll();
  Tell(10);
  StoreSome(5);
  EXPECT_GT(journal_->kept_after_seq(), 1000) << "most of it is in the store alone";
  EXPECT_TRUE(journal_->has_waiting());
  EXPECT_EQ(All(0), ErrorsOf(1, 2010));
  EXPECT_EQ(All(1234), ErrorsOf(1235, 2010));
  EXPECT_THAT(All(2010), IsEmpty());
  EXPECT_THAT(All(UINT64_MAX), IsEmpty());
}

TEST_F(ReplaysTest, WhatTheMemoryHasIsToldWithoutTheStore) {
  Tell(2000);
  StoreAll();
  const uint64_t kept = journal_->kept_after_seq();
  const auto replay = replays_->Begin(kept);
  std::vector<Told> told;
  Replay::Came came{};
  do ReadOn(*replay, told, came);
  while (came == Replay::Came::kSome);
  EXPECT_EQ(came, Replay::Came::kAll);
  EXPECT_EQ(told, ErrorsOf(kept + 1, 2000));
}

TEST_F(ReplaysTest, EachNumberIsToldOnceInOrderWhileMoreAreToldAndStored) {
  Tell(5000);
  std::mt19937 random(7);
  for (int round = 0; round < 6; ++round) {
    const uint64_t since = random() % told_;
    const std::vector<Told> told = All(since, [&] {
      Tell(static_cast<int>(random() % 20));
      if (random() % 2 == 0) StoreSome(random() % 80);
    });
    ASSERT_EQ(told, ErrorsOf(since + 1, told_));
  }
}

TEST_F(ReplaysTest, ASlowReplayGoesBackToTheStoreWhereTheMemoryHasMovedOn) {
  Tell(100);
  const auto replay = replays_->Begin(0);
  std::vector<Told> told;
  Replay::Came came{};
  do {
    Tell(600);  // more than the memory holds
    StoreAll();
    ReadOn(*replay, told, came);
    if (came == Replay::Came::kLater) Wait();
  } while (told_ < 6000);
  while (came != Replay::Came::kAll) {
    ReadOn(*replay, told, came);
    if (came == Replay::Came::kLater) Wait();
  }
  EXPECT_EQ(told, ErrorsOf(1, told_));
}

TEST_F(ReplaysTest, WhatTheSecondStoreHasIsToldToo) {
  Tell(600);
  StoreAll();
  {
    auto second = Store::Open({.directory = directory_.file("second")}, nullptr);
    ASSERT_TRUE(second);
    for (int i = 0; i < 20; ++i) {
      Tell(30);
      StoreInto(**second, 100);
    }
    EXPECT_EQ(All(0), ErrorsOf(1, 1200));
    // It is merged, and for a moment both have it.
    auto history = History::Open(directory_.file("second"));
    ASSERT_TRUE(history);
    std::vector<Notification> rows;
    ASSERT_TRUE((*history)->ForEach({}, [&](const Entry& entry) {
      rows.push_back(entry.notification);
      return true;
    }));
    ASSERT_TRUE(store_->Append(rows, kTestHost, ""));
    EXPECT_EQ(All(0), ErrorsOf(1, 1200));
  }
  std::filesystem::remove_all(directory_.file("second"));
  EXPECT_EQ(All(0), ErrorsOf(1, 1200));
}

// Whatever retention does, the errors add up for who asks for all.
TEST_F(ReplaysTest, WhatRetentionHasTakenIsAGapWithItsCountAndWhatItHasMergedARow) {
  store_.reset();
  auto opened =
      Store::Open({.directory = directory_.file("store"), .max_bytes = 400'000, .max_age_s = INT32_MAX}, nullptr);
  ASSERT_TRUE(opened) << opened.error().ToString();
  store_ = std::move(*opened);
  uint64_t errors = 0;
  const auto store = [&](uint64_t count, uint64_t places) {
    std::vector<Notification> some;
    for (uint64_t i = 0; i < count; ++i) {
      ++told_;
      Notification one = TestNotification(told_, "disk", 1 + told_ % 3);
      one.location = Location{.function = "place_" + std::to_string(told_ % places), .line = 7};
      one.specific = Specific{.type = "ext4", .message = std::string(80, 'x') + std::to_string(told_)};
      errors += one.error.count;
      some.push_back(std::move(one));
    }
    ASSERT_TRUE(store_->Append(some, kTestHost, ""));
    for (auto more = store_->Retain(20); *more;) {
      more = store_->Retain(20);
      ASSERT_TRUE(more);
    }
  };
  const auto sum = [](const std::vector<Told>& all) {
    uint64_t count = 0;
    for (const Told& one : all) count += one.errors;
    return count;
  };
  const auto gaps = [](const std::vector<Told>& all) { return std::ranges::count(all, true, &Told::is_gap); };
  for (int i = 0; i < 20; ++i) store(1000, 4);
  auto extent = (*History::Open(directory_.file("store")))->Covers();
  ASSERT_TRUE(extent);
  EXPECT_GT(extent->merged_notifications, 0U);
  replays_.reset();
  StartReplays(told_);
  std::vector<Told> told = All(0);
  EXPECT_EQ(sum(told), errors);
  EXPECT_LT(told.size(), told_);
  EXPECT_EQ(gaps(told), 0);

  // Who was told up to one in the middle of bursts is told at once how many above it are in rows that do not come. (A history of so
  // few bytes remembers the last 6,250 that went.)
  for (const uint64_t since : {4999, 6000, 7001}) {
    uint64_t above = 0;
    for (uint64_t seq = since + 1; seq <= told_; ++seq) above += 1 + seq % 3;
    told = All(since);
    EXPECT_EQ(sum(told), above) << since;
    EXPECT_EQ(gaps(told), 1) << since;
    EXPECT_TRUE(told.front().is_gap);
  }

  for (int i = 0; i < 20; ++i) store(1000, UINT64_MAX);  // nothing to merge: the oldest go
  extent = (*History::Open(directory_.file("store")))->Covers();
  ASSERT_TRUE(extent);
  EXPECT_GT(extent->removed_errors, 0U);
  replays_.reset();
  StartReplays(told_);
  told = All(0);
  EXPECT_EQ(sum(told), errors);
  EXPECT_EQ(told.front(), (Told{0, "", extent->removed_errors, true}));
  EXPECT_EQ(gaps(told), 1);
  EXPECT_EQ(told.back().seq, told_);

  // Who was told up to one that is gone is told how many of those above it are.
  for (const uint64_t since : {extent->first_seq - 2, extent->first_seq - 700, extent->first_seq - 5000}) {
    uint64_t above = 0;
    for (uint64_t seq = since + 1; seq < extent->first_seq; ++seq) above += 1 + seq % 3;
    told = All(since);
    EXPECT_EQ(told.front(), (Told{0, "", above, true})) << since;
    EXPECT_EQ(gaps(told), 1);
    EXPECT_EQ(told[1].seq, extent->first_seq);
  }
  EXPECT_EQ(gaps(All(extent->first_seq - 1)), 0);
}

TEST_F(ReplaysTest, WithoutAStoreThatCanBeReadWhatIsMissingIsAGap) {
  Tell(2000);
  StoreAll();
  std::filesystem::remove_all(directory_.file("store"));
  const uint64_t kept = journal_->kept_after_seq();
  const std::vector<Told> told = All(100);
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.front(), kUncounted);
  EXPECT_EQ(std::vector<Told>(told.begin() + 1, told.end()), ErrorsOf(kept + 1, 2000));
}

TEST_F(ReplaysTest, AfterAnotherProcessTheMemoryIsWhatWaited) {
  Tell(1000);
  StoreAll();
  Tell(3);
  replays_.reset();
  OpenJournal();
  StartReplays(0);
  EXPECT_EQ(journal_->kept_after_seq(), 1000);
  EXPECT_EQ(All(0), ErrorsOf(1, 1003));
}

TEST_F(ReplaysTest, AfterABootTheJournalIsNewAndTheStoreHasAll) {
  Tell(1000);
  StoreAll();
  replays_.reset();
  journal_.reset();
  std::filesystem::remove(directory_.file("journal"));
  OpenJournal();
  StartReplays(1000);
  EXPECT_EQ(All(990), ErrorsOf(991, 1000));
  Tell();
  EXPECT_EQ(All(990), ErrorsOf(991, 1001));
}

TEST_F(ReplaysTest, WhatFoundNoRoomAnywhereIsToldByItsCount) {
  Tell(10);
  for (uint64_t seq : {11, 13}) {
    Notification gap = TestNotification(seq, "disk" + std::to_string(seq), 0);
    gap.kind = Kind::kGap;
    gap.gap = Gap{.source = SourceId::kGroup, .count = seq * 10};
    unstored_.push_back(gap);
  }
  told_ = 40;
  EXPECT_THAT(All(9), ElementsAre(ErrorOf(10), Told{11, "disk11", 110, true}, Told{13, "disk13", 130, true}));
  EXPECT_THAT(All(20), ElementsAre(kUncounted)) << "how many of them are above 20 nobody knows";
  EXPECT_THAT(All(40), IsEmpty());
}

TEST_F(ReplaysTest, WhatFoundNoRoomOfVeryManyFileSystemsIsToldAsOneSum) {
  for (uint64_t seq = 1; seq <= 1000; ++seq) {
    Notification gap = TestNotification(seq, "disk", 0);
    gap.kind = Kind::kGap;
    gap.gap = Gap{.source = SourceId::kGroup, .count = 2};
    unstored_.push_back(gap);
  }
  told_ = 1000;
  EXPECT_THAT(All(0), ElementsAre(Told{1, "", 2000, true}));
}

TEST_F(ReplaysTest, AReplayThatEndsWhileAPieceIsReadIsForgotten) {
  Tell(2000);
  StoreAll();
  auto replay = replays_->Begin(0);
  std::string bytes;
  EXPECT_EQ(replay->Read(kPacketBytes, bytes), Replay::Came::kLater);
  replay.reset();
  Wait();
  EXPECT_EQ(All(0), ErrorsOf(1, 2000));
}

}  // namespace
}  // namespace fsherald
