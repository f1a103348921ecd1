// SPDX-License-Identifier: MIT
#include "notify/traced_errors.h"

#include <gtest/gtest.h>

namespace fsherald {
namespace {

constexpr uint64_t kMs = 1'000'000;

using Tasks = std::vector<uint32_t>;
using Teller = TracedErrors::Teller;

constexpr Uuid kDisk{{1}};
constexpr Uuid kOther{{2}};
constexpr FilesystemKey kBefore{1};
constexpr FilesystemKey kAfter{2};

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
  errors.Remember(kDisk, kBefore, At(100 * kMs), 0);
  errors.Remember(kDisk, kBefore, At(120 * kMs, 7), 0);
  EXPECT_EQ(errors.AmidAt(kDisk, 130 * kMs).errors, 8u);
  EXPECT_EQ(errors.AmidAt(kDisk, 170 * kMs).errors, 0u);
  EXPECT_EQ(errors.AmidAt(kOther, 130 * kMs).errors, 0u) << "another file system";
}

TEST(TracedErrorsTest, ATaskTellsFanotifyOfAnErrorBeforeItMeetsTheNext) {
  TracedErrors errors;
  errors.Remember(kDisk, kBefore, ByTask(7, 100 * kMs), 0);
  errors.Remember(kDisk, kBefore, ByTask(7, 101 * kMs), 0);
  errors.Remember(kDisk, kBefore, ByTask(8, 102 * kMs), 0);
  EXPECT_EQ(errors.AmidAt(kDisk, 110 * kMs).tasks, (Tasks{7, 8}));
  EXPECT_EQ(errors.AmidAt(kDisk, 1101 * kMs).tasks, Tasks{8}) << "what is a second old has been told to fanotify";
  EXPECT_EQ(errors.AmidAt(kOther, 110 * kMs).tasks, Tasks{}) << "another file system";
}

TEST(TracedErrorsTest, WhatIsFoldedIsOfSomeTask) {
  TracedErrors errors;
  errors.Remember(kDisk, kBefore, At(100 * kMs, 9), 0);
  EXPECT_EQ(errors.AmidAt(kDisk, 110 * kMs).tasks, Tasks{0});
}

TEST(TracedErrorsTest, OfManyTasksNoMoreThanSomeAreKept) {
  TracedErrors errors;
  for (uint32_t tid = 1; tid <= 1000; ++tid) errors.Remember(kDisk, kBefore, ByTask(tid, 100 * kMs), 0);
  EXPECT_EQ(errors.AmidAt(kDisk, 110 * kMs).tasks.size(), 256u);
  EXPECT_EQ(errors.AmidAt(kDisk, 110 * kMs).tasks.back(), 1000u);
}

TEST(TracedErrorsTest, WhatFanotifyNeverTellsIsNotAmid) {
  TracedErrors errors;
  errors.Remember(kDisk, kBefore, At(100 * kMs, 0, false), 0);
  EXPECT_EQ(errors.AmidAt(kDisk, 101 * kMs).errors, 0u);
  EXPECT_EQ(errors.AmidAt(kDisk, 101 * kMs).tasks, Tasks{});
}

TEST(TracedErrorsTest, AfterAPauseTheCountBeginsAnew) {
  TracedErrors errors;
  errors.Remember(kDisk, kBefore, At(100 * kMs, 9), 0);
  errors.Remember(kDisk, kBefore, At(200 * kMs), 0);
  EXPECT_EQ(errors.AmidAt(kDisk, 201 * kMs).errors, 1u);
}

TEST(TracedErrorsTest, OldErrorsAreNotNew) { EXPECT_EQ(TracedErrors().NewErrors(kDisk, Counted(5, 90, 100), 100), 0u); }

TEST(TracedErrorsTest, AllAreNewWhereTheFirstIs) {
  EXPECT_EQ(TracedErrors().NewErrors(kDisk, Counted(5, 101, 102), 100), 5u);
}

TEST(TracedErrorsTest, OneIsNewForCertainWhereOnlyTheLastIs) {
  EXPECT_EQ(TracedErrors().NewErrors(kDisk, Counted(5, 90, 101), 100), 1u);
}

TEST(TracedErrorsTest, OfAnUnknownFileSystemNothingIsNew) {
  EXPECT_EQ(TracedErrors().NewErrors(std::nullopt, Counted(5, 101, 102), 100), 0u);
}

TEST(TracedErrorsTest, WhatWasTracedIsNotNew) {
  TracedErrors errors;
  errors.Remember(kDisk, kBefore, At(1), 102);
  EXPECT_EQ(errors.NewErrors(kDisk, Counted(5, 101, 102), 100), 0u);
  EXPECT_EQ(errors.NewErrors(kOther, Counted(5, 101, 102), 100), 5u);
}

TEST(TracedErrorsTest, OfManyFileSystemsNoMoreThanSomeAreKept) {
  TracedErrors errors;
  auto numbered = [](int i) { return Uuid{{static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i)}}; };
  for (int i = 0; i < 5000; ++i) errors.Remember(numbered(i), kBefore, At(100 * kMs), 0);
  uint64_t kept = 0;
  for (int i = 0; i < 5000; ++i) kept += errors.AmidAt(numbered(i), 101 * kMs).errors;
  EXPECT_EQ(kept, 4096u);
  EXPECT_EQ(errors.AmidAt(numbered(4999), 101 * kMs).errors, 1u);
}

