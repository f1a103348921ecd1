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

  // Straight into a store, whose retention follows: past the journal, as what was told by an earlier process. Number n is of place
  // n % places, and of ErrorsOfNumber(n) errors.
  void StoreBy(Store& store, uint64_t count, uint64_t places) {
    for (; count > 0; count -= std::min<uint64_t>(count, 1000)) {
      std::vector<Notification> some;
      for (uint64_t i = 0; i < std::min<uint64_t>(count, 1000); ++i) {
        ++told_;
        Notification one = TestNotification(told_, "disk", ErrorsOfNumber(told_));
        one.location = Location{.function = "place_" + std::to_string(told_ % places), .line = 7};
        one.specific = Specific{.type = "ext4", .message = std::string(80, 'x') + std::to_string(told_)};
        some.push_back(std::move(one));
      }
      ASSERT_TRUE(store.Append(some, kTestHost, ""));
      for (bool more = true; more;) {
        const auto retained = store.Retain(20);
        ASSERT_TRUE(retained);
        more = *retained;
      }
    }
  }
  static uint64_t ErrorsOfNumber(uint64_t seq) { return 1 + seq % 3; }
  // Above `after`, up to `until`.
  static uint64_t ErrorsBetween(uint64_t after, uint64_t until) {
    uint64_t errors = 0;
    for (uint64_t seq = after + 1; seq <= until; ++seq) errors += ErrorsOfNumber(seq);
    return errors;
  }
  static std::vector<Told> RowsOf(uint64_t first, uint64_t last) {
    std::vector<Told> all;
    for (uint64_t seq = first; seq <= last; ++seq) all.push_back({seq, "disk", ErrorsOfNumber(seq), false});
    return all;
  }
  static uint64_t Sum(const std::vector<Told>& all) {
    uint64_t errors = 0;
    for (const Told& one : all) errors += one.errors;
    return errors;
  }
  static std::ptrdiff_t Gaps(const std::vector<Told>& all) { return std::ranges::count(all, true, &Told::is_gap); }

  // Of those that were read last.
  bool AllGapsAreExact() const { return std::ranges::all_of(gaps_, &Gap::exact); }

  void ReadOn(Replay& replay, std::vector<Told>& told, Replay::Came& came) {
    std::string bytes;
    came = replay.Read(kPacketBytes, bytes);
    EXPECT_LE(bytes.size(), kPacketBytes);
    Bytes rest = std::as_bytes(std::span(bytes));
    for (auto one = ParseStream(rest); one; rest = rest.subspan(one->bytes), one = ParseStream(rest)) {
      told.push_back(ToldOf(one->notification));
      if (one->notification.gap) gaps_.push_back(*one->notification.gap);
    }
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
    gaps_.clear();
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
  std::vector<Gap> gaps_;
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
  StoreBy(*store_, 20'000, 4);
  auto extent = (*History::Open(directory_.file("store")))->Covers();
  ASSERT_TRUE(extent);
  EXPECT_GT(extent->merged_notifications, 0U);
  replays_.reset();
  StartReplays(told_);
  std::vector<Told> told = All(0);
  EXPECT_EQ(Sum(told), ErrorsBetween(0, told_));
  EXPECT_LT(told.size(), told_);
  EXPECT_EQ(Gaps(told), 0);

  // Who was told up to one in the middle of bursts is told at once how many above it are in rows that do not come. (A history of so
  // few bytes remembers the last 6,250 that went.)
  for (const uint64_t since : {4999, 6000, 7001}) {
    told = All(since);
    EXPECT_EQ(Sum(told), ErrorsBetween(since, told_)) << since;
    EXPECT_EQ(Gaps(told), 1) << since;
    EXPECT_TRUE(told.front().is_gap);
  }

  StoreBy(*store_, 20'000, UINT64_MAX);  // nothing to merge: the oldest go
  extent = (*History::Open(directory_.file("store")))->Covers();
  ASSERT_TRUE(extent);
  EXPECT_GT(extent->removed_errors, 0U);
  replays_.reset();
  StartReplays(told_);
  told = All(0);
  EXPECT_EQ(Sum(told), ErrorsBetween(0, told_));
  EXPECT_EQ(told.front(), (Told{0, "", extent->removed_errors, true}));
  EXPECT_EQ(Gaps(told), 1);
  EXPECT_EQ(told.back().seq, told_);

  // Who was told up to one that is gone is told how many of those above it are.
  for (const uint64_t since : {extent->first_seq - 2, extent->first_seq - 700, extent->first_seq - 5000}) {
    told = All(since);
    EXPECT_EQ(told.front(), (Told{0, "", ErrorsBetween(since, extent->first_seq - 1), true})) << since;
    EXPECT_EQ(Gaps(told), 1);
    EXPECT_EQ(told[1].seq, extent->first_seq);
  }
  EXPECT_EQ(Gaps(All(extent->first_seq - 1)), 0);
}

// Of a second store of few bytes, which takes the place of one that has 1 to 600.
class SecondStoreTest : public ReplaysTest {
 protected:
  void SetUp() override {
    ReplaysTest::SetUp();
    StoreBy(*store_, kOfStore, UINT64_MAX);
    OpenSecond(2'000'000);
  }
  void OpenSecond(uint64_t max_bytes) {
    second_.reset();
    second_ = fsherald::OpenStore(directory_.file("second"), nullptr, {.max_bytes = max_bytes, .max_age_s = INT32_MAX});
    ASSERT_TRUE(second_);
  }
  // Into the second one; all that was stored is in no journal.
  void StoreBeside(uint64_t count, uint64_t places) {
    StoreBy(*second_, count, places);
    replays_.reset();
    StartReplays(told_);
  }
  History::Extent OfSecond() const { return *(*History::Open(directory_.file("second")))->Covers(); }

  static constexpr uint64_t kOfStore = 600;
  std::unique_ptr<Store> second_;
};

TEST_F(SecondStoreTest, WhatRetentionHasTakenFromItIsAGapWithItsCount) {
  StoreBeside(20'000, UINT64_MAX);
  const History::Extent extent = OfSecond();
  ASSERT_GT(extent.removed_errors, 0U);
  for (const uint64_t since : {uint64_t{0}, uint64_t{300}, kOfStore, kOfStore + 1, extent.first_seq - 5000,
                               extent.first_seq - 2, extent.first_seq - 1, told_ - 1}) {
    const uint64_t before = std::max(since, kOfStore);
    std::vector<Told> expected = RowsOf(since + 1, kOfStore);
    if (before < extent.first_seq - 1) expected.push_back({0, "", ErrorsBetween(before, extent.first_seq - 1), true});
    std::ranges::move(RowsOf(std::max(before + 1, extent.first_seq), told_), std::back_inserter(expected));
    ASSERT_EQ(All(since), expected) << since;
    EXPECT_TRUE(AllGapsAreExact());
  }
}

TEST_F(SecondStoreTest, WhatRetentionHasMergedInItAndThenTakenAddsUpToo) {
  OpenSecond(400'000);
  StoreBeside(20'000, 4);
  EXPECT_GT(OfSecond().merged_notifications, 0U);
  EXPECT_EQ(OfSecond().removed_notifications, 0U);
  std::vector<Told> told = All(0);
  EXPECT_EQ(Sum(told), ErrorsBetween(0, told_));
  EXPECT_EQ(Gaps(told), 0);
  StoreBeside(20'000, UINT64_MAX);
  EXPECT_GT(OfSecond().removed_notifications, 0U);
  for (const uint64_t since : {uint64_t{0}, uint64_t{300}, kOfStore}) {
    told = All(since);
    EXPECT_EQ(Sum(told), ErrorsBetween(since, told_)) << since;
    EXPECT_EQ(Gaps(told), 1) << since;
    EXPECT_TRUE(AllGapsAreExact());
  }
}

TEST_F(SecondStoreTest, WhatGoesWhileItIsReadIsCountedToo) {
  constexpr int kRounds = 20;
  StoreBeside(20'000, UINT64_MAX);
  replays_.reset();
  StartReplays(told_ + kRounds * 1000);
  int rounds = 0;
  const std::vector<Told> told = All(0, [&] {
    if (rounds++ < kRounds) StoreBy(*second_, 1000, UINT64_MAX);
  });
  EXPECT_GE(rounds, kRounds);
  EXPECT_GT(Gaps(told), 1) << "nothing has gone meanwhile";
  EXPECT_EQ(Sum(told), ErrorsBetween(0, told_));
  EXPECT_TRUE(AllGapsAreExact());
  uint64_t before = 0;
  for (const Told& one : told) {
    if (one.is_gap) continue;
    EXPECT_GT(one.seq, before);
    before = one.seq;
  }
  EXPECT_EQ(before, told_);
}

// It is being merged: the store has come to one of its rows, behind a gap of what had gone before that.
TEST_F(SecondStoreTest, WhatTheStoreTellsOfItAlreadyIsNotToldTwice) {
  StoreBeside(20'000, UINT64_MAX);
  const uint64_t first = OfSecond().first_seq;
  for (const uint64_t merged : {first, first + 100}) {  // the latter: of a hundred that a reader may still find
    store_.reset();
    std::filesystem::remove_all(directory_.file("store"));
    OpenStore();
    Notification gap = TestNotification(1, "", 0);
    gap.kind = Kind::kGap;
    gap.gap = Gap{.source = SourceId::kGroup, .count = ErrorsBetween(0, merged - 1)};
    const Entry row = Entries(directory_.file("second"), {.after_seq = merged - 1}).front();
    ASSERT_TRUE(store_->Append({{gap, row.notification}}, kTestHost, ""));
    std::vector<Told> expected = RowsOf(merged, told_);
    expected.insert(expected.begin(), {1, "", *gap.gap->count, true});
    EXPECT_EQ(All(0), expected);
  }
  StoreBeside(20'000, UINT64_MAX);  // more goes
  ASSERT_GT(OfSecond().first_seq, first + 100);
  const std::vector<Told> told = All(0);
  EXPECT_EQ(Sum(told), ErrorsBetween(0, told_));
  EXPECT_EQ(Gaps(told), 2);
  EXPECT_TRUE(AllGapsAreExact());
}

TEST_F(SecondStoreTest, WhatHasGoneFromBothIsOneGap) {
  StoreBeside(20'000, UINT64_MAX);
  store_.reset();
  auto opened = Store::Open({.directory = directory_.file("store"), .max_age_s = 1}, nullptr);
  ASSERT_TRUE(opened);
  for (bool more = true; more;) {
    const auto retained = (*opened)->Retain(100);
    ASSERT_TRUE(retained);
    more = *retained;
  }
  const uint64_t first = OfSecond().first_seq;
  for (const uint64_t since : {0, 300}) {
    const std::vector<Told> told = All(since);
    EXPECT_EQ(told.front(), (Told{0, "", ErrorsBetween(since, first - 1), true}));
    EXPECT_EQ(Gaps(told), 1);
    EXPECT_EQ(Sum(told), ErrorsBetween(since, told_));
  }
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
