// SPDX-License-Identifier: MIT
#include "notify/traced_errors.h"

#include <gtest/gtest.h>

namespace fsherald {
namespace {

constexpr uint64_t kMs = 1'000'000;

TraceSignal At(uint64_t boottime_ns, uint64_t folded = 0, bool told_by_fanotify = true) {
  return {.boottime_ns = boottime_ns, .reporter = {.told_by_fanotify = told_by_fanotify}, .folded = folded};
}

CounterReading Counted(uint64_t errors, int64_t first_s, int64_t last_s) {
  return {.errors = errors,
          .first = CounterReading::Occurrence{.utc_seconds = first_s},
          .last = CounterReading::Occurrence{.utc_seconds = last_s}};
}

TEST(TracedErrorsTest, ErrorsJustBeforeAMarkAreAmidIt) {
  TracedErrors errors;
  errors.Remember({}, At(100 * kMs), 0);
  errors.Remember({}, At(120 * kMs, 7), 0);
  EXPECT_EQ(errors.Amid({}, 130 * kMs), 8u);
  EXPECT_EQ(errors.Amid({}, 170 * kMs), 0u);
  EXPECT_EQ(errors.Amid(Uuid{{1}}, 130 * kMs), 0u) << "another file system";
}

TEST(TracedErrorsTest, WhatFanotifyNeverTellsIsNotAmid) {
  TracedErrors errors;
  errors.Remember({}, At(100 * kMs, 0, false), 0);
  EXPECT_EQ(errors.Amid({}, 101 * kMs), 0u);
}

TEST(TracedErrorsTest, AfterAPauseTheCountBeginsAnew) {
  TracedErrors errors;
  errors.Remember({}, At(100 * kMs, 9), 0);
  errors.Remember({}, At(200 * kMs), 0);
  EXPECT_EQ(errors.Amid({}, 201 * kMs), 1u);
}

TEST(TracedErrorsTest, OldErrorsAreNotNew) {
  EXPECT_EQ(TracedErrors().NewErrors(Uuid{}, Counted(5, 90, 100), 100), 0u);
}

TEST(TracedErrorsTest, AllAreNewWhereTheFirstIs) {
  EXPECT_EQ(TracedErrors().NewErrors(Uuid{}, Counted(5, 101, 102), 100), 5u);
}

TEST(TracedErrorsTest, OneIsNewForCertainWhereOnlyTheLastIs) {
  EXPECT_EQ(TracedErrors().NewErrors(Uuid{}, Counted(5, 90, 101), 100), 1u);
}

TEST(TracedErrorsTest, OfAnUnknownFileSystemNothingIsNew) {
  EXPECT_EQ(TracedErrors().NewErrors(std::nullopt, Counted(5, 101, 102), 100), 0u);
}

TEST(TracedErrorsTest, WhatWasTracedIsNotNew) {
  TracedErrors errors;
  errors.Remember({}, At(1), 102);
  EXPECT_EQ(errors.NewErrors(Uuid{}, Counted(5, 101, 102), 100), 0u);
  EXPECT_EQ(errors.NewErrors(Uuid{{1}}, Counted(5, 101, 102), 100), 5u);
}

}  // namespace
}  // namespace fsherald