TEST(TracedErrorsTest, WhatTheTraceLaidToTheMountingBeforeIsToldAlreadyOnceToEachTeller) {
  TracedErrors errors;
  errors.Remember(kDisk, kBefore, At(1000, 2), 0);
  EXPECT_EQ(errors.TakeAstray(kDisk, kAfter, Teller::kFanotify, 1, 2000), 1u);
  EXPECT_EQ(errors.TakeAstray(kDisk, kAfter, Teller::kFanotify, 3, 2000), 1u) << "the rest is news";
  EXPECT_EQ(errors.TakeAstray(kDisk, kAfter, Teller::kCounter, 3, 2000), 2u);
  EXPECT_EQ(errors.TakeAstray(kDisk, kAfter, Teller::kCounter, 3, 2000), 0u);
}

TEST(TracedErrorsTest, OfTheSameMountingNothingIsAstray) {
  TracedErrors errors;
  errors.Remember(kDisk, kAfter, At(1000, 2), 0);
  EXPECT_EQ(errors.TakeAstray(kDisk, kAfter, Teller::kFanotify, 1, 2000), 0u);
}

TEST(TracedErrorsTest, OfAnotherFileSystemNothingIsAstray) {
  TracedErrors errors;
  errors.Remember(kOther, kBefore, At(1000, 2), 0);
  EXPECT_EQ(errors.TakeAstray(kDisk, kAfter, Teller::kFanotify, 1, 2000), 0u);
}

TEST(TracedErrorsTest, WhatFanotifyNeverTellsIsNotAstray) {
  TracedErrors errors;
  errors.Remember(kDisk, kBefore, At(1000, 2, false), 0);
  EXPECT_EQ(errors.TakeAstray(kDisk, kAfter, Teller::kFanotify, 1, 2000), 0u);
  EXPECT_EQ(errors.TakeAstray(kDisk, kAfter, Teller::kCounter, 1, 2000), 0u);
}

TEST(TracedErrorsTest, WhatFanotifyHasToldOfTheMountingBeforeIsItsOwn) {
  TracedErrors errors;
  errors.Remember(kDisk, kBefore, At(1000, 3), 0);
  errors.Confirm(kDisk, kBefore, 2);
  errors.Confirm(kOther, kBefore, 2);
  EXPECT_EQ(errors.TakeAstray(kDisk, kAfter, Teller::kFanotify, 3, 2000), 1u);
}

TEST(TracedErrorsTest, WhatWasLongAgoIsNotAstray) {
  TracedErrors errors;
  errors.Remember(kDisk, kBefore, At(1000), 0);
  EXPECT_EQ(errors.TakeAstray(kDisk, kAfter, Teller::kFanotify, 1, 1001 + TracedErrors::kAstrayNs), 0u);
  errors.Remember(kDisk, kBefore, At(2000 + TracedErrors::kAstrayNs), 0);
  EXPECT_EQ(errors.TakeAstray(kDisk, kAfter, Teller::kFanotify, 2, 3000 + TracedErrors::kAstrayNs), 1u)
      << "the first is forgotten";
}

}  // namespace
}  // namespace fsherald
