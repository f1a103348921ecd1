// SPDX-License-Identifier: MIT
#include "record/gap.h"

#include <gtest/gtest.h>

namespace fsherald {
namespace {

Notification ErrorAt(int64_t utc_ns, uint64_t errors) {
  Notification one;
  one.utc_ns = utc_ns;
  one.filesystem = {.type = "ext4", .device = "disk"};
  one.error = {.code = 5, .count = errors};
  one.sources = SourceId::kTrace;
  return one;
}

Notification GapOfMany(uint64_t count, bool exact = true) {
  Notification one = ErrorAt(50, 0);
  one.kind = Kind::kGap;
  one.gap = Gap{.source = SourceId::kKmsg, .count = count, .exact = exact, .from_utc_ns = 10, .to_utc_ns = 90};
  return one;
}

TEST(GapTest, ItIsOfTheFirstsFileSystemAndCountsEach) {
  const Notification first = ErrorAt(30, 2);
  Notification gap = GapFor(first, SourceId::kGroup);
  EXPECT_EQ(gap.kind, Kind::kGap);
  EXPECT_EQ(gap.filesystem, first.filesystem);
  EXPECT_EQ(gap.error, (ErrorInfo{.code = std::nullopt, .count = 0}));
  EXPECT_EQ(gap.sources, SourceSet(SourceId::kGroup));
  EXPECT_EQ(gap.utc_ns, 30);
  EXPECT_EQ(gap.gap, (Gap{.source = SourceId::kGroup, .count = 0, .from_utc_ns = 30, .to_utc_ns = 30}));
  AddTo(*gap.gap, first);
  AddTo(*gap.gap, ErrorAt(40, 3));
  EXPECT_EQ(gap.gap, (Gap{.source = SourceId::kGroup, .count = 5, .from_utc_ns = 30, .to_utc_ns = 40}));
}

TEST(GapTest, AGapAddsItsCountAndItsTime) {
  Notification gap = GapFor(ErrorAt(30, 2), SourceId::kGroup);
  AddTo(*gap.gap, GapOfMany(7));
  EXPECT_EQ(gap.gap, (Gap{.source = SourceId::kGroup, .count = 7, .from_utc_ns = 10, .to_utc_ns = 90}));
}

TEST(GapTest, WhereOneIsNotExactOrNotKnownTheSumIsNotExact) {
  Notification gap = GapFor(ErrorAt(30, 2), SourceId::kGroup);
  AddTo(*gap.gap, GapOfMany(7, false));
  AddTo(*gap.gap, ErrorAt(30, 2));
  EXPECT_EQ(gap.gap->count, 9U);
  EXPECT_FALSE(gap.gap->exact);

  gap = GapFor(ErrorAt(30, 2), SourceId::kGroup);
  Notification unknown = GapOfMany(0);
  unknown.gap->count.reset();
  AddTo(*gap.gap, unknown);
  EXPECT_EQ(gap.gap->count, 0U);
  EXPECT_FALSE(gap.gap->exact);
}

TEST(GapTest, AChangeOfHealthIsNoError) {
  Notification change = ErrorAt(30, 4);
  change.kind = Kind::kHealth;
  Notification gap = GapFor(change, SourceId::kGroup);
  AddTo(*gap.gap, change);
  EXPECT_EQ(gap.gap->count, 0U);
}

TEST(GapTest, BeyondWhatANumberHoldsItIsAtLeastThatMany) {
  Notification gap = GapFor(ErrorAt(30, 2), SourceId::kGroup);
  AddTo(*gap.gap, ErrorAt(30, UINT64_MAX));
  EXPECT_TRUE(gap.gap->exact);
  AddTo(*gap.gap, ErrorAt(30, 1));
  EXPECT_EQ(gap.gap->count, UINT64_MAX);
  EXPECT_FALSE(gap.gap->exact);
}

}  // namespace
}  // namespace fsherald
