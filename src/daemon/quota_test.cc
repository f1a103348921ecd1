// SPDX-License-Identifier: MIT
#include "daemon/quota.h"

#include <gtest/gtest.h>

namespace fsherald {
namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kStartNs = 5'000 * kMs;

TEST(QuotaTest, BeginsFullAndFillsUpWithTime) {
  Quota quota(1000, 100);
  EXPECT_EQ(quota.Available(kStartNs), 100U);
  quota.Take(100);
  EXPECT_EQ(quota.Available(kStartNs), 0U);
  EXPECT_EQ(quota.Available(kStartNs + 10 * kMs), 10U);
  quota.Take(4);
  EXPECT_EQ(quota.Available(kStartNs + 11 * kMs), 7U);
}

TEST(QuotaTest, SavesUpNoMoreThanABurst) {
  Quota quota(1000, 100);
  quota.Available(kStartNs);
  quota.Take(100);
  EXPECT_EQ(quota.Available(kStartNs + 3'600'000 * kMs), 100U);
}

TEST(QuotaTest, InTheLongRunItIsTheRate) {
  Quota quota(10'000, 1000);
  uint64_t taken = 0;
  for (uint64_t ms = 0; ms < 10'000; ++ms) {
    const uint32_t available = quota.Available(kStartNs + ms * kMs);
    quota.Take(available);
    taken += available;
  }
  EXPECT_EQ(taken, 1000U + 99'990U);
}

TEST(QuotaTest, SaysWhenThereIsMore) {
  Quota quota(1000, 100);
  quota.Available(kStartNs);
  quota.Take(100);
  EXPECT_EQ(quota.WhenAvailableNs(5), kStartNs + 5 * kMs);
  EXPECT_EQ(quota.Available(quota.WhenAvailableNs(5)), 5U);
  EXPECT_EQ(quota.WhenAvailableNs(5), kStartNs + 5 * kMs) << "now";
}

TEST(WakeLimitTest, TooManyInAWindowAreTooMany) {
  WakeLimit limit(3, 10 * kMs);
  EXPECT_TRUE(limit.Wake(kStartNs));
  EXPECT_TRUE(limit.Wake(kStartNs + kMs));
  EXPECT_TRUE(limit.Wake(kStartNs + 2 * kMs));
  EXPECT_FALSE(limit.Wake(kStartNs + 3 * kMs));
  EXPECT_EQ(limit.EndNs(), kStartNs + 10 * kMs);
  EXPECT_TRUE(limit.Wake(kStartNs + 10 * kMs));
}

}  // namespace
}  // namespace fsherald
