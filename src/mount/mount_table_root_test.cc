// SPDX-License-Identifier: MIT
// The mount table against the running kernel: ext4 images on loop devices, in a private mount namespace. Needs root.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/clock.h"
#include "mount/access.h"
#include "mount/mount_table.h"

namespace fsherald {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view kUuid = "11111111-2222-4333-8444-555555555555";

bool Succeeds(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()) == 0; }

DeviceNumber DeviceOf(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return {major(status.st_dev), minor(status.st_dev)};
}

class MountTableRootTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "mounting needs root";
    if (::unshare(CLONE_NEWNS) != 0)
      GTEST_SKIP() << "no private mount namespace: " << ErrnoError("unshare", "").ToString();
    ASSERT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    std::string name = (std::filesystem::temp_directory_path() / "mount_table_root_test.XXXXXX").string();
    root_ = ::mkdtemp(name.data());
    ASSERT_EQ(::mount("none", root_.c_str(), "tmpfs", 0, "size=16m"), 0);
    for (const char* part : {"/a", "/b", "/c"}) std::filesystem::create_directory(root_ + part);
    if (!Succeeds("truncate -s 1M " + root_ + "/img") ||
        !Succeeds("mkfs.ext4 -q -U " + std::string(kUuid) + " " + root_ + "/img")) {
      GTEST_SKIP() << "mkfs.ext4 cannot make an image";
    }
    if (!Mount()) GTEST_SKIP() << "no loop device to mount an image on";
    auto table = MountTable::Open({.wanted = [](std::string_view type) { return type == "ext4"; }});
    ASSERT_TRUE(table) << table.error().ToString();
    table_ = std::move(*table);
  }
  void TearDown() override {
    if (root_.empty()) return;
    for (const char* part : {"/c", "/b", "/a", ""}) {
      while (::umount2((root_ + part).c_str(), MNT_DETACH) == 0) {
      }
    }
    std::filesystem::remove(root_);
  }

  bool Mount() { return Succeeds("mount -o loop " + root_ + "/img " + root_ + "/a"); }
  MountChanges Refresh() {
    auto changes = table_->Refresh(BoottimeNowNs());
    EXPECT_TRUE(changes) << changes.error().ToString();
    return changes ? *changes : MountChanges{};
  }
  const Mounting* FindA() {
    auto found = table_->FindByPath(root_ + "/a");
    EXPECT_TRUE(found) << found.error().ToString();
    return found ? *found : nullptr;
  }
  // Looks again until the mounting is gone: of another namespace's no event tells.
  bool WaitUntilGone(const Mounting* mounting) {
    const uint64_t deadline = BoottimeNowNs() + 10'000'000'000;
    Refresh();
    while (!mounting->gone_boottime_ns && BoottimeNowNs() < deadline) {
      pollfd waiting{.fd = table_->event_fd(), .events = POLLPRI, .revents = 0};
      ::poll(&waiting, 1, 20);
      Refresh();
    }
    return mounting->gone_boottime_ns.has_value();
  }

  std::string root_;
  std::unique_ptr<MountTable> table_;
};

TEST_F(MountTableRootTest, IdentifiesAMountedImage) {
  Refresh();
  const Mounting* mounting = FindA();
  ASSERT_NE(mounting, nullptr);
  EXPECT_EQ(mounting->info.type, "ext4");
  EXPECT_EQ(mounting->info.dev, DeviceOf(root_ + "/a"));
  EXPECT_EQ(mounting->info.device, "loop" + std::to_string(mounting->info.dev->minor));
  EXPECT_EQ(mounting->info.uuid, ParseUuid(kUuid));
  EXPECT_TRUE(mounting->info.fsid);
  EXPECT_THAT(mounting->info.mounts, ElementsAre(root_ + "/a"));
  EXPECT_EQ(mounting->access_path, root_ + "/a");
  EXPECT_TRUE(mounting->access_is_root);
  EXPECT_EQ(table_->FindByName(mounting->info.device, BoottimeNowNs()), mounting);
}

