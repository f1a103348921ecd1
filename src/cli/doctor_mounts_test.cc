// SPDX-License-Identifier: MIT
#include "cli/doctor_mounts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace fsherald {
namespace {

using ::testing::ElementsAre;
using Backing = MountedFilesystem::Backing;

class DoctorMountsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char path[] = "/tmp/fsherald_doctor_XXXXXX";
    ASSERT_NE(::mkdtemp(path), nullptr);
    root_ = path;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + name).parent_path());
    std::ofstream(root_ + name) << text;
  }
  Result<std::vector<MountedFilesystem>> Read() { return ReadMounted(root_ + "/proc", root_ + "/sys"); }

  std::string root_;
};

TEST_F(DoctorMountsTest, TellsEachFilesystemOnceByItsShortestMountPoint) {
  Write("/proc/self/mountinfo",
        "30 1 8:1 / /srv/data rw - ext4 /dev/sda1 rw\n"
        "31 1 8:1 /part /data rw - ext4 /dev/sda1 rw\n");
  std::filesystem::create_directories(root_ + "/sys/dev/block");
  std::filesystem::create_directories(root_ + "/sys/devices/sda1");
  std::filesystem::create_symlink("../../devices/sda1", root_ + "/sys/dev/block/8:1");
  const auto mounted = Read();
  ASSERT_TRUE(mounted);
  ASSERT_EQ(mounted->size(), 1U);
  EXPECT_EQ(mounted->front().info.device, "sda1");
  EXPECT_THAT(mounted->front().info.mounts, ElementsAre("/data", "/srv/data"));
  EXPECT_THAT(mounted->front().mount_ids, ElementsAre(30, 31));
}

TEST_F(DoctorMountsTest, KnowsWhatStandsOnADeviceAndWhatInUserSpace) {
  Write("/proc/filesystems", "nodev\tproc\n\text4\n\tbtrfs\nnodev\tfuse\n\tfuseblk\nnodev\tfusectl\n");
  Write("/proc/self/mountinfo",
        "30 1 0:40 / /a rw - btrfs /dev/sdb rw\n"
        "31 1 0:41 / /b rw - fuse.sshfs host:/home rw\n"
        "32 1 8:2 / /c rw - fuseblk /dev/sda2 rw\n"
        "33 1 0:42 / /d rw - fusectl none rw\n"
        "34 1 0:43 / /e rw - proc proc rw\n"
        "35 1 259:1 / /f rw - strange /dev/nvme0n1 rw\n");
  const auto mounted = Read();
  ASSERT_TRUE(mounted);
  std::vector<Backing> backings;
  for (const MountedFilesystem& one : *mounted) backings.push_back(one.backing);
  EXPECT_THAT(backings, ElementsAre(Backing::kDevice, Backing::kUserSpace, Backing::kDevice, Backing::kNone,
                                    Backing::kNone, Backing::kDevice));
  const auto selected = Select(*mounted, {});
  ASSERT_TRUE(selected);
  EXPECT_EQ(selected->size(), 4U);
}

TEST_F(DoctorMountsTest, APathSelectsItsOwnFilesystemEvenOneInMemory) {
  const auto mounted = ReadMounted();
  ASSERT_TRUE(mounted);
  const auto selected = Select(*mounted, {"/proc/self/status"});
  ASSERT_TRUE(selected);
  ASSERT_EQ(selected->size(), 1U);
  EXPECT_EQ(selected->front().info.type, "proc");
}

TEST_F(DoctorMountsTest, AnUnknownPathIsAnError) {
  const auto selected = Select({}, {root_ + "/nowhere"});
  ASSERT_FALSE(selected);
  EXPECT_EQ(selected.error().code, ENOENT);
}

TEST_F(DoctorMountsTest, AMountTableThatCannotBeReadIsAnError) { EXPECT_FALSE(Read()); }

}  // namespace
}  // namespace fsherald
