// SPDX-License-Identifier: MIT
#include "cli/status_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "store/test_history.h"

namespace fsherald {
namespace {

using testing::HasSubstr;

void Keep(const TestDirectory& directory, const std::vector<Notification>& notifications) {
  auto store = OpenStore(directory.path());
  ASSERT_TRUE(store);
  ASSERT_TRUE(store->Append(notifications, kTestHost, ""));
}

std::vector<FilesystemStatus> One(const FilesystemInfo& info) { return {FilesystemStatus{.info = info}}; }

TEST(StatusHistoryTest, AFilesystemIsFoundByItsUuidWhateverItsDevice) {
  const TestDirectory directory;
  Notification change = TestError(4);
  change.kind = Kind::kHealth;
  change.incident = 2;
  change.health = HealthChange{.to = HealthState::kErrors};
  Keep(directory, {TestError(2), TestError(3, 5), change});
  auto statuses = One(TestError(1).filesystem);
  statuses[0].info.device = "sdz";
  AddHistory(directory.path(), "another boot", statuses);
  ASSERT_TRUE(statuses[0].history);
  EXPECT_EQ(statuses[0].history->errors, 6U);
  EXPECT_EQ(statuses[0].history->notifications, 2U);
  EXPECT_EQ(statuses[0].history->first, TestError(2));
  EXPECT_EQ(statuses[0].history->last, TestError(3, 5));
  EXPECT_EQ(statuses[0].history->health, change);
  const std::string text = StatusText(statuses, false, false);
  EXPECT_THAT(text, HasSubstr("ext4_lookup:1855, EUCLEAN, inode 12 (fsherald show 2)"));
  EXPECT_THAT(text, HasSubstr("daemon    errors now since"));
  EXPECT_THAT(text, HasSubstr("incident 2 (fsherald show 2)"));
  EXPECT_THAT(StatusJson(statuses, kTestHost, 0),
              HasSubstr(R"("history":{"errors":6,"notifications":2,"first":{"seq":2,)"));
}

TEST(StatusHistoryTest, WithoutAUuidADeviceIsOnlyOfItsBoot) {
  const TestDirectory directory;
  Notification n = TestError(1);
  n.filesystem.uuid.reset();
  Keep(directory, {n});
  auto statuses = One(n.filesystem);
  AddHistory(directory.path(), kTestHost.boot_id, statuses);
  EXPECT_TRUE(statuses[0].history);
  statuses = One(n.filesystem);
  AddHistory(directory.path(), "another boot", statuses);
  EXPECT_FALSE(statuses[0].history);
}

TEST(StatusHistoryTest, WhatTheHistoryDoesNotHaveIsNotThere) {
  const TestDirectory directory;
  Keep(directory, {TestError(1)});
  auto statuses = One({.type = "xfs", .device = "loop0", .uuid = Uuid{{9}}});
  AddHistory(directory.path(), kTestHost.boot_id, statuses);
  EXPECT_FALSE(statuses[0].history);
  EXPECT_THAT(StatusJson(statuses, kTestHost, 0), HasSubstr(R"("history":null})"));
}

TEST(StatusHistoryTest, NoHistoryIsNoError) {
  const TestDirectory directory;
  auto statuses = One(TestError(1).filesystem);
  AddHistory(directory.path() + "/nowhere", kTestHost.boot_id, statuses);
  EXPECT_FALSE(statuses[0].history);
  EXPECT_TRUE(statuses[0].not_read.empty());
}

}  // namespace
}  // namespace fsherald
