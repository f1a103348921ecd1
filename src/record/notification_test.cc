// SPDX-License-Identifier: MIT
#include "record/notification.h"

#include <gtest/gtest.h>

#include <set>

namespace fsherald {
namespace {

TEST(NotificationTest, EachWordIsWrittenAsDocumented) {
  EXPECT_EQ(Name(Kind::kMetadata), "metadata");
  EXPECT_EQ(Name(Kind::kDataRead), "data_read");
  EXPECT_EQ(Name(Kind::kDataWrite), "data_write");
  EXPECT_EQ(Name(Kind::kWriteback), "writeback");
  EXPECT_EQ(Name(Kind::kShutdown), "shutdown");
  EXPECT_EQ(Name(Kind::kReadOnly), "read_only");
  EXPECT_EQ(Name(Kind::kDevice), "device");
  EXPECT_EQ(Name(Kind::kCounter), "counter");
  EXPECT_EQ(Name(Kind::kGap), "gap");
  EXPECT_EQ(Name(Kind::kHealth), "health");
  EXPECT_EQ(Name(PathSource::kHandle), "handle");
  EXPECT_EQ(Name(PathSource::kOpenFile), "open_file");
  EXPECT_EQ(Name(PathSource::kWalk), "walk");
  EXPECT_EQ(Name(PathSource::kProducer), "producer");
  EXPECT_EQ(Name(PathSource::kIoctl), "ioctl");
  EXPECT_EQ(Name(Origin::kKernel), "kernel");
  EXPECT_EQ(Name(Origin::kUser), "user");
  EXPECT_EQ(Name(DeviceError::Operation::kUnknown), "");
  EXPECT_EQ(Name(DeviceError::Operation::kRead), "read");
  EXPECT_EQ(Name(DeviceError::Operation::kWrite), "write");
  EXPECT_EQ(Name(DeviceError::Operation::kFlush), "flush");
  EXPECT_EQ(Name(DeviceError::Operation::kDiscard), "discard");
}

TEST(NotificationTest, EverySourceHasAWordOfItsOwn) {
  std::set<std::string_view> words;
  for (int i = 0; i < kSourceCount; ++i) words.insert(Name(static_cast<SourceId>(i)));
  EXPECT_EQ(words, (std::set<std::string_view>{"fanotify", "trace", "kmsg", "counters", "producer", "group", "mounts",
                                               "health"}));
}

TEST(NotificationTest, EveryStateOfHealthAndEveryRuleHasAWordOfItsOwn) {
  std::set<std::string_view> states;
  for (int i = 0; i < kHealthStateCount; ++i) states.insert(Name(static_cast<HealthState>(i)));
  EXPECT_EQ(states, (std::set<std::string_view>{"not_covered", "well", "past_errors", "errors", "read_only",
                                                "shut_down", "gone", "unknown"}));
  std::set<std::string_view> rules;
  for (int i = 0; i < kHealthRuleCount; ++i) rules.insert(Name(static_cast<HealthRule>(i)));
  EXPECT_EQ(rules, (std::set<std::string_view>{"errors", "read_only", "shutdown", "gone", "found", "remounted",
                                               "counters_reset", "repaired", "scrubbed", "mounted_again", "cleared"}));
}

TEST(NotificationTest, AGapAndAChangeOfHealthStandForNoErrorAndAreNoStructuresThatAreHealthyAgain) {
  Notification n = {.error = {.code = std::nullopt, .count = 3}};
  EXPECT_EQ(ErrorCount(n), 3U);
  n.kind = Kind::kGap;
  EXPECT_EQ(ErrorCount(n), 0U);
  n = {.error = {.code = std::nullopt, .count = 0}, .kind = Kind::kHealth, .corrected = true};
  EXPECT_EQ(ErrorCount(n), 0U);
  EXPECT_FALSE(IsHealthyAgain(n));
  n.kind = Kind::kMetadata;
  EXPECT_TRUE(IsHealthyAgain(n));
}

TEST(NotificationTest, ASourceSetHoldsWhatWasAdded) {
  SourceSet sources;
  EXPECT_TRUE(sources.empty());
  sources.Add(SourceId::kTrace).Add(SourceId::kKmsg);
  EXPECT_TRUE(sources.Has(SourceId::kTrace));
  EXPECT_FALSE(sources.Has(SourceId::kFanotify));
  sources.Remove(SourceId::kTrace).Remove(SourceId::kFanotify);
  EXPECT_EQ(sources, SourceSet(SourceId::kKmsg));
}

TEST(NotificationTest, NumbersOfDevicesAreDecimal) {
  EXPECT_EQ(ToString(DeviceNumber{7, 0}), "7:0");
  EXPECT_EQ(ToString(DeviceNumber{259, 1048575}), "259:1048575");
}

TEST(NotificationTest, AnFsidIsTwoWordsOfEightHexDigits) {
  EXPECT_EQ(ToString(Fsid{0x11eb8c2d, 0x756d63ee}), "11eb8c2d:756d63ee");
  EXPECT_EQ(ToString(Fsid{0, 0xA}), "00000000:0000000a");
}

TEST(NotificationTest, AUuidIsReadAsItIsWritten) {
  const std::string text = "8cd4a1e8-0f3b-4c5d-9e6f-00112233ffee";
  auto uuid = ParseUuid(text);
  ASSERT_TRUE(uuid);
  EXPECT_EQ(uuid->bytes[0], 0x8c);
  EXPECT_EQ(uuid->bytes[15], 0xee);
  EXPECT_EQ(ToString(*uuid), text);
  EXPECT_EQ(ParseUuid("8CD4A1E80F3B4C5D9E6F00112233FFEE"), uuid) << "upper case, no dashes";
}

TEST(NotificationTest, WhatIsNoUuidIsRefused) {
  EXPECT_FALSE(ParseUuid(""));
  EXPECT_FALSE(ParseUuid("8cd4a1e8-0f3b-4c5d-9e6f-00112233ffe"));
  EXPECT_FALSE(ParseUuid("8cd4a1e8-0f3b-4c5d-9e6f-00112233ffee0"));
  EXPECT_FALSE(ParseUuid("8cd4a1e8-0f3b-4c5d-9e6f-00112233ffeg"));
}

}  // namespace
}  // namespace fsherald
