// SPDX-License-Identifier: MIT
#include "notify/counter_reads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fsherald {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kMinuteNs = 60'000 * kMs;
constexpr FilesystemKey kFirst{1};
constexpr FilesystemKey kSecond{2};

TEST(CounterReadsTest, WithoutASilentOneThereIsNothingToReadEver) {
  CounterReads reads;
  reads.Told(kFirst, kMs);
  reads.Hurry(kMs);
  EXPECT_FALSE(reads.due_ns());
  EXPECT_THAT(reads.Take(kMinuteNs), IsEmpty());
}

TEST(CounterReadsTest, OneOfWhichLinesComeIsReadOnceAfterTheLast) {
  CounterReads reads;
  reads.Begin(kFirst, 0);
  reads.Begin(kSecond, 0);
  reads.Told(kSecond, 100 * kMs);
  reads.Told(kSecond, 150 * kMs);
  EXPECT_EQ(reads.due_ns(), 230 * kMs);
  EXPECT_THAT(reads.Take(230 * kMs - 1), IsEmpty());
  EXPECT_THAT(reads.Take(230 * kMs), ElementsAre(kSecond));
  EXPECT_THAT(reads.Take(240 * kMs), IsEmpty());
  EXPECT_EQ(reads.due_ns(), kMinuteNs) << "from now on the next look at all";
}

TEST(CounterReadsTest, AllAreReadOnceAMinuteForAsLongAsThereIsOne) {
  CounterReads reads;
  reads.Begin(kFirst, 0);
  reads.Begin(kSecond, 10 * kMs);
  EXPECT_THAT(reads.Take(kMinuteNs), ElementsAre(kFirst, kSecond));
  EXPECT_EQ(reads.due_ns(), 2 * kMinuteNs);
  reads.End(kFirst);
  EXPECT_THAT(reads.Take(2 * kMinuteNs), ElementsAre(kSecond));
  reads.End(kSecond);
  EXPECT_THAT(reads.Take(3 * kMinuteNs), IsEmpty());
  EXPECT_FALSE(reads.due_ns());
}

TEST(CounterReadsTest, InAHurryAllAreDue) {
  CounterReads reads;
  reads.Begin(kFirst, 0);
  reads.Begin(kSecond, 0);
  reads.Hurry(5);
  EXPECT_THAT(reads.Take(5), ElementsAre(kFirst, kSecond));
  EXPECT_EQ(reads.due_ns(), kMinuteNs);
}

TEST(CounterReadsTest, WhatComesOfOneThatIsGoneMakesNothingDue) {
  CounterReads reads;
  reads.Begin(kFirst, 0);
  reads.Told(kFirst, 1);
  reads.End(kFirst);
  reads.Told(kFirst, 2);
  EXPECT_THAT(reads.Take(kMinuteNs - 1), IsEmpty());
}

}  // namespace
}  // namespace fsherald
