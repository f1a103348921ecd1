// SPDX-License-Identifier: MIT
// The mount table against the running kernel: images on loop devices, in a private mount namespace. Needs root.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/fd.h"
#include "base/poller.h"
#include "mount/access.h"
#include "mount/mount_table.h"

namespace fsherald {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view kUuid = "11111111-2222-4333-8444-555555555555";
constexpr std::string_view kBtrfsUuid = "22222222-3333-4444-8555-666666666666";  // mkfs.btrfs takes none that is in use

// What a command prints, without the line's end.
std::string Output(const std::string& command) {
  std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen((command + " 2>/dev/null").c_str(), "r"), ::pclose);
  char line[256] = "";
  if (!pipe || ::fgets(line, sizeof line, pipe.get()) == nullptr) return {};
  return std::string(line, std::strcspn(line, "\n"));
}

bool Succeeds(const std::string& command) { return std::system(("{ " + command + "; } >/dev/null 2>&1").c_str()) == 0; }

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
    ASSERT_EQ(::mount("none", root_.c_str(), "tmpfs", 0, "size=256m"), 0);
    for (const char* part : {"/a", "/b", "/c"}) std::filesystem::create_directory(root_ + part);
    if (!Succeeds("truncate -s 1M " + root_ + "/img") ||
        !Succeeds("mkfs.ext4 -q -U " + std::string(kUuid) + " " + root_ + "/img")) {
      GTEST_SKIP() << "mkfs.ext4 cannot make an image";
    }
    if (!Mount()) GTEST_SKIP() << "no loop device to mount an image on";
    auto table = MountTable::Open({.wanted =
                                       [](std::string_view type) {
                                         constexpr std::string_view kWanted[] = {"ext4",     "xfs",   "btrfs",
                                                                                 "squashfs", "erofs", "fuse"};
                                         return std::ranges::find(kWanted, type) != std::end(kWanted);
                                       },
                                   .may_hang = [](std::string_view type) { return type == "fuse"; }});
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
  const Mounting* FindAt(const std::string& path) {
    auto found = table_->FindByPath(path);
    EXPECT_TRUE(found) << found.error().ToString();
    return found ? *found : nullptr;
  }
  const Mounting* FindA() { return FindAt(root_ + "/a"); }
  // Whether the descriptor tells, within a second, what has happened since the last Refresh.
  bool IsTold() {
    pollfd waiting{.fd = table_->event_fd(), .events = POLLPRI, .revents = 0};
    return ::poll(&waiting, 1, 1000) > 0;
  }
  // A loop device that goes with its last user: mount it before this does.
  struct Loop {
    explicit Loop(const std::string& file) : node(Output("losetup -f --show " + file)) {}
    ~Loop() { (void)Succeeds("losetup -d " + node); }
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    std::string name() const { return node.substr(node.rfind('/') + 1); }
    std::string node;
  };
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

TEST_F(MountTableRootTest, AChangeThatAnEpollWithinAnEpollHasTakenIsThereStill) {
  auto inner = Poller::Open();
  ASSERT_TRUE(inner);
  ASSERT_TRUE(inner->Add(table_->event_fd(), EPOLLPRI | EPOLLERR));
  Refresh();
  EXPECT_FALSE(table_->TakeChange());
  ASSERT_EQ(::mount("none", (root_ + "/b").c_str(), "tmpfs", 0, ""), 0);
  pollfd outer{.fd = inner->fd(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&outer, 1, 1000), 1) << "it wakes";
  EXPECT_TRUE(table_->TakeChange());
  EXPECT_FALSE(table_->TakeChange()) << "once";
}

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

TEST_F(MountTableRootTest, TellsTheDevicesAndTheSuperOptions) {
  Refresh();
  const Mounting* mounting = FindA();
  ASSERT_NE(mounting, nullptr);
  EXPECT_THAT(mounting->devices, ElementsAre(BlockDevice{mounting->info.device, *mounting->info.dev}));
  EXPECT_FALSE(mounting->read_only);
  const auto above = table_->FindAboveDevice(*mounting->info.dev, 5, BoottimeNowNs());
  ASSERT_TRUE(above);
  EXPECT_EQ(above->mounting, mounting);
  EXPECT_EQ(above->sector, 5U);
}

TEST_F(MountTableRootTest, TellsARemountByItsDescriptor) {
  Refresh();
  const Mounting* mounting = FindA();
  ASSERT_NE(mounting, nullptr);
  ASSERT_TRUE(Succeeds("mount -o remount,ro " + root_ + "/a"));
  EXPECT_TRUE(IsTold());
  EXPECT_THAT(Refresh().changed, ElementsAre(mounting));
  EXPECT_TRUE(mounting->read_only);
}

