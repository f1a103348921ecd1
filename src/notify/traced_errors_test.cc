// SPDX-License-Identifier: MIT
#include "notify/traced_errors.h"

#include <gtest/gtest.h>

namespace fsherald {
namespace {

constexpr uint64_t kMs = 1'000'000;

using Tasks = std::vector<uint32_t>;

TraceSignal At(uint64_t boottime_ns, uint64_t folded = 0, bool told_by_fanotify = true) {
  return {.boottime_ns = boottime_ns, .reporter = {.told_by_fanotify = told_by_fanotify}, .folded = folded};
}

TraceSignal ByTask(uint32_t tid, uint64_t boottime_ns) {
  return {.boottime_ns = boottime_ns, .task = {.tid = tid}, .reporter = {.told_by_fanotify = true}};
}

CounterReading Counted(uint64_t errors, int64_t first_s, int64_t last_s) {
  return {.errors = errors,
          .first = CounterReading::Occurrence{.utc_seconds = first_s},
          .last = CounterReading::Occurrence{.utc_seconds = last_s}};
}

TEST(TracedErrorsTest, TheLastBurstMayNotBeCountedYet) {
  TracedErrors errors;
  errors.Remember({}, At(100 * kMs), 0);
  errors.Remember({}, At(120 * kMs, 7), 0);
  EXPECT_EQ(errors.AmidAt({}, 130 * kMs).errors, 8u);
  EXPECT_EQ(errors.AmidAt({}, 170 * kMs).errors, 0u);
  EXPECT_EQ(errors.AmidAt(Uuid{{1}}, 130 * kMs).errors, 0u) << "another file system";
}

TEST(TracedErrorsTest, ATaskTellsFanotifyOfAnErrorBeforeItMeetsTheNext) {
  TracedErrors errors;
  errors.Remember({}, ByTask(7, 100 * kMs), 0);
  errors.Remember({}, ByTask(7, 101 * kMs), 0);
  errors.Remember({}, ByTask(8, 102 * kMs), 0);
  EXPECT_EQ(errors.AmidAt({}, 110 * kMs).tasks, (Tasks{7, 8}));
  EXPECT_EQ(errors.AmidAt({}, 1101 * kMs).tasks, Tasks{8}) << "what is a second old has been told to fanotify";
  EXPECT_EQ(errors.AmidAt(Uuid{{1}}, 110 * kMs).tasks, Tasks{}) << "another file system";
}

TEST(TracedErrorsTest, WhatIsFoldedIsOfSomeTask) {
  TracedErrors errors;
  errors.Remember({}, At(100 * kMs, 9), 0);
  EXPECT_EQ(errors.AmidAt({}, 110 * kMs).tasks, Tasks{0});
}

TEST(TracedErrorsTest, OfManyTasksNoMoreThanSomeAreKept) {
  TracedErrors errors;
  for (uint32_t tid = 1; tid <= 1000; ++tid) errors.Remember({}, ByTask(tid, 100 * kMs), 0);
  EXPECT_EQ(errors.AmidAt({}, 110 * kMs).tasks.size(), 256u);
  EXPECT_EQ(errors.AmidAt({}, 110 * kMs).tasks.back(), 1000u);
}

TEST(TracedErrorsTest, WhatFanotifyNeverTellsIsNotAmid) {
  TracedErrors errors;
  errors.Remember({}, At(100 * kMs, 0, false), 0);
  EXPECT_EQ(errors.AmidAt({}, 101 * kMs).errors, 0u);
  EXPECT_EQ(errors.AmidAt({}, 101 * kMs).tasks, Tasks{});
}

TEST(TracedErrorsTest, AfterAPauseTheCountBeginsAnew) {
  TracedErrors errors;
  errors.Remember({}, At(100 * kMs, 9), 0);
  errors.Remember({}, At(200 * kMs), 0);
  EXPECT_EQ(errors.AmidAt({}, 201 * kMs).errors, 1u);
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
