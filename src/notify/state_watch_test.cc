// SPDX-License-Identifier: MIT
#include "notify/state_watch.h"

#include <gtest/gtest.h>

namespace fsherald {
namespace {

constexpr FilesystemKey kData{1};
constexpr MountLook kWritable{"ext4", "rw", 0};
constexpr MountLook kForced{"ext4", "rw,emergency_ro", 0};
constexpr MountLook kShut{"ext4", "rw,emergency_ro,shutdown", 0};

// Times in milliseconds.
uint64_t At(uint64_t ms) { return ms * 1'000'000; }

class StateWatchTest : public testing::Test {
 protected:
  void SetUp() override {
    watch_.Begin(kData, kWritable);
    watch_.Looked(At(0));
  }
  void Look(const MountLook& look, uint64_t ms) {
    watch_.Look(kData, look, At(ms));
    watch_.Looked(At(ms));
  }
  StateWatch watch_;
};

TEST_F(StateWatchTest, WhileNothingHappensNobodyLooks) {
  EXPECT_EQ(watch_.due_ns(), std::nullopt);
  EXPECT_FALSE(watch_.IsDue(At(1'000'000)));
}

TEST_F(StateWatchTest, AfterAnErrorItIsLookedTwiceAndThenNoMore) {
  watch_.Told(kData, Kind::kMetadata, At(5000));
  EXPECT_EQ(watch_.due_ns(), At(5100));
  EXPECT_FALSE(watch_.IsDue(At(5099)));
  EXPECT_TRUE(watch_.IsDue(At(5100)));
  watch_.Looked(At(5100));
  EXPECT_EQ(watch_.due_ns(), At(6100));
  watch_.Looked(At(6100));
  EXPECT_EQ(watch_.due_ns(), std::nullopt);
}

TEST_F(StateWatchTest, AFloodPutsTheLookOffForASecondAtTheMost) {
  for (uint64_t ms = 5000; ms < 5990; ms += 10) {
    watch_.Told(kData, Kind::kMetadata, At(ms));
    EXPECT_EQ(watch_.due_ns(), std::min(At(ms + 100), At(6000)));
  }
}

TEST_F(StateWatchTest, ALookForAnotherReasonPutsNothingOff) {
  watch_.Told(kData, Kind::kMetadata, At(5000));
  watch_.Looked(At(5001));
  EXPECT_EQ(watch_.due_ns(), At(5100));
}

TEST_F(StateWatchTest, AStateThatNobodyHasToldIsToldOnce) {
  watch_.Told(kData, Kind::kMetadata, At(5000));
  Look(kForced, 5100);
  EXPECT_TRUE(watch_.Take(At(5399)).empty());
  EXPECT_EQ(watch_.due_ns(), At(5400));
  const auto told = watch_.Take(At(5400));
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].filesystem, kData);
  EXPECT_EQ(told[0].kind, Kind::kReadOnly);
  EXPECT_EQ(told[0].seen_boottime_ns, At(5100));
  Look(kForced, 6100);
  EXPECT_TRUE(watch_.Take(At(7000)).empty());
}

TEST_F(StateWatchTest, AStateThatALineHasToldIsNotToldAgain) {
  watch_.Told(kData, Kind::kReadOnly, At(5000));
  Look(kForced, 5100);
  EXPECT_TRUE(watch_.Take(At(9000)).empty());
}

TEST_F(StateWatchTest, NorOneWhoseLineComesAfterTheLook) {
  Look(kForced, 5000);
  watch_.Told(kData, Kind::kReadOnly, At(5200));
  EXPECT_TRUE(watch_.Take(At(9000)).empty());
}

TEST_F(StateWatchTest, NorOneThatWasToldJustBeforeALookThatDidNotSeeIt) {
  watch_.Told(kData, Kind::kReadOnly, At(5000));
  watch_.Looked(At(5900));
  Look(kForced, 6900);
  EXPECT_TRUE(watch_.Take(At(9000)).empty());
}

TEST_F(StateWatchTest, WhatWasToldLongAgoWasAnotherTime) {
  watch_.Told(kData, Kind::kReadOnly, At(5000));
  watch_.Looked(At(5100));
  watch_.Looked(At(6100));
  Look(kForced, 8000);
  EXPECT_EQ(watch_.Take(At(9000)).size(), 1U);
}

TEST_F(StateWatchTest, AShutdownSaysThatNothingIsWrittenAndNotTheOtherWayRound) {
  watch_.Told(kData, Kind::kShutdown, At(5000));
  Look(kForced, 5100);
  EXPECT_TRUE(watch_.Take(At(5900)).empty());
  watch_.Looked(At(8000));
  watch_.Told(kData, Kind::kReadOnly, At(9000));
  Look(kShut, 9100);
  const auto told = watch_.Take(At(9900));
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].kind, Kind::kShutdown);
}

TEST_F(StateWatchTest, TheMomentWithinARemountIsNoState) {
  Look({"ext4", "ro", 0}, 5000);  // the file system is set
  EXPECT_FALSE(watch_.IsDue(At(5299)));
  EXPECT_TRUE(watch_.IsDue(At(5300))) << "looked at once more before it is told";
  Look({"ext4", "ro", 1}, 5300);  // and the mount
  EXPECT_TRUE(watch_.Take(At(9000)).empty());
  EXPECT_EQ(watch_.due_ns(), std::nullopt);
}

TEST_F(StateWatchTest, NorIsOneThatDoesNotLast) {
  Look({"ext4", "ro", 0}, 5000);
  Look(kWritable, 5200);
  EXPECT_TRUE(watch_.Take(At(9000)).empty());
}

TEST_F(StateWatchTest, AStateThatWasLeftIsToldAgain) {
  Look(kForced, 5000);
  EXPECT_EQ(watch_.Take(At(5300)).size(), 1U);
  Look(kWritable, 9000);
  EXPECT_TRUE(watch_.Take(At(9500)).empty());
  Look(kForced, 20000);
  EXPECT_EQ(watch_.Take(At(20300)).size(), 1U);
}

TEST_F(StateWatchTest, WhatItBeganInIsNothingNew) {
  watch_.Begin({2}, kForced);
  watch_.Look({2}, kForced, At(5000));
  EXPECT_TRUE(watch_.Take(At(9000)).empty());
}

TEST_F(StateWatchTest, WhatIsSeenLastOfOneThatGoesIsStillTold) {
  Look(kForced, 5000);
  watch_.End(kData);
  EXPECT_EQ(watch_.Take(At(5300)).size(), 1U);
  EXPECT_EQ(watch_.due_ns(), std::nullopt);
  watch_.Told(kData, Kind::kMetadata, At(5400));
  EXPECT_EQ(watch_.due_ns(), std::nullopt);
}

TEST_F(StateWatchTest, AtTheEndNothingIsHeld) {
  Look(kForced, 5000);
  EXPECT_EQ(watch_.Take(At(5001), true).size(), 1U);
}

}  // namespace
}  // namespace fsherald
