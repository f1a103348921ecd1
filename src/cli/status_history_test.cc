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

Notification Change(uint64_t seq, HealthState to, HealthRule rule) {
  Notification change = TestError(seq);
  change.kind = Kind::kHealth;
  change.error.count = 0;
  change.incident = 1;
  change.health = HealthChange{.from = HealthState::kErrors, .to = to, .rule = rule};
  return change;
}

Notification On(DeviceNumber dev, Notification n) {
  n.filesystem.dev = dev;
  return n;
}

Notification Cleared(uint64_t seq) {
  Notification change = Change(seq, HealthState::kWell, HealthRule::kCleared);
  change.health->uid = 1000;
  change.health->reason = "disk \x1b[2J replaced";
  return change;
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
  AddHistory(directory.path(), "another boot", false, statuses);
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
  AddHistory(directory.path(), kTestHost.boot_id, false, statuses);
  EXPECT_TRUE(statuses[0].history);
  statuses = One(n.filesystem);
  AddHistory(directory.path(), "another boot", false, statuses);
  EXPECT_FALSE(statuses[0].history);
}

TEST(StatusHistoryTest, WhatTheHistoryDoesNotHaveIsNotThere) {
  const TestDirectory directory;
  Keep(directory, {TestError(1)});
  auto statuses = One({.type = "xfs", .device = "loop0", .uuid = Uuid{{9}}});
  AddHistory(directory.path(), kTestHost.boot_id, false, statuses);
  EXPECT_FALSE(statuses[0].history);
  EXPECT_THAT(StatusJson(statuses, kTestHost, 0), HasSubstr(R"("history":null})"));
}

TEST(StatusHistoryTest, NoHistoryIsNoError) {
  const TestDirectory directory;
  auto statuses = One(TestError(1).filesystem);
  AddHistory(directory.path() + "/nowhere", kTestHost.boot_id, true, statuses);
  EXPECT_FALSE(statuses[0].history);
  EXPECT_TRUE(statuses[0].not_read.empty());
}

// Of an ext4 that has counted an error in that second of the test's time.
FilesystemStatus Ext4(int64_t second) {
  FilesystemStatus status{.info = TestError(1).filesystem, .own = HealthState::kErrors};
  status.evidence.counters = CounterReading{.errors = 1};
  status.evidence.counters->last.emplace().utc_seconds = kTestUtcNs / 1'000'000'000 + second;
  return status;
}

