// SPDX-License-Identifier: MIT
#include "notify/earlier.h"

#include <gtest/gtest.h>

#include "record/stream.h"

namespace fsherald {
namespace {

constexpr char kBoot[] = "this boot";
constexpr int64_t kSavedS = 1'795'000'000;

FilesystemInfo Ext4(uint32_t minor, uint8_t uuid) {
  FilesystemInfo info{.type = "ext4", .device = "loop" + std::to_string(minor), .dev = DeviceNumber{7, minor}};
  info.uuid.emplace();
  info.uuid->bytes.fill(uuid);
  return info;
}

SavedState Saved(std::vector<SavedState::Filesystem> filesystems, const std::string& boot_id = kBoot) {
  SavedState state{.boot_id = boot_id, .utc_s = kSavedS};
  state.trace = TraceSource::Position{.ring = 64};
  state.losses.lines_dropped = 3;
  state.kmsg_next = 8;
  state.places = {{.group = 1, .fsid = {5, 6}, .dev = {7, 0}}};
  state.filesystems = std::move(filesystems);
  return state;
}

TEST(EarlierTest, WithoutOneThereIsNothing) {
  Earlier earlier(std::nullopt, kBoot);
  EXPECT_FALSE(earlier.is_there());
  EXPECT_EQ(earlier.state(), nullptr);
  EXPECT_FALSE(earlier.Take(Ext4(0, 1)));
  EXPECT_TRUE(earlier.absent().empty());
  EXPECT_TRUE(earlier.TakeRest().empty());
}

TEST(EarlierTest, OfTwoClonesThatOnTheSameDeviceIsTaken) {
  Earlier earlier(Saved({{.info = Ext4(0, 1), .counted = 10}, {.info = Ext4(1, 1), .counted = 20}}), kBoot);
  EXPECT_EQ(earlier.Take(Ext4(1, 1))->counted, 20U);
  EXPECT_EQ(earlier.Take(Ext4(5, 1))->counted, 10U) << "it has moved to another device";
  EXPECT_FALSE(earlier.Take(Ext4(0, 1))) << "it was taken";
}

TEST(EarlierTest, WhatWasNotTakenIsAbsent) {
  Earlier earlier(Saved({{.info = Ext4(0, 1), .counted = 10}, {.info = Ext4(1, 2), .counted = 20}}), kBoot);
  (void)earlier.Take(Ext4(0, 1));
  ASSERT_EQ(earlier.absent().size(), 1U);
  EXPECT_EQ(earlier.absent()[0].counted, 20U);
}

TEST(EarlierTest, OfAnotherBootOnlyWhatIsOnTheDevicesIsLeft) {
  Earlier earlier(Saved({{.info = Ext4(0, 1), .counted = 10, .fanotify_debt = 4}}, "another"), kBoot);
  EXPECT_FALSE(earlier.state()->trace);
  EXPECT_EQ(earlier.state()->losses.lines_dropped, 0U);
  EXPECT_FALSE(earlier.state()->kmsg_next);
  EXPECT_TRUE(earlier.state()->places.empty());
  const auto taken = earlier.Take(Ext4(0, 1));
  EXPECT_EQ(taken->counted, 10U);
  EXPECT_EQ(taken->fanotify_debt, 0U);
}

TEST(EarlierTest, WhatWasBeingPutTogetherIsTakenOnce) {
  SavedState state = Saved({});
  Notification pending;
  pending.error.code = 117;
  AppendStream(pending, {}, state.rest.emplace_back());
  state.rest.emplace_back("no stream");
  Earlier earlier(state, kBoot);
  const auto rest = earlier.TakeRest();
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].error.code, 117);
  EXPECT_TRUE(earlier.TakeRest().empty());
}

// A counter, and what was saved of it.
class EarlierStartTest : public testing::Test {
 protected:
  static Earlier::Start StartOf(std::optional<uint64_t> saved, uint64_t counter, const char* boot = kBoot,
                                int64_t now_s = kSavedS + 1, std::optional<int64_t> first_error_s = {}) {
    CounterReading reading{.errors = counter};
    if (first_error_s) reading.first = CounterReading::Occurrence{.utc_seconds = *first_error_s};
    return Earlier(Saved({}, boot), kBoot).StartOf({.info = {}, .counted = saved}, reading, counter, now_s);
  }
};

TEST_F(EarlierStartTest, WhatWasCountedSinceIsNew) { EXPECT_EQ(StartOf(10, 12).base, 10U); }

TEST_F(EarlierStartTest, WithoutAnAccountAllOfItIsThePast) { EXPECT_EQ(StartOf(std::nullopt, 12).base, 12U); }

TEST_F(EarlierStartTest, ACounterThatHasYetToCountWasToldAhead) {
  const Earlier::Start start = StartOf(12, 10);
  EXPECT_EQ(start.base, 10U);
  EXPECT_EQ(start.told_ahead, 2U);
}

TEST_F(EarlierStartTest, ACounterThatStaysLowerWasCleared) {
  EXPECT_EQ(StartOf(12, 1, kBoot, kSavedS + 60).told_ahead, 0U);
  EXPECT_EQ(StartOf(12, 1, "another").told_ahead, 0U) << "what was counted then is on the device by now";
}

TEST_F(EarlierStartTest, WhenItsFirstErrorWasDecidesWhereItIsKnown) {
  EXPECT_EQ(StartOf(12, 1, kBoot, kSavedS + 60, kSavedS - 60).told_ahead, 11U);
  EXPECT_EQ(StartOf(12, 1, kBoot, kSavedS + 1, kSavedS + 1).told_ahead, 0U) << "it begins anew";
}

}  // namespace
}  // namespace fsherald
