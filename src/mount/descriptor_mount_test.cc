// SPDX-License-Identifier: MIT
#include "mount/descriptor_mount.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "base/fd.h"

namespace fsherald {
namespace {

// A /proc of the test's own: descriptor 5 is on the mount that `id` names.
class DescriptorMountTest : public testing::Test {
 protected:
  DescriptorMountTest() {
    std::string pattern = testing::TempDir() + "fsherald.XXXXXX";
    proc_ = ::mkdtemp(pattern.data());
    std::filesystem::create_directories(proc_ + "/self/fdinfo");
    std::filesystem::create_directories(proc_ + "/42");
  }
  ~DescriptorMountTest() override { std::filesystem::remove_all(proc_); }

  void Put(const std::string& path, const std::string& text) { std::ofstream(proc_ + '/' + path) << text; }
  void PutDescriptor(int id) {
    Put("self/fdinfo/5", "pos:\t0\nflags:\t012000000\nmnt_id:\t" + std::to_string(id) + "\nino:\t1\n");
  }

  std::string proc_;
};

constexpr char kOurs[] =
    "29 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "61 29 0:52 / /mnt/pho\\040tos rw,nosuid shared:9 - fuse.sshfs host:/x rw,user_id=1000,group_id=100\n"
    "62 29 0:52 /sub /srv rw,nosuid shared:9 - fuse.sshfs host:/x rw,user_id=1000,group_id=100\n";

TEST_F(DescriptorMountTest, IsFoundInOurTable) {
  Put("self/mountinfo", kOurs);
  PutDescriptor(61);
  const auto mount = FindMountOf(5, std::nullopt, proc_);
  ASSERT_TRUE(mount) << mount.error().ToString();
  EXPECT_EQ(mount->mount_id, 61U);
  EXPECT_EQ(mount->mount_ids, (std::vector<uint64_t>{61, 62})) << "a bind mount is the same file system";
  EXPECT_EQ(mount->dev, (DeviceNumber{0, 52}));
  EXPECT_EQ(mount->type, "fuse.sshfs");
  EXPECT_EQ(mount->source, "host:/x");
  EXPECT_EQ(mount->mount_point, "/mnt/pho tos");
  EXPECT_TRUE(mount->is_fuse());
  EXPECT_EQ(mount->fuse_user_id(), 1000U);
}

TEST_F(DescriptorMountTest, IsFoundInThePeersTableWhereOursHasItNot) {
  Put("self/mountinfo", kOurs);
  Put("42/mountinfo", "99 1 0:60 / /data rw - fuse none rw,user_id=0,group_id=0\n");
  PutDescriptor(99);
  const auto mount = FindMountOf(5, 42, proc_);
  ASSERT_TRUE(mount) << mount.error().ToString();
  EXPECT_EQ(mount->mount_point, "/data");
  EXPECT_EQ(mount->fuse_user_id(), 0U);
  const auto alone = FindMountOf(5, std::nullopt, proc_);
  ASSERT_FALSE(alone);
  EXPECT_EQ(alone.error().code, 0);
}

TEST_F(DescriptorMountTest, AKernelFileSystemHasNoFuseUser) {
  Put("self/mountinfo", "29 1 8:1 / / rw - ext4 /dev/sda1 rw,user_id=1000\n");
  PutDescriptor(29);
  const auto mount = FindMountOf(5, std::nullopt, proc_);
  ASSERT_TRUE(mount);
  EXPECT_FALSE(mount->is_fuse());
  EXPECT_EQ(mount->fuse_user_id(), std::nullopt);
}

TEST_F(DescriptorMountTest, FuseIsKnownByItsType) {
  EXPECT_TRUE(DescriptorMount{.type = "fuse"}.is_fuse());
  EXPECT_TRUE(DescriptorMount{.type = "fuseblk"}.is_fuse());
  EXPECT_FALSE(DescriptorMount{.type = "fusectl"}.is_fuse());
  EXPECT_FALSE(DescriptorMount{.type = "virtiofs"}.is_fuse());
}

TEST_F(DescriptorMountTest, AUserIdIsAWholeNumber) {
  const auto id_of = [](const char* options) {
    return DescriptorMount{.type = "fuse", .super_options = options}.fuse_user_id();
  };
  EXPECT_EQ(id_of("user_id=7"), 7U);
  EXPECT_EQ(id_of("rw,xuser_id=7"), std::nullopt);
  EXPECT_EQ(id_of("rw,user_id=7x,group_id=7"), std::nullopt);
  EXPECT_EQ(id_of("rw,user_id=-1"), std::nullopt);
  EXPECT_EQ(id_of(""), std::nullopt);
}

TEST_F(DescriptorMountTest, NoDescriptorIsEbadf) {
  Put("self/mountinfo", kOurs);
  const auto mount = FindMountOf(6, std::nullopt, proc_);
  ASSERT_FALSE(mount);
  EXPECT_EQ(mount.error().code, EBADF);
}

TEST_F(DescriptorMountTest, MountPointsAreThoseOfTheDevice) {
  Put("self/mountinfo", kOurs);
  const auto points = MountPointsOf({0, 52}, proc_);
  ASSERT_TRUE(points);
  EXPECT_EQ(*points, (std::vector<std::string>{"/srv", "/mnt/pho tos"}));
}

TEST_F(DescriptorMountTest, TheRealProcKnowsOurRoot) {
  Fd root(::open("/proc", O_PATH | O_CLOEXEC));
  const auto mount = FindMountOf(root.get(), std::nullopt);
  ASSERT_TRUE(mount) << mount.error().ToString();
  EXPECT_EQ(mount->type, "proc");
}

}  // namespace
}  // namespace fsherald