TEST_F(MountTableRootTest, ReadsTheUuidFromTheDeviceToo) {
  const DeviceNumber dev = DeviceOf(root_ + "/a");
  const std::string node = "/dev/loop" + std::to_string(dev.minor);
  EXPECT_EQ(ReadUuidFromDevice(node, dev, "ext4"), ParseUuid(kUuid));
  EXPECT_EQ(ReadUuidFromDevice(node, dev, "xfs"), std::nullopt);
  EXPECT_EQ(ReadUuidFromDevice(node, {dev.major, dev.minor + 1}, "ext4"), std::nullopt);
}

TEST_F(MountTableRootTest, TellsAnUnmountByItsDescriptorAndPinsNothing) {
  Refresh();
  const Mounting* mounting = FindA();
  ASSERT_NE(mounting, nullptr);
  pollfd waiting{.fd = table_->event_fd(), .events = POLLPRI, .revents = 0};
  EXPECT_EQ(::poll(&waiting, 1, 0), 0);
  ASSERT_EQ(::umount((root_ + "/a").c_str()), 0);
  EXPECT_EQ(::poll(&waiting, 1, 1000), 1);
  EXPECT_TRUE(WaitUntilGone(mounting));
}

TEST_F(MountTableRootTest, GivesTheSameImageMountedAgainBetweenTwoLooksANewKey) {
  Refresh();
  const Mounting* first = FindA();
  ASSERT_NE(first, nullptr);
  ASSERT_EQ(::umount((root_ + "/a").c_str()), 0);
  ASSERT_TRUE(Mount());
  Refresh();
  const Mounting* second = FindA();
  ASSERT_NE(second, nullptr);
  EXPECT_NE(second->key, first->key);
  EXPECT_TRUE(first->gone_boottime_ns);
  EXPECT_EQ(second->info.uuid, first->info.uuid);
  EXPECT_EQ(table_->FindByDevice(*second->info.dev, {}, second->since_boottime_ns + MountTable::kSlackNs), second);
}

TEST_F(MountTableRootTest, ReachesAFileSystemWhoseFirstMountPointIsHidden) {
  ASSERT_EQ(::mount((root_ + "/a").c_str(), (root_ + "/b").c_str(), nullptr, MS_BIND, nullptr), 0);
  Refresh();
  const Mounting* mounting = FindA();
  ASSERT_NE(mounting, nullptr);
  EXPECT_THAT(mounting->info.mounts, ElementsAre(root_ + "/a", root_ + "/b"));
  EXPECT_EQ(mounting->access_path, root_ + "/a");

  ASSERT_EQ(::mount("none", (root_ + "/a").c_str(), "tmpfs", 0, nullptr), 0);
  EXPECT_THAT(Refresh().changed, ElementsAre(mounting));
  EXPECT_EQ(mounting->access_path, root_ + "/b");
}

TEST_F(MountTableRootTest, ReachesAFileSystemOfAnotherNamespaceAndNoticesItsEnd) {
  int ready[2];
  ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const char answer = ::unshare(CLONE_NEWNS) == 0 ? 'y' : 'n';
    if (::write(ready[1], &answer, 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  ASSERT_GT(child, 0);
  char answer = 0;
  ASSERT_EQ(::read(ready[0], &answer, 1), 1);
  ::close(ready[0]);
  ::close(ready[1]);
  EXPECT_EQ(answer, 'y');
  const DeviceNumber dev = DeviceOf(root_ + "/a");
  EXPECT_EQ(::umount((root_ + "/a").c_str()), 0);
  Refresh();
  const Mounting* mounting = table_->FindByDevice(dev, ParseUuid(kUuid), BoottimeNowNs());
  EXPECT_NE(mounting, nullptr);
  if (mounting) {
    EXPECT_EQ(mounting->access_path, "/proc/" + std::to_string(child) + "/root" + root_ + "/a");
    EXPECT_THAT(mounting->info.mounts, IsEmpty());
    EXPECT_TRUE(mounting->info.fsid);
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(mounting && WaitUntilGone(mounting));
}

}  // namespace
}  // namespace fsherald
