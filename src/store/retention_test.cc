// SPDX-License-Identifier: MIT
#include "store/retention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/check.h"
#include "store/tally.h"
#include "store/test_history.h"

namespace fsherald {
namespace {

using ::testing::ElementsAre;

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kNowS = kTestUtcNs / kSecond + 100'000;
constexpr int64_t kDayS = 24 * 3600;

class RetentionTest : public ::testing::Test {
 protected:
  void Open(Store::Options options = {}) {
    store_.reset();
    store_ = OpenStore(directory_.path(), &found_, options);
    ASSERT_TRUE(store_);
  }
  void Append(const std::vector<Notification>& notifications) {
    const Status appended = store_->Append(notifications, kTestHost, "");
    ASSERT_TRUE(appended) << appended.error().ToString();
  }
  // To its end; in how many steps.
  int Retain(int64_t now_s) {
    int steps = 0;
    while (true) {
      const auto more = store_->Retain(now_s);
      EXPECT_TRUE(more) << more.error().ToString();
      if (!more || !*more) return steps;
      if (++steps == 100'000) ADD_FAILURE() << "it does not end";
      if (steps == 100'000) return steps;
    }
  }
  History::Extent Covers() {
    const auto history = History::Open(directory_.path());
    return (*history)->Covers().value();
  }
  uint64_t Sum() {
    uint64_t errors = 0;
    for (const Entry& entry : Entries(directory_.path())) errors += entry.notification.error.count;
    return errors;
  }
  // As the store itself would when it is opened next.
  void ExpectSound() {
    store_.reset();
    const auto verdict = CheckHistory(directory_.file(), "");
    ASSERT_TRUE(verdict);
    EXPECT_EQ(verdict->why, "");
    auto database = Database::Open(directory_.file(), Database::Access::kRead);
    EXPECT_EQ(*database->Number("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
    EXPECT_EQ(*database->Number("SELECT rows FROM state"), *database->Number("SELECT count(*) FROM notification"));
    EXPECT_EQ(*database->Number("SELECT coalesce(sum(rows),0) FROM chunk"),
              *database->Number("SELECT count(*) FROM notification"));
  }

  TestDirectory directory_;
  std::unique_ptr<Store> store_;
  Store::Opening found_;
};

TEST_F(RetentionTest, WhatIsTooOldGoesAndIsCounted) {
  Open({.max_age_s = 10 * kDayS});
  std::vector<Notification> notifications;
  for (uint64_t seq = 1; seq <= 2000; ++seq) {
    notifications.push_back(TestError(seq, 2));
    if (seq > 1024) notifications.back().utc_ns += 20 * kDayS * kSecond;
  }
  Append(notifications);
  EXPECT_EQ(Retain(kNowS), 0);
  EXPECT_GT(Retain(kNowS + 12 * kDayS), 0);
  EXPECT_EQ(Entries(directory_.path()).front().notification, notifications[1024]);
  EXPECT_EQ(Entries(directory_.path()).size(), 2000u - 1024);
  const History::Extent extent = Covers();
  EXPECT_EQ(extent.first_seq, 1025u);
  EXPECT_EQ(extent.removed_notifications, 1024u);
  EXPECT_EQ(extent.removed_errors, 2048u);
  EXPECT_EQ(extent.removed_until_utc_ns, TestError(1024).utc_ns);
  ExpectSound();
}

TEST_F(RetentionTest, WhatHasGoneIsKnownNumberByNumber) {
  Open({.max_age_s = 10 * kDayS});
  std::vector<Notification> notifications;
  for (uint64_t seq = 1; seq <= 3000; ++seq) {
    if (seq % 700 == 0) continue;  // was told and never stored
    notifications.push_back(TestError(seq, seq % 40 == 0 ? seq : 1 + seq % 2));
    if (seq % 97 == 0) {
      notifications.back().kind = Kind::kGap;
      notifications.back().error.count = 0;
      notifications.back().gap = Gap{.source = SourceId::kKmsg, .count = 5};
    }
    if (seq > 2051) notifications.back().utc_ns += 20 * kDayS * kSecond;
  }
  Append(notifications);
  Retain(kNowS + 12 * kDayS);
  const auto history = History::Open(directory_.path());
  const uint64_t first = (*history)->Covers()->first_seq;
  EXPECT_GT(first, 1024U);
  for (uint64_t after = 0; after <= first; ++after) {
    History::Removed expected;
    for (const Notification& one : notifications) {
      if (one.seq <= after || one.seq >= first) continue;
      ++expected.notifications;
      expected.errors += ErrorCount(one);
    }
    ASSERT_EQ((*history)->RemovedAfter(after), expected) << after;
  }
  EXPECT_EQ((*history)->RemovedAfter(UINT64_MAX), History::Removed());
  for (uint64_t until = 100; until <= first + 100; ++until) {
    History::Removed expected;
    for (const Notification& one : notifications) {
      if (one.seq <= 99 || one.seq > until || one.seq >= first) continue;
      ++expected.notifications;
      expected.errors += ErrorCount(one);
    }
    ASSERT_EQ((*history)->RemovedBetween(99, until, 0), expected) << until;
  }
  EXPECT_EQ((*history)->RemovedBetween(200, 100, 0), History::Removed());
  ExpectSound();
}

TEST_F(RetentionTest, OfASmallHistoryWhatWentLongAgoIsASum) {
  Open({.max_bytes = 64 * 1000, .max_age_s = 10 * kDayS});  // a thousand numbers one by one
  std::vector<Notification> notifications;
  for (uint64_t seq = 1; seq <= 512 * 20; ++seq) {
    notifications.push_back(TestError(seq, 1 + seq % 5));
    if (seq > 512 * 19) notifications.back().utc_ns += 20 * kDayS * kSecond;
  }
  Append(notifications);
  Retain(kNowS + 12 * kDayS);
  const auto sum_above = [](uint64_t after) {
    History::Removed sum;
    for (uint64_t seq = after + 1; seq <= 512 * 19; ++seq) sum = {sum.notifications + 1, sum.errors + 1 + seq % 5};
    return sum;
  };
  const auto history = History::Open(directory_.path());
  EXPECT_EQ((*history)->RemovedAfter(0), sum_above(0));
  EXPECT_EQ((*history)->RemovedBetween(0, UINT64_MAX, 0), sum_above(0));
  EXPECT_EQ((*history)->RemovedAfter(512 * 19 - 1000), sum_above(512 * 19 - 1000));
  EXPECT_EQ((*history)->RemovedAfter(1), sum_above(512 * 17)) << "how many of the sum are above 1 nobody knows";
  ExpectSound();
  auto database = Database::Open(directory_.file(), Database::Access::kRead);
  EXPECT_EQ(*database->Number("SELECT count(*) FROM removed"), 3);
}

TEST_F(RetentionTest, OfWhatHasGoneADamagedRecordIsNotCounted) {
  Open({.max_age_s = 10 * kDayS});
  std::vector<Notification> notifications;
  for (uint64_t seq = 1; seq <= 2048; ++seq) {
    notifications.push_back(TestError(seq));
    if (seq > 1024) notifications.back().utc_ns += 20 * kDayS * kSecond;
  }
  Append(notifications);
  Retain(kNowS + 12 * kDayS);
  store_.reset();
  {
    auto database = Database::Open(directory_.file(), Database::Access::kWrite);
    EXPECT_EQ(*database->Number("SELECT count(*) FROM removed"), 2);
    ASSERT_TRUE(database->Run("UPDATE removed SET errors=errors+1 WHERE first_seq=1"));
    ASSERT_TRUE(database->Run("UPDATE removed SET counts=x'00010180' WHERE first_seq=513"));
  }
  const auto history = History::Open(directory_.path());
  EXPECT_EQ((*history)->RemovedAfter(1), History::Removed());
  EXPECT_EQ((*history)->RemovedAfter(600), History::Removed());
}

TEST_F(RetentionTest, WhenAllIsTooOldNothingIsLeftAndItGoesOn) {
  Open({.max_age_s = kDayS});
  Append({TestError(1), TestError(2)});
  Retain(kNowS + 100 * kDayS);
  EXPECT_TRUE(Entries(directory_.path()).empty());
  EXPECT_EQ(store_->last_seq(), 2u);
  Append({TestError(3)});
  EXPECT_THAT(Seqs(directory_.path()), ElementsAre(3));
  ExpectSound();
  Open();
  EXPECT_EQ(found_.set_aside, "");
  EXPECT_EQ(store_->last_seq(), 3u);
}

TEST_F(RetentionTest, AClockThatLeapsIsNotBelievedBeforeAWeek) {
  Open({.max_age_s = 10 * kDayS});
  std::vector<Notification> notifications;
  for (uint64_t seq = 1; seq <= 2000; ++seq) notifications.push_back(TestError(seq));
  Append(notifications);
  const int64_t leapt_s = kNowS + 3650 * kDayS;
  EXPECT_FALSE(store_->Retain(leapt_s, 6 * kDayS).value());
  Notification then = TestError(2001);  // something happens with that clock
  then.utc_ns = leapt_s * kSecond;
  Append({then});
  EXPECT_FALSE(store_->Retain(leapt_s, 6 * kDayS).value());
  EXPECT_EQ(Entries(directory_.path()).size(), 2001u);
  EXPECT_TRUE(store_->Retain(leapt_s, 7 * kDayS).value());
  ExpectSound();
}

TEST_F(RetentionTest, WithoutALeapWhatIsTooOldGoesAtOnce) {
  Open({.max_age_s = 10 * kDayS});
  std::vector<Notification> notifications;
  for (uint64_t seq = 1; seq <= 2000; ++seq) {
    notifications.push_back(TestError(seq));
    notifications.back().utc_ns += static_cast<int64_t>(seq) * 3600 * kSecond / 4;
  }
  Append(notifications);
  EXPECT_TRUE(store_->Retain(kNowS + 21 * kDayS, 0).value());
  ExpectSound();
}

TEST_F(RetentionTest, OfABurstTheFirstHundredAndTheLastStayWholeAndTheSumIsExact) {
  Open({.max_bytes = 1});
  std::vector<Notification> notifications;
  uint64_t errors = 0;
  for (uint64_t seq = 1; seq <= 3000; ++seq) {
    notifications.push_back(TestError(seq, seq % 7 + 1));
    if (seq % 3 == 0) notifications.back().error.code = EIO;  // a burst of its own
    errors += seq % 7 + 1;
  }
  // Behind the bursts, so that they are not in the last chunk.
  for (uint64_t seq = 3001; seq <= 4000; ++seq) {
    notifications.push_back(TestError(seq));
    notifications.back().utc_ns += static_cast<int64_t>(seq) * 61 * kSecond;
    ++errors;
  }
  Append(notifications);
  // One step merges the eight chunks that there are, but the last; nothing is small enough, and so rows would go next.
  ASSERT_TRUE(store_->Retain(kNowS).value());
  const std::vector<Entry> entries = Entries(directory_.path());
  EXPECT_EQ(Sum(), errors);
  uint64_t rows = 0;
  std::vector<Entry> merged;
  for (const Entry& entry : entries) {
    rows += entry.rows;
    if (entry.rows > 1) merged.push_back(entry);
    else EXPECT_EQ(entry.notification, notifications[entry.notification.seq - 1]);
  }
  EXPECT_EQ(rows, 4000u);
  ASSERT_EQ(merged.size(), 2u);
  // Of the 2,000 of the first burst (not divisible by three): number 101 to number 1,999.
  EXPECT_EQ(merged[0].rows, 2000u - 101);
  EXPECT_EQ(merged[0].notification.seq, 151u);
  EXPECT_EQ(merged[0].last_seq, 2998u);
  EXPECT_EQ(merged[0].last_utc_ns, TestError(2998).utc_ns);
  Notification first = notifications[150];
  first.error.count = merged[0].notification.error.count;
  EXPECT_EQ(merged[0].notification, first);
  EXPECT_EQ(merged[1].rows, 1000u - 101);
  EXPECT_EQ(merged[1].notification.error.code, EIO);
  // First hundred, the merged one and the last of each; and those behind.
  EXPECT_EQ(entries.size(), 2u * 102 + 1000);
  EXPECT_EQ(Covers().merged_notifications, 2000u - 102 + 1000 - 102);
  // The middle of the burst is found by its time.
  EXPECT_EQ(Seqs(directory_.path(), {.since_utc_ns = TestError(2000).utc_ns, .until_utc_ns = TestError(2000).utc_ns}),
            (std::vector<uint64_t>{151, 303}));
  // And the counts by time are what they were.
  EXPECT_EQ((*History::Open(directory_.path()))->Filesystems()->front().errors, errors);
  ExpectSound();
}

TEST_F(RetentionTest, ABurstThatIsLongerThanAStepIsOneRow) {
  Open({.max_bytes = 1});
  std::vector<Notification> notifications;
  for (uint64_t seq = 1; seq <= 10'000; ++seq) notifications.push_back(TestError(seq));
  Append(notifications);
  // Two steps merge 8 chunks each; the last three chunks follow.
  for (int step = 0; step < 3; ++step) ASSERT_TRUE(store_->Retain(kNowS).value());
  uint64_t merged = 0;
  for (const Entry& entry : Entries(directory_.path())) merged += entry.rows > 1 ? 1 : 0;
  EXPECT_EQ(merged, 1u);
  EXPECT_EQ(Sum(), 10'000u);
  ExpectSound();
}

TEST_F(RetentionTest, GapsAndChangesOfHealthAreNotMerged) {
  Open({.max_bytes = 1});
  std::vector<Notification> notifications;
  for (uint64_t seq = 1; seq <= 2000; ++seq) {
    notifications.push_back(TestError(seq));
    notifications.back().kind = seq % 2 == 0 ? Kind::kGap : Kind::kHealth;
  }
  Append(notifications);
  ASSERT_TRUE(store_->Retain(kNowS).value());
  EXPECT_EQ(Entries(directory_.path()).size(), 2000u);
}

TEST_F(RetentionTest, TheFileStaysBelowItsSizeAndTheLatestRowsStay) {
  constexpr uint64_t kMaxBytes = 2 << 20;
  Open({.max_bytes = kMaxBytes});
  AnyNotification any(7);
  uint64_t seq = 0;
  uint64_t stored = 0;
  for (int group = 0; group < 120; ++group) {
    std::vector<Notification> notifications;
    for (int i = 0; i < 500; ++i) {
      // No burst: a minute and more between them.
      notifications.push_back(TestError(++seq));
      notifications.back().utc_ns = kTestUtcNs + static_cast<int64_t>(seq) * 61 * kSecond;
      notifications.back().object->path = any.Text().substr(0, 100);
      ++stored;
    }
    Append(notifications);
    Retain(kTestUtcNs / kSecond);
  }
  const History::Extent extent = Covers();
  EXPECT_LE(extent.bytes, kMaxBytes);
  EXPECT_GT(extent.removed_notifications, 0u);
  const std::vector<uint64_t> seqs = Seqs(directory_.path());
  EXPECT_EQ(seqs.back(), seq);
  EXPECT_EQ(seqs.size() + extent.removed_notifications, stored);
  EXPECT_EQ(seqs.back() - seqs.front() + 1, seqs.size());
  ExpectSound();
}

// Else hostile texts, one a row, would fill the file for ever.
TEST_F(RetentionTest, WordsGoWithTheRowsThatHaveUsedThem) {
  constexpr uint64_t kMaxBytes = 16 << 20;
  Open({.max_bytes = kMaxBytes});
  uint64_t seq = 0;
  for (int group = 0; group < 40; ++group) {
    std::vector<Notification> notifications;
    for (int i = 0; i < 2000; ++i) {
      notifications.push_back(TestError(++seq));
      notifications.back().location->function = "function" + std::to_string(seq);
    }
    Append(notifications);
    Retain(kNowS);
  }
  EXPECT_LE(Covers().bytes, kMaxBytes);
  EXPECT_GT(Covers().removed_notifications, 0u);
  EXPECT_EQ(Entries(directory_.path()).back().notification.location->function, "function" + std::to_string(seq));
  ExpectSound();
}

TEST_F(RetentionTest, CountsByHourGoAfterAMonthAndThoseByDayStay) {
  Open();
  Append({TestError(1), TestError(2)});
  Retain(kNowS + 40 * kDayS);
  const auto history = History::Open(directory_.path());
  const int64_t day = kTestUtcNs / kDayNs * kDayNs;
  const auto hotspots = (*history)->HotspotsBy(History::By::kLocation, kTestUtcNs, kTestUtcNs, 0, 0);
  EXPECT_EQ(hotspots->from_utc_ns, day);
  EXPECT_EQ(hotspots->to_utc_ns, day + kDayNs);
  EXPECT_EQ(hotspots->spots[0].errors, 2u);
}

TEST_F(RetentionTest, WithNothingToDoItWritesNothing) {
  Open();
  Append({TestError(1)});
  const auto size = [&] { return std::filesystem::file_size(directory_.file() + "-wal"); };
  const auto before = size();
  EXPECT_EQ(Retain(kNowS), 0);
  EXPECT_EQ(size(), before);
}

}  // namespace
}  // namespace fsherald