TEST(StatusHistoryTest, WhatTheOperatorHasClearedIsWellAndWhoAndWhyIsTold) {
  const TestDirectory directory;
  Keep(directory, {TestError(1), Change(2, HealthState::kErrors, HealthRule::kErrors), Cleared(3)});
  std::vector<FilesystemStatus> statuses = {Ext4(1)};
  AddHistory(directory.path(), kTestHost.boot_id, false, statuses);
  EXPECT_EQ(statuses[0].health, HealthState::kWell);
  EXPECT_EQ(StatusExitCode(statuses), 0);
  const std::string text = StatusText(statuses, false, false);
  EXPECT_THAT(text, HasSubstr("ext4  loop0   well "));
  EXPECT_THAT(text, HasSubstr(": cleared by the operator (uid 1000): disk \\x1b[2J replaced (fsherald show 3)\n"));
  EXPECT_THAT(text, HasSubstr("from the daemon; by what the file system keeps itself it would be: errors now\n"));
  const std::string json = StatusJson(statuses, kTestHost, 0);
  EXPECT_THAT(json, HasSubstr(R"("state":"well","state_from":"daemon")"));
  EXPECT_THAT(json, HasSubstr(R"("uid":1000,"reason":"disk \u001b[2J replaced"})"));
}

TEST(StatusHistoryTest, AnErrorThatIsNewerThanTheClearingIsToldByItself) {
  const TestDirectory directory;
  Keep(directory, {TestError(1), Change(2, HealthState::kErrors, HealthRule::kErrors), Cleared(3)});
  std::vector<FilesystemStatus> statuses = {Ext4(4)};
  AddHistory(directory.path(), kTestHost.boot_id, false, statuses);
  EXPECT_EQ(statuses[0].health, HealthState::kErrors);
  EXPECT_FALSE(statuses[0].is_daemons);
  EXPECT_THAT(StatusText(statuses, false, false), HasSubstr("cleared by the operator"));
}

TEST(StatusHistoryTest, AnXfsWhoseErrorsOnlyTheDaemonHasSeenHasErrors) {
  const TestDirectory directory;
  Keep(directory, {TestError(1), Change(2, HealthState::kErrors, HealthRule::kErrors)});
  std::vector<FilesystemStatus> statuses = {{.info = TestError(1).filesystem, .own = HealthState::kWell}};
  AddHistory(directory.path(), kTestHost.boot_id, false, statuses);
  EXPECT_EQ(statuses[0].health, HealthState::kErrors);
  EXPECT_TRUE(statuses[0].is_daemons);
  EXPECT_EQ(StatusExitCode(statuses), 10);
  EXPECT_THAT(StatusText(statuses, true, false), HasSubstr("fsherald clear /data --reason TEXT\n"));
}

TEST(StatusHistoryTest, WhatIsGoneIsListedUntilItIsClearedOrMountedAgain) {
  const TestDirectory directory;
  Notification of_user = On(DeviceNumber{0, 50}, Change(3, HealthState::kErrors, HealthRule::kErrors));
  of_user.filesystem = {.type = "mydb", .device = "store", .dev = {}, .uuid = {}, .fsid = {}, .mounts = {}};
  of_user.origin = Origin::kUser;
  Keep(directory, {TestError(1), Change(2, HealthState::kGone, HealthRule::kGone), of_user});
  std::vector<FilesystemStatus> all;
  AddHistory(directory.path(), kTestHost.boot_id, true, all);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].health, HealthState::kErrors);
  EXPECT_EQ(all[0].info.type, "mydb");
  EXPECT_EQ(all[1].health, HealthState::kGone);
  EXPECT_EQ(StatusExitCode(all), 10);
  const std::string text = StatusText(all, true, false);
  EXPECT_THAT(text, HasSubstr("ext4  loop0   gone                     -  (not mounted)\n"));
  EXPECT_THAT(text, HasSubstr("fsherald clear 8cd4a1e8-0f3b-4c5d-9e6f-00112233ffee --reason TEXT\n"));

  std::vector<FilesystemStatus> asked_for_paths;
  AddHistory(directory.path(), kTestHost.boot_id, false, asked_for_paths);
  EXPECT_TRUE(asked_for_paths.empty());
  std::vector<FilesystemStatus> of_another_boot;
  AddHistory(directory.path(), "another boot", true, of_another_boot);
  EXPECT_TRUE(of_another_boot.empty());
  auto mounted = One(TestError(1).filesystem);
  AddHistory(directory.path(), kTestHost.boot_id, true, mounted);
  EXPECT_EQ(mounted.size(), 2U) << "the one in user space besides";

  Keep(directory, {Cleared(4)});
  std::vector<FilesystemStatus> cleared;
  AddHistory(directory.path(), kTestHost.boot_id, true, cleared);
  EXPECT_EQ(cleared.size(), 1U);
}

TEST(StatusHistoryTest, WhatWasToldOfAnotherCopyDecidesNothing) {
  const TestDirectory directory;
  const DeviceNumber other{7, 1};
  Keep(directory, {Change(1, HealthState::kErrors, HealthRule::kErrors), On(other, Cleared(2)),
                   On(other, Change(3, HealthState::kReadOnly, HealthRule::kReadOnly))});
  std::vector<FilesystemStatus> statuses = {{.info = TestError(1).filesystem, .own = HealthState::kWell}};
  AddHistory(directory.path(), kTestHost.boot_id, false, statuses);
  EXPECT_EQ(statuses[0].health, HealthState::kErrors);
  EXPECT_EQ(statuses[0].history->health->seq, 1U);
}

TEST(StatusHistoryTest, WhatWasClearedAndIsMovedToAnotherDeviceIsCleared) {
  const TestDirectory directory;
  const DeviceNumber other{7, 1};
  Keep(directory, {Change(1, HealthState::kGone, HealthRule::kGone), On(other, Cleared(2))});
  std::vector<FilesystemStatus> statuses = {Ext4(0)};
  AddHistory(directory.path(), kTestHost.boot_id, false, statuses);
  EXPECT_EQ(statuses[0].health, HealthState::kWell);
  EXPECT_EQ(statuses[0].history->health->seq, 2U);
}

}  // namespace
}  // namespace fsherald
