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

}  // namespace
}  // namespace fsherald