TEST_F(MountTableRootTest, SeesAtTheNextLookWhatAnErrorHasMadeOfAFileSystem) {
  ASSERT_TRUE(Succeeds("mount -o remount,errors=remount-ro " + root_ + "/a"));
  Refresh();
  const Mounting* mounting = FindA();
  ASSERT_NE(mounting, nullptr);
  const std::string before = mounting->super_options;
  ASSERT_TRUE(Succeeds("echo test > /sys/fs/ext4/" + mounting->info.device + "/trigger_fs_error"));
  EXPECT_THAT(Refresh().changed, ElementsAre(mounting));
  // "emergency_ro" since Linux 6.15, "ro" before 6.12; between the two it shows nowhere.
  EXPECT_NE(mounting->super_options, before);
}

TEST_F(MountTableRootTest, TellsABtrfsOfTwoDevicesAndItsSubvolumesAsOne) {
  ASSERT_TRUE(Succeeds("truncate -s 150M " + root_ + "/one " + root_ + "/two"));
  std::optional<Loop> one(root_ + "/one");
  std::optional<Loop> two(root_ + "/two");
  if (!Succeeds("mkfs.btrfs -q -U " + std::string(kBtrfsUuid) + " " + one->node + " " + two->node) ||
      !Succeeds("mount -t btrfs " + one->node + " " + root_ + "/b") ||
      !Succeeds("btrfs subvolume create " + root_ + "/b/sub") ||
      !Succeeds("mount -t btrfs -o subvol=sub " + two->node + " " + root_ + "/c")) {
    GTEST_SKIP() << "no btrfs here";
  }
  const std::string name_of_one = one->name();
  const std::string name_of_two = two->name();
  one.reset();
  two.reset();
  Refresh();
  const Mounting* mounting = FindAt(root_ + "/b");
  ASSERT_NE(mounting, nullptr);
  EXPECT_NE(DeviceOf(root_ + "/b"), *mounting->info.dev) << "stat(2) would do, and the test has lost its point";
  EXPECT_EQ(FindAt(root_ + "/b/sub"), mounting);
  EXPECT_EQ(FindAt(root_ + "/c"), mounting);
  EXPECT_EQ(mounting->info.uuid, ParseUuid(kBtrfsUuid));
  EXPECT_THAT(mounting->info.mounts, ElementsAre(root_ + "/b", root_ + "/c"));
  EXPECT_TRUE(mounting->access_is_root);
  EXPECT_TRUE(mounting->info.fsid);
  EXPECT_EQ(mounting->super_options.find("subvol"), std::string::npos) << mounting->super_options;
  ASSERT_EQ(mounting->devices.size(), 2U);
  const uint64_t now = BoottimeNowNs();
  for (const BlockDevice& device : mounting->devices) {
    EXPECT_EQ(table_->FindByDevice(device.dev, ParseUuid(kBtrfsUuid), now), mounting);
    EXPECT_TRUE(table_->FindAboveDevice(device.dev, 1, now));
  }
  EXPECT_EQ(table_->FindByName(name_of_one, now, "btrfs"), mounting);
  EXPECT_EQ(table_->FindByName(name_of_two, now, "btrfs"), mounting);
  // The kernel names it so in its messages: "BTRFS info (device loop3): first mount of filesystem ...".
  EXPECT_EQ(mounting->info.device, Output("dmesg | grep 'first mount of filesystem " + std::string(kBtrfsUuid) +
                                          "' | tail -1 | sed 's/.*(device //; s/).*//'"));

  const std::string removed = mounting->info.device;
  if (!Succeeds("btrfs balance start -f -mconvert=single -dconvert=single " + root_ + "/b") ||
      !Succeeds("btrfs device remove /dev/" + removed + " " + root_ + "/b")) {
    GTEST_SKIP() << "all but the removal of a device has been seen";
  }
  EXPECT_THAT(Refresh().changed, ElementsAre(mounting));
  ASSERT_EQ(mounting->devices.size(), 1U);
  EXPECT_NE(mounting->devices[0].name, removed);
  EXPECT_EQ(mounting->info.device, removed) << "the kernel's messages go on to name it so";
}

TEST_F(MountTableRootTest, GivesABtrfsThatIsMountedAgainBetweenTwoLooksANewKey) {
  ASSERT_TRUE(Succeeds("truncate -s 150M " + root_ + "/one"));
  const Loop one(root_ + "/one");
  const auto mount = [&] { return Succeeds("mount -t btrfs " + one.node + " " + root_ + "/b"); };
  if (!Succeeds("mkfs.btrfs -q " + one.node) || !mount()) GTEST_SKIP() << "no btrfs here";
  Refresh();
  const Mounting* first = FindAt(root_ + "/b");
  ASSERT_EQ(::umount((root_ + "/b").c_str()), 0);
  ASSERT_TRUE(mount());
  Refresh();
  const Mounting* second = FindAt(root_ + "/b");
  ASSERT_NE(first, nullptr);
  ASSERT_NE(second, nullptr);
  EXPECT_NE(first->key, second->key);
  EXPECT_TRUE(first->gone_boottime_ns);
}

