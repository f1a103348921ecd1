// SPDX-License-Identifier: MIT
#include "health/health.h"

#include <gtest/gtest.h>

namespace fsherald {
namespace {

constexpr int64_t kBoot = 1'000'000;

CounterReading Counted(uint64_t errors, std::optional<int64_t> last_utc_s) {
  CounterReading reading{.errors = errors};
  if (last_utc_s) {
    reading.last.emplace();
    reading.last->utc_seconds = *last_utc_s;
  }
  return reading;
}

TEST(HealthTest, WellIsOnlyWhatSomethingCovers) {
  EXPECT_EQ(HealthOf({.covered = true}, kBoot), HealthState::kWell);
  EXPECT_EQ(HealthOf({.counters = CounterReading{}, .covered = true}, kBoot), HealthState::kWell);
  EXPECT_EQ(HealthOf({.covered = false}, kBoot), HealthState::kNotCovered);
}

TEST(HealthTest, WhatCouldHaveBeenReadAndWasNotIsNotTakenToBeWell) {
  EXPECT_EQ(HealthOf({.covered = false, .coverable = true}, kBoot), HealthState::kUnknown);
  EXPECT_EQ(HealthOf({.covered = true, .coverable = true}, kBoot), HealthState::kWell);
  EXPECT_EQ(HealthOf({.mount = MountState::kShutDown, .coverable = true}, kBoot), HealthState::kShutDown);
}

TEST(HealthTest, AllButWhatIsWellAndWhatNothingCanCoverIsAFinding) {
  EXPECT_FALSE(IsFinding(HealthState::kWell));
  EXPECT_FALSE(IsFinding(HealthState::kNotCovered));
  for (HealthState health : {HealthState::kUnknown, HealthState::kPastErrors, HealthState::kErrors,
                             HealthState::kReadOnly, HealthState::kShutDown})
    EXPECT_TRUE(IsFinding(health));
}

TEST(HealthTest, WarningsAloneAreNoErrors) {
  EXPECT_EQ(HealthOf({.counters = CounterReading{.errors = 0, .warnings = 7}, .covered = true}, kBoot),
            HealthState::kWell);
}

TEST(HealthTest, TheLastErrorDecidesWhetherTheErrorsAreOfThePast) {
  EXPECT_EQ(HealthOf({.counters = Counted(3, kBoot - 1), .covered = true}, kBoot), HealthState::kPastErrors);
  EXPECT_EQ(HealthOf({.counters = Counted(3, kBoot), .covered = true}, kBoot), HealthState::kErrors);
  EXPECT_EQ(HealthOf({.counters = Counted(3, kBoot + 1), .covered = true}, kBoot), HealthState::kErrors);
}

TEST(HealthTest, AnErrorWithoutATimeIsNotToldAsNew) {
  EXPECT_EQ(HealthOf({.counters = Counted(1, std::nullopt), .covered = true}, kBoot), HealthState::kPastErrors);
}

TEST(HealthTest, WhatItHasDoneToItselfIsWorseThanWhatItCounts) {
  const CounterReading errors = Counted(1, kBoot + 1);
  EXPECT_EQ(HealthOf({.mount = MountState::kForcedReadOnly, .counters = errors, .covered = true}, kBoot),
            HealthState::kReadOnly);
  EXPECT_EQ(HealthOf({.mount = MountState::kShutDown, .counters = errors, .covered = true}, kBoot),
            HealthState::kShutDown);
  EXPECT_EQ(HealthOf({.answers_shut_down = true, .covered = true}, kBoot), HealthState::kShutDown);
  EXPECT_EQ(HealthOf({.has_sick_structures = true, .covered = true}, kBoot), HealthState::kErrors);
}

TEST(HealthTest, AStateIsToldAlsoOfWhatNothingElseCovers) {
  EXPECT_EQ(HealthOf({.mount = MountState::kForcedReadOnly}, kBoot), HealthState::kReadOnly);
}

TEST(HealthTest, WhatTheAdministratorMountedReadOnlyIsWell) {
  EXPECT_EQ(HealthOf({.mount = MountState::kReadOnly, .covered = true}, kBoot), HealthState::kWell);
}

// The daemon has told it at second 100 of this mounting.
LastChange Told(HealthState to, HealthRule rule) {
  return {.to = to, .rule = rule, .utc_ns = 100'500'000'000, .is_of_this_mounting = true};
}

Evidence Ext4(uint64_t errors, std::optional<int64_t> last_utc_s) {
  return {.counters = Counted(errors, last_utc_s), .covered = true, .coverable = true};
}

using S = HealthState;
using R = HealthRule;

TEST(JudgeTest, WithoutAWordOfTheDaemonTheFilesystemDecides) {
  EXPECT_EQ(Judge(Ext4(1, 100), S::kErrors, std::nullopt), (Verdict{S::kErrors, false}));
}

TEST(JudgeTest, WhatTheOperatorHasClearedIsWellUntilANewerErrorIsCounted) {
  const LastChange cleared = Told(S::kWell, R::kCleared);
  EXPECT_EQ(Judge(Ext4(1, 99), S::kErrors, cleared), (Verdict{S::kWell, true}));
  EXPECT_EQ(Judge(Ext4(1, 100), S::kErrors, cleared), (Verdict{S::kWell, true}));
  EXPECT_EQ(Judge(Ext4(2, 101), S::kErrors, cleared), (Verdict{S::kErrors, false}));
}

TEST(JudgeTest, TheOperatorsWordHoldsOverAnotherMountingAndNoOtherDoes) {
  LastChange change = Told(S::kWell, R::kCleared);
  change.is_of_this_mounting = false;
  EXPECT_EQ(Judge(Ext4(1, 99), S::kPastErrors, change), (Verdict{S::kWell, true}));
  change.rule = R::kScrubbed;
  EXPECT_EQ(Judge(Ext4(1, std::nullopt), S::kPastErrors, change), (Verdict{S::kPastErrors, false}));
}

TEST(JudgeTest, WhatAScrubHasFoundWellIsWellWithItsCountersAndWhatWasSetBackHasErredSince) {
  const Evidence btrfs = Ext4(3, std::nullopt);
  EXPECT_EQ(Judge(btrfs, S::kPastErrors, Told(S::kWell, R::kScrubbed)), (Verdict{S::kWell, true}));
  EXPECT_EQ(Judge(btrfs, S::kPastErrors, Told(S::kWell, R::kCountersReset)), (Verdict{S::kPastErrors, false}));
}

TEST(JudgeTest, WhatAFilesystemDoesNotKeepTheDaemonKnows) {
  const Evidence xfs{.covered = true, .coverable = true};
  EXPECT_EQ(Judge(xfs, S::kWell, Told(S::kErrors, R::kErrors)), (Verdict{S::kErrors, true}));
  EXPECT_EQ(Judge({}, S::kNotCovered, Told(S::kErrors, R::kErrors)), (Verdict{S::kErrors, true}));
  EXPECT_EQ(Judge(Ext4(1, 99), S::kErrors, Told(S::kReadOnly, R::kReadOnly)), (Verdict{S::kReadOnly, true}));
  EXPECT_EQ(Judge(Ext4(2, 101), S::kErrors, Told(S::kPastErrors, R::kFound)), (Verdict{S::kErrors, false}));
}

TEST(JudgeTest, WhatItIsAtThisMomentNoEarlierWordChanges) {
  const LastChange cleared = Told(S::kWell, R::kCleared);
  EXPECT_EQ(Judge({.mount = MountState::kForcedReadOnly}, S::kReadOnly, cleared), (Verdict{S::kReadOnly, false}));
  EXPECT_EQ(Judge({.answers_shut_down = true}, S::kShutDown, cleared), (Verdict{S::kShutDown, false}));
  EXPECT_EQ(Judge({.has_sick_structures = true}, S::kErrors, cleared), (Verdict{S::kErrors, false}));
  EXPECT_EQ(Judge({.mount = MountState::kForcedReadOnly}, S::kReadOnly, Told(S::kShutDown, R::kShutdown)),
            (Verdict{S::kShutDown, true}));
}

TEST(JudgeTest, WhatCouldNotBeReadIsNotKnownToBeWell) {
  const LastChange cleared = Told(S::kWell, R::kCleared);
  EXPECT_EQ(Judge({.coverable = true}, S::kUnknown, cleared), (Verdict{S::kUnknown, false}));
  EXPECT_EQ(Judge({}, S::kNotCovered, cleared), (Verdict{S::kNotCovered, false}));
}

TEST(JudgeTest, WhatWasLeftNotWellAndIsMountedAgainHasErrorsOfThePastUnlessItsCountersSayThatItIsRepaired) {
  LastChange gone = Told(S::kGone, R::kGone);
  const Evidence xfs{.covered = true, .coverable = true};
  EXPECT_EQ(Judge(xfs, S::kWell, gone), (Verdict{S::kPastErrors, true}));
  EXPECT_EQ(Judge(Ext4(0, std::nullopt), S::kWell, gone), (Verdict{S::kPastErrors, true})) << "not counted";
  EXPECT_EQ(Judge(Ext4(1, 99), S::kErrors, gone), (Verdict{S::kErrors, false}));
  gone.follows_counted_error = true;
  EXPECT_EQ(Judge(Ext4(0, std::nullopt), S::kWell, gone), (Verdict{S::kWell, false}));
  LastChange before_boot = Told(S::kErrors, R::kErrors);
  before_boot.is_of_this_mounting = false;
  EXPECT_EQ(Judge(xfs, S::kWell, before_boot), (Verdict{S::kPastErrors, true}));
}

}  // namespace
}  // namespace fsherald
