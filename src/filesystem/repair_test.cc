// SPDX-License-Identifier: MIT
#include "filesystem/repair.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fsherald {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using Trouble = Patient::Trouble;

Patient Of(std::string_view type) { return {.type = type, .node = "/dev/sdb1", .mount_point = "/data"}; }

TEST(RepairTest, Ext4IsUnmountedAndChecked) {
  EXPECT_THAT(NextSteps(Of("ext4"), Trouble::kErrors),
              ElementsAre(HasSubstr("fsherald doctor /data"), "umount /data", "e2fsck -f /dev/sdb1"));
}

TEST(RepairTest, TheRootFilesystemCannotBeUnmounted) {
  Patient root = Of("ext4");
  root.is_root = true;
  EXPECT_THAT(NextSteps(root, Trouble::kReadOnly), Contains(HasSubstr("fsck.mode=force")));
  root.type = "xfs";
  EXPECT_THAT(NextSteps(root, Trouble::kShutDown), Contains(HasSubstr("boot another system")));
}

TEST(RepairTest, XfsIsLookedAtBeforeItIsRepaired) {
  EXPECT_THAT(
      NextSteps(Of("xfs"), Trouble::kShutDown),
      ElementsAre(HasSubstr("doctor"), "umount /data", "xfs_repair -n /dev/sdb1", HasSubstr("log is replayed")));
}

TEST(RepairTest, BtrfsIsScrubbedWhereItStillCanBeWritten) {
  EXPECT_THAT(NextSteps(Of("btrfs"), Trouble::kErrors), Contains("btrfs scrub start -B /data"));
  const auto steps = NextSteps(Of("btrfs"), Trouble::kReadOnly);
  EXPECT_THAT(steps, testing::Not(Contains(HasSubstr("scrub"))));
  EXPECT_THAT(steps, Contains("btrfs check --readonly /dev/sdb1"));
}

TEST(RepairTest, AnyOtherHasItsOwnFsck) {
  EXPECT_THAT(NextSteps(Of("vfat"), Trouble::kReadOnly), Contains("fsck.vfat -r /dev/sdb1"));
}

}  // namespace
}  // namespace fsherald