TEST_F(MountTableRootTest, IdentifiesAnXfs) {
  if (!Succeeds("truncate -s 300M " + root_ + "/xfs") ||
      !Succeeds("mkfs.xfs -q -m uuid=" + std::string(kUuid) + " " + root_ + "/xfs") ||
      !Succeeds("mount -o loop " + root_ + "/xfs " + root_ + "/b")) {
    GTEST_SKIP() << "no XFS here";
  }
  Refresh();
  const Mounting* mounting = FindAt(root_ + "/b");
  ASSERT_NE(mounting, nullptr);
  EXPECT_EQ(mounting->info.type, "xfs");
  EXPECT_EQ(mounting->info.device, "loop" + std::to_string(mounting->info.dev->minor));
  EXPECT_EQ(mounting->info.uuid, ParseUuid(kUuid));
  EXPECT_TRUE(mounting->info.fsid);
  ASSERT_EQ(mounting->devices.size(), 1U);
}

TEST_F(MountTableRootTest, IdentifiesReadOnlyImages) {
  std::filesystem::create_directory(root_ + "/files");
  for (const auto& [make, type] : {std::pair("mksquashfs " + root_ + "/files " + root_ + "/squashfs", "squashfs"),
                                   std::pair("mkfs.erofs " + root_ + "/erofs " + root_ + "/files", "erofs")}) {
    if (!Succeeds(make) ||
        !Succeeds("mount -t " + std::string(type) + " -o loop " + root_ + "/" + type + " " + root_ + "/b"))
      GTEST_SKIP() << "no " << type << " here";
    Refresh();
    const Mounting* mounting = FindAt(root_ + "/b");
    ASSERT_NE(mounting, nullptr);
    EXPECT_EQ(mounting->info.type, type);
    EXPECT_EQ(mounting->info.device, "loop" + std::to_string(mounting->info.dev->minor));
    EXPECT_TRUE(mounting->read_only);
    ASSERT_EQ(::umount((root_ + "/b").c_str()), 0);
  }
}

// Nobody reads from the descriptor: who asks the file system waits for ever.
TEST_F(MountTableRootTest, DoesNotWaitForAFileSystemThatDoesNotAnswer) {
  const Fd server(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
  const std::string options = "fd=" + std::to_string(server.get()) + ",rootmode=40000,user_id=0,group_id=0";
  if (!server || ::mount("silent", (root_ + "/b").c_str(), "fuse", MS_NOSUID | MS_NODEV, options.c_str()) != 0)
    GTEST_SKIP() << "no FUSE here";
  Refresh();
  const Mounting* silent = FindAt(root_ + "/b");
  ASSERT_NE(silent, nullptr);
  EXPECT_EQ(silent->info.type, "fuse");
  EXPECT_EQ(silent->info.device, "silent");
  EXPECT_THAT(silent->info.mounts, ElementsAre(root_ + "/b"));
  EXPECT_EQ(silent->access_path, "");
  EXPECT_EQ(FindAt(root_ + "/b/some/file"), silent);
  std::filesystem::create_directory_symlink(root_ + "/b", root_ + "/link");
  EXPECT_EQ(FindAt(root_ + "/link"), silent);

  // A second mount point of it, over that of another file system.
  const Mounting* covered = FindA();
  ASSERT_EQ(::mount((root_ + "/b").c_str(), (root_ + "/a").c_str(), nullptr, MS_BIND, nullptr), 0);
  Refresh();
  ASSERT_NE(covered, nullptr);
  EXPECT_EQ(covered->access_path, "");
  EXPECT_THAT(silent->info.mounts, ElementsAre(root_ + "/a", root_ + "/b"));

  ASSERT_EQ(::umount2((root_ + "/a").c_str(), MNT_DETACH), 0);
  ASSERT_EQ(::umount2((root_ + "/b").c_str(), MNT_DETACH), 0);
  EXPECT_THAT(Refresh().vanished, ElementsAre(silent));
  EXPECT_EQ(covered->access_path, root_ + "/a");
}

// The mount points need not be real for that: many mounts are of one tmpfs. What costs is to read the table.
TEST_F(MountTableRootTest, RefreshesFastOnAHostOfContainers) {
  constexpr int kMounts = 3000;
  ASSERT_EQ(::mount("none", (root_ + "/b").c_str(), "tmpfs", 0, nullptr), 0);
  const std::string layers = root_ + "/b/";
  for (const char* layer : {"lower", "upper", "work"}) std::filesystem::create_directory(layers + layer);
  const std::string options = "lowerdir=" + layers + "lower:" + layers + "upper";
  for (int i = 0; i < kMounts; ++i) {
    const std::string point = layers + "merged-" + std::to_string(i);
    std::filesystem::create_directory(point);
    if (::mount("overlay", point.c_str(), "overlay", 0, options.c_str()) != 0) GTEST_SKIP() << "no overlay here";
  }
  Refresh();
  const uint64_t begin = BoottimeNowNs();
  Refresh();
  const uint64_t took_ns = BoottimeNowNs() - begin;
  RecordProperty("refresh_us", static_cast<int>(took_ns / 1000));
  EXPECT_LT(took_ns, 500'000'000U) << "with " << kMounts << " mounts";
  for (int i = 0; i < kMounts; ++i) ::umount2((layers + "merged-" + std::to_string(i)).c_str(), MNT_DETACH);
}

}  // namespace
}  // namespace fsherald
