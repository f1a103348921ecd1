// SPDX-License-Identifier: MIT
#include "daemon/replay_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "notify/test_notification.h"

namespace fsherald {
namespace {

using testing::ElementsAre;

constexpr Told kUncounted{.seq = 0, .device = "", .errors = 0, .is_gap = true};

class ReplayLineTest : public testing::Test {
 protected:
  void Add(uint64_t seq, uint64_t rows = 1, uint64_t errors = 1) {
    Entry row{.notification = TestNotification(seq, "disk", errors), .host = {}};
    row.rows = rows;
    line_.set_removed(std::exchange(removed_, {}));
    line_.Add(row, out_);
  }
  std::vector<Told> All() const { return ToldIn(std::as_bytes(std::span(out_))); }
  Gap FirstGap() const { return *ParseStream(std::as_bytes(std::span(out_)))->notification.gap; }
  static Told ErrorOf(uint64_t seq, uint64_t errors = 1) { return {seq, "disk", errors, false}; }

  ReplayLine line_{0};
  Removed removed_;
  std::string out_;
};

TEST_F(ReplayLineTest, RowsFollowEachOtherAndNoneIsToldTwice) {
  for (uint64_t seq : {1, 2, 2, 1, 3}) Add(seq);
  EXPECT_THAT(All(), ElementsAre(ErrorOf(1), ErrorOf(2), ErrorOf(3)));
  EXPECT_EQ(line_.position(), 3);
}

TEST_F(ReplayLineTest, WhatIsMissingBeforeTheFirstIsWhatWasRemoved) {
  removed_ = Removed{.notifications = 40, .errors = 70};
  Add(41);
  Add(42);
  EXPECT_THAT(All(), ElementsAre(Told{0, "", 70, true}, ErrorOf(41), ErrorOf(42)));
}

TEST_F(ReplayLineTest, AboveANumberTooTheyAreExactWhereEachNumberIsAmongThem) {
  line_ = ReplayLine(20);
  removed_ = Removed{.notifications = 20, .errors = 70};
  Add(41);
  EXPECT_THAT(All(), ElementsAre(Told{0, "", 70, true}, ErrorOf(41)));
  EXPECT_TRUE(FirstGap().exact);
}

TEST_F(ReplayLineTest, WhereOneIsNotAmongThemTheyAreAtLeastSoMany) {
  line_ = ReplayLine(20);
  removed_ = Removed{.notifications = 19, .errors = 70};
  Add(41);
  EXPECT_THAT(All(), ElementsAre(Told{0, "", 70, true}, ErrorOf(41)));
  EXPECT_FALSE(FirstGap().exact);
}

TEST_F(ReplayLineTest, WhereNoneIsKnownTheirCountIsNotEither) {
  line_ = ReplayLine(20);
  removed_ = Removed{.notifications = 0, .errors = 0};
  Add(41);
  EXPECT_EQ(FirstGap().count, std::nullopt);
}

TEST_F(ReplayLineTest, WhatIsInARowNotAboveTheNumberIsToldAtOnce) {
  line_ = ReplayLine(40);
  removed_ = Removed{.notifications = 2, .errors = 7, .until_utc_ns = INT64_MAX};  // 42 and 43
  for (uint64_t seq : {41, 44, 46}) Add(seq);
  EXPECT_THAT(All(), ElementsAre(Told{0, "", 7, true}, ErrorOf(41), ErrorOf(44), kUncounted, ErrorOf(46)));
  EXPECT_TRUE(FirstGap().exact);
  EXPECT_EQ(FirstGap().to_utc_ns, INT64_MAX);
}

TEST_F(ReplayLineTest, ABurstThatIsGoneStandsForItsNumbersAmongTheRowsToo) {
  removed_ = Removed{.notifications = 12, .errors = 30};  // two of them are 12 and 14
  for (uint64_t seq : {11, 13, 15, 17}) Add(seq);
  EXPECT_THAT(All(),
              ElementsAre(Told{0, "", 30, true}, ErrorOf(11), ErrorOf(13), ErrorOf(15), kUncounted, ErrorOf(17)));
}

TEST_F(ReplayLineTest, WhatIsGoneBetweenRowsIsToldBetweenThem) {
  Add(1);
  removed_ = Removed{.notifications = 8, .errors = 20};
  Add(10);
  removed_ = Removed{.notifications = 1, .errors = 2};
  Add(13);
  EXPECT_THAT(All(), ElementsAre(ErrorOf(1), Told{0, "", 20, true}, ErrorOf(10), Told{0, "", 2, true}, ErrorOf(13)));
}

TEST_F(ReplayLineTest, BesideWhatIsGoneARowStandsForItsOwn) {
  Add(1, 4, 10);  // 2, 4 and 8 are in it, 3 and 5 are gone
  removed_ = Removed{.notifications = 2, .errors = 5};
  for (uint64_t seq : {6, 7, 9}) Add(seq);
  EXPECT_THAT(All(), ElementsAre(ErrorOf(1, 10), Told{0, "", 5, true}, ErrorOf(6), ErrorOf(7), ErrorOf(9)));
  Add(11);
  EXPECT_EQ(All()[5], kUncounted);
}

TEST_F(ReplayLineTest, BehindWhatWasOnlyCountedWhatIsGoneIsToldToo) {
  Notification counted = TestNotification(1, "disk", 0);
  counted.kind = Kind::kGap;
  counted.gap = Gap{.source = SourceId::kGroup, .count = 500};
  line_.Add({counted, Host{}}, out_);
  removed_ = Removed{.notifications = 5, .errors = 9};
  Add(20);
  EXPECT_THAT(All(), ElementsAre(Told{1, "disk", 500, true}, Told{0, "", 9, true}, ErrorOf(20)));
}

TEST_F(ReplayLineTest, WhereNothingAboveTheNumberIsGoneNothingIsMissed) {
  line_ = ReplayLine(40);
  removed_ = Removed{.notifications = 0, .errors = 0};
  Add(41);
  EXPECT_THAT(All(), ElementsAre(ErrorOf(41)));
}

TEST_F(ReplayLineTest, ARowStandsForThoseThatWereMergedIntoIt) {
  Add(1);
  Add(2, 3, 30);  // two more, among the next
  Add(4);
  Add(6);
  EXPECT_THAT(All(), ElementsAre(ErrorOf(1), ErrorOf(2, 30), ErrorOf(4), ErrorOf(6)));
  Add(8);
  EXPECT_EQ(All().size(), 6);
  EXPECT_EQ(All()[4], kUncounted);
}

TEST_F(ReplayLineTest, WhatWasOnlyCountedIsToldByItsGap) {
  Add(1);
  Notification counted = TestNotification(2, "disk", 0);
  counted.kind = Kind::kGap;
  counted.gap = Gap{.source = SourceId::kGroup, .count = 500};
  line_.Add({counted, Host{}}, out_);
  Add(502);
  EXPECT_THAT(All(), ElementsAre(ErrorOf(1), Told{2, "disk", 500, true}, ErrorOf(502)));
}

TEST_F(ReplayLineTest, ASourcesGapStandsForNoOtherNumber) {
  Notification gap = TestNotification(1, "disk", 0);
  gap.kind = Kind::kGap;
  gap.gap = Gap{.source = SourceId::kKmsg, .count = 5};
  line_.Add({gap, Host{}}, out_);
  Add(3);
  EXPECT_THAT(All(), ElementsAre(Told{1, "disk", 5, true}, kUncounted, ErrorOf(3)));
}

TEST_F(ReplayLineTest, WhatIsMissingAtTheEndIsMissedOnce) {
  Add(1);
  line_.End(1, 5, Host{}, out_);
  EXPECT_THAT(All(), ElementsAre(ErrorOf(1)));
  line_.End(3, 5, Host{}, out_);
  line_.End(3, 5, Host{}, out_);
  EXPECT_THAT(All(), ElementsAre(ErrorOf(1), kUncounted));
  Add(4);
  EXPECT_THAT(All(), ElementsAre(ErrorOf(1), kUncounted, ErrorOf(4)));
}

}  // namespace
}  // namespace fsherald
