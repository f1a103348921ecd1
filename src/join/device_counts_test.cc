// SPDX-License-Identifier: MIT
// The bookkeeping as a table: lines, claims and readings in, growth out.
#include "join/device_counts.h"

#include <gtest/gtest.h>

namespace fsherald {
namespace {

constexpr uint64_t kMs = 1'000'000;

// The counters of one device: reads that failed, and bad data.
std::vector<DeviceCounter> Numbers(uint64_t read, uint64_t corrupt, std::optional<uint64_t> id = {},
                                   std::string device = "/dev/a") {
  return {{.id = id, .device = device, .name = "read_errs", .value = read},
          {.id = id, .device = device, .name = "corruption_errs", .value = corrupt}};
}

uint64_t Sum(const std::vector<DeviceCounts::Growth>& growth) {
  uint64_t sum = 0;
  for (const auto& one : growth) sum += one.count;
  return sum;
}

TEST(DeviceCounts, ALineIsWhatItsNumbersHaveGrownBy) {
  DeviceCounts counts;
  counts.Start(Numbers(5, 0, 1), 0);
  EXPECT_EQ(Sum(counts.AddLine(Numbers(6, 0), false, 1 * kMs)), 1u);
  const auto growth = counts.AddLine(Numbers(9, 0), false, 2 * kMs);
  ASSERT_EQ(growth.size(), 1u);
  EXPECT_EQ(growth[0].counter.name, "read_errs");
  EXPECT_EQ(growth[0].count, 3u) << "two lines were left out";
}

TEST(DeviceCounts, AClaimIsPaidByTheNumberBehindIt) {
  DeviceCounts counts;
  counts.Start(Numbers(0, 0, 1), 0);
  counts.Claim("corruption_errs", 1 * kMs);
  EXPECT_EQ(Sum(counts.AddLine(Numbers(0, 1), false, 1 * kMs)), 0u);
  EXPECT_EQ(Sum(counts.AddLine(Numbers(0, 2), false, 2 * kMs)), 1u) << "its own line was left out";
}

TEST(DeviceCounts, AClaimWhoseNumberWasLeftOutIsPaidByTheReading) {
  DeviceCounts counts;
  counts.Start(Numbers(0, 0, 1), 0);
  counts.Claim("corruption_errs", 1 * kMs);
  counts.Claim("corruption_errs", 2 * kMs);
  EXPECT_EQ(Sum(counts.AddReading(Numbers(0, 5, 1), 100 * kMs)), 3u);
  EXPECT_EQ(Sum(counts.AddReading(Numbers(0, 5, 1), 200 * kMs)), 0u);
}

TEST(DeviceCounts, AClaimThatNothingPaysWasNeverCounted) {
  DeviceCounts counts;
  counts.Start(Numbers(0, 0, 1), 0);
  counts.Claim("corruption_errs", 1 * kMs);
  EXPECT_EQ(Sum(counts.AddReading(Numbers(0, 0, 1), 200 * kMs)), 0u);
  EXPECT_EQ(Sum(counts.AddLine(Numbers(0, 1), false, 300 * kMs)), 1u);
}

TEST(DeviceCounts, AReadingTellsWhatNoLineHas) {
  DeviceCounts counts;
  counts.Start(Numbers(1, 1, 1), 0);
  counts.AddLine(Numbers(2, 1), false, 1 * kMs);
  EXPECT_EQ(Sum(counts.AddReading(Numbers(4, 3, 1), 100 * kMs)), 4u);
  EXPECT_EQ(Sum(counts.AddLine(Numbers(3, 3), false, 101 * kMs)), 0u) << "a late one";
}

TEST(DeviceCounts, AReadingThatALineHasOutrunTakesNothingBack) {
  DeviceCounts counts;
  counts.Start(Numbers(0, 0, 1), 0);
  EXPECT_EQ(Sum(counts.AddLine(Numbers(2, 0), false, 101 * kMs)), 2u);
  EXPECT_EQ(Sum(counts.AddReading(Numbers(1, 0, 1), 100 * kMs)), 0u);
  EXPECT_EQ(Sum(counts.AddReading(Numbers(2, 0, 1), 300 * kMs)), 0u);
}

TEST(DeviceCounts, LinesOfTwoProcessorsMayComeInAnyOrder) {
  DeviceCounts counts;
  counts.Start(Numbers(0, 0, 1), 0);
  EXPECT_EQ(Sum(counts.AddLine(Numbers(2, 0), false, 2 * kMs)), 2u);
  EXPECT_EQ(Sum(counts.AddLine(Numbers(1, 0), false, 2 * kMs)), 0u);
}

TEST(DeviceCounts, WhatWasMadeZeroCountsFromThere) {
  DeviceCounts counts;
  counts.Start(Numbers(9, 0, 1), 0);
  EXPECT_EQ(Sum(counts.AddReading(Numbers(0, 0, 1), 1000 * kMs)), 0u);
  EXPECT_EQ(Sum(counts.AddLine(Numbers(1, 0), false, 1001 * kMs)), 1u);
  DeviceCounts unread;
  unread.Start(Numbers(9, 0, 1), 0);
  EXPECT_EQ(Sum(unread.AddLine(Numbers(1, 0), false, 1000 * kMs)), 1u) << "also where no reading has noticed it";
}

TEST(DeviceCounts, ALineOlderThanTheFirstReadingIsOneErrorAndTheReadingTellsTheRest) {
  DeviceCounts counts;
  counts.Start(Numbers(7, 0, 1), 50 * kMs);
  EXPECT_EQ(Sum(counts.AddLine(Numbers(5, 0), false, 10 * kMs)), 1u);
  EXPECT_EQ(Sum(counts.AddLine(Numbers(6, 0), false, 11 * kMs)), 1u);
  EXPECT_EQ(Sum(counts.AddReading(Numbers(7, 0, 1), 200 * kMs)), 1u);
}

TEST(DeviceCounts, WithoutReadingsTheFirstLineIsOneErrorUnlessItRepeatsOldNumbers) {
  DeviceCounts counts;
  EXPECT_EQ(Sum(counts.AddLine(Numbers(7, 0), false, 10 * kMs)), 1u);
  EXPECT_EQ(Sum(counts.AddLine(Numbers(9, 0), false, 11 * kMs)), 2u);
  DeviceCounts mounted;
  EXPECT_EQ(Sum(mounted.AddLine(Numbers(7, 3), true, 10 * kMs)), 0u);
  EXPECT_EQ(Sum(mounted.AddLine(Numbers(8, 3), false, 11 * kMs)), 1u);
}

TEST(DeviceCounts, OfSeveralDevicesEachHasItsOwn) {
  DeviceCounts counts;
  std::vector<DeviceCounter> base = Numbers(1, 0, 1, "/dev/a");
  for (const DeviceCounter& counter : Numbers(5, 0, 2, "/dev/b")) base.push_back(counter);
  counts.Start(base, 0);
  EXPECT_EQ(Sum(counts.AddLine(Numbers(6, 0, {}, "/dev/b"), false, 1 * kMs)), 1u);
  EXPECT_EQ(Sum(counts.AddLine(Numbers(2, 0, {}, "/dev/a"), false, 2 * kMs)), 1u);
}

TEST(DeviceCounts, WhereALineCannotBeTiedToADeviceTheReadingTells) {
  DeviceCounts counts;
  counts.Start(Numbers(0, 0, 1, ""), 0);
  EXPECT_EQ(Sum(counts.AddLine(Numbers(1, 0, {}, "/dev/b"), false, 1 * kMs)), 0u);
  EXPECT_EQ(Sum(counts.AddReading(Numbers(1, 0, 1, ""), 100 * kMs)), 1u);
}

TEST(DeviceCounts, ADeviceThatWasAddedSinceIsNotToldTwice) {
  DeviceCounts counts;
  counts.Start(Numbers(0, 0, 1, "/dev/a"), 0);
  EXPECT_EQ(Sum(counts.AddLine(Numbers(1, 0, {}, "/dev/b"), false, 1 * kMs)), 1u);
  EXPECT_EQ(Sum(counts.AddReading(Numbers(1, 0, 2, "/dev/b"), 100 * kMs)), 0u);
  EXPECT_EQ(Sum(counts.AddReading(Numbers(2, 0, 2, "/dev/b"), 200 * kMs)), 1u);
}

}  // namespace
}  // namespace fsherald
