// SPDX-License-Identifier: MIT
#include "mount/mount_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "mount/access.h"

namespace fsherald {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint64_t kSecond = 1'000'000'000;

// A /proc and a /sys of text files. Mount points below target() really exist, on the device TargetDevice().
class MountTableTest : public ::testing::Test {
 protected:
  MountTableTest() {
    std::string name = (std::filesystem::temp_directory_path() / "mount_table_test.XXXXXX").string();
    root_ = ::mkdtemp(name.data());
    MakeDirectory("proc/self/ns");
    MakeNamespace("self", "mnt:[1]");
    MakeDirectory("sys/fs");
    MakeDirectory("target");
    WriteMounts("self", "");
  }
  ~MountTableTest() override { std::filesystem::remove_all(root_); }

  void MakeDirectory(const std::string& path) { std::filesystem::create_directories(root_ / path); }
  void MakeNamespace(const std::string& process, const std::string& name) {
    MakeDirectory("proc/" + process + "/ns");
    std::filesystem::create_symlink(name, root_ / "proc" / process / "ns/mnt");
  }
  void WriteMounts(const std::string& process, const std::string& lines) {
    std::ofstream(root_ / "proc" / process / "mountinfo") << lines;
  }
  // A block device, as sysfs shows it.
  void MakeBlockDevice(const std::string& name, const std::string& number) {
    MakeDirectory("sys/dev/block");
    MakeDirectory("sys/class/block/" + name);
    std::filesystem::create_symlink("../../devices/virtual/block/" + name, root_ / "sys/dev/block" / number);
    std::ofstream(root_ / "sys/class/block" / name / "dev") << number << "\n";
  }
  // Puts another directory in its place, with an inode number of its own.
  void ReplaceSuperblock(const std::string& name) {
    MakeDirectory("sys/fs/ext4/new");
    std::filesystem::remove(root_ / "sys/fs/ext4" / name);
    std::filesystem::rename(root_ / "sys/fs/ext4/new", root_ / "sys/fs/ext4" / name);
  }

  std::string target() const { return (root_ / "target").string(); }
  DeviceNumber TargetDevice() const { return Reach(target())->dev; }

  std::unique_ptr<MountTable> OpenTable() {
    auto table = MountTable::Open({.proc_root = (root_ / "proc").string(),
                                   .sys_root = (root_ / "sys").string(),
                                   .dev_root = (root_ / "dev").string(),
                                   .wanted = [](std::string_view type) { return type == "ext4"; }});
    EXPECT_TRUE(table) << table.error().ToString();
    return std::move(*table);
  }

  std::filesystem::path root_;
};

MountChanges Refresh(MountTable& table, uint64_t now_ns) {
  auto changes = table.Refresh(now_ns);
  EXPECT_TRUE(changes) << changes.error().ToString();
  return *changes;
}

TEST_F(MountTableTest, FindsEveryMountOfAWantedTypeAndNoOther) {
  WriteMounts("self",
              "22 27 0:21 / /proc rw - proc proc rw\n"
              "27 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n"
              "28 27 254:2 / /boot rw - ext3 /dev/vda2 rw\n"
              "29 27 254:3 / /data rw - ext4 /dev/vda3 rw\n");
  MakeBlockDevice("vda1", "254:1");
  MakeBlockDevice("vda3", "254:3");
  auto table = OpenTable();
  const MountChanges changes = Refresh(*table, 5 * kSecond);

  ASSERT_EQ(changes.appeared.size(), 2U);
  EXPECT_THAT(changes.vanished, IsEmpty());
  EXPECT_THAT(changes.changed, IsEmpty());
  const Mounting& data = *changes.appeared[1];
  EXPECT_EQ(data.key, 2U);
  EXPECT_EQ(data.info.type, "ext4");
  EXPECT_EQ(data.info.device, "vda3");
  EXPECT_EQ(data.info.dev, (DeviceNumber{254, 3}));
  EXPECT_THAT(data.info.mounts, ElementsAre("/data"));
  EXPECT_EQ(data.since_boottime_ns, 5 * kSecond);
  EXPECT_EQ(data.gone_boottime_ns, std::nullopt);
  EXPECT_THAT(table->mounted(), ElementsAre(changes.appeared[0], changes.appeared[1]));
}

TEST_F(MountTableTest, TellsSeveralMountsOfOneFileSystemAsOneShortestFirst) {
  WriteMounts("self",
              "30 27 7:0 / /a/long/path rw - ext4 /dev/loop0 rw\n"
              "31 27 7:0 / /mnt rw - ext4 /dev/loop0 rw\n"
              "32 27 7:0 /part /srv/part rw - ext4 /dev/loop0 rw\n"
              "33 31 7:0 / /mnt rw - ext4 /dev/loop0 rw\n");
  auto table = OpenTable();
  const MountChanges changes = Refresh(*table, 1);
  ASSERT_EQ(changes.appeared.size(), 1U);
  EXPECT_THAT(changes.appeared[0]->info.mounts, ElementsAre("/mnt", "/srv/part", "/a/long/path"));
}

TEST_F(MountTableTest, DecodesOctalEscapesInMountPoints) {
  WriteMounts("self", "30 27 7:0 / /a\\040b\\134c\\011d\\012e rw - ext4 /dev/loop0 rw\n");
  auto table = OpenTable();
  const MountChanges changes = Refresh(*table, 1);
  ASSERT_EQ(changes.appeared.size(), 1U);
  EXPECT_THAT(changes.appeared[0]->info.mounts, ElementsAre("/a b\\c\td\ne"));
}

TEST_F(MountTableTest, SkipsALineThatIsNone) {
  WriteMounts("self",
              "30 27 7:0 / /a rw - ext4 /dev/loop0 rw\n"
              "31 27 what is this\n"
              "32 27 7:1 / /b rw - ext4 /dev/loop1 rw\n");
  auto table = OpenTable();
  EXPECT_EQ(Refresh(*table, 1).appeared.size(), 2U);
}

TEST_F(MountTableTest, NamesTheAccessPathThatReachesTheFileSystem) {
  const std::string dev = ToString(TargetDevice());
  WriteMounts("self", "30 27 " + dev + " / " + target() + " rw - ext4 /dev/x rw\n");
  auto table = OpenTable();
  const MountChanges changes = Refresh(*table, 1);
  ASSERT_EQ(changes.appeared.size(), 1U);
  EXPECT_EQ(changes.appeared[0]->access_path, target());
  EXPECT_TRUE(changes.appeared[0]->access_is_root);
  EXPECT_EQ(changes.appeared[0]->info.fsid, Reach(target())->fsid);
}

TEST_F(MountTableTest, PrefersTheRootDirectoryToAShorterBindMountOfAPart) {
  const std::string dev = ToString(TargetDevice());
  MakeDirectory("target/deeper");
  WriteMounts("self", "30 27 " + dev + " /part " + target() + " rw - ext4 /dev/x rw\n" + "31 27 " + dev + " / " +
                          target() + "/deeper rw - ext4 /dev/x rw\n");
  auto table = OpenTable();
  const MountChanges changes = Refresh(*table, 1);
  ASSERT_EQ(changes.appeared.size(), 1U);
  EXPECT_EQ(changes.appeared[0]->access_path, target() + "/deeper");
  EXPECT_TRUE(changes.appeared[0]->access_is_root);
  EXPECT_THAT(changes.appeared[0]->info.mounts, ElementsAre(target(), target() + "/deeper"));
}

TEST_F(MountTableTest, PassesOverAMountPointThatIsHiddenBelowAnotherMount) {
  // The target directory really is on another device than the table says: something is mounted over it.
  WriteMounts("self", "30 27 7:77 / " + target() + " rw - ext4 /dev/loop77 rw\n");
  auto table = OpenTable();
  const MountChanges changes = Refresh(*table, 1);
  ASSERT_EQ(changes.appeared.size(), 1U);
  EXPECT_EQ(changes.appeared[0]->access_path, "");
  EXPECT_EQ(changes.appeared[0]->info.fsid, std::nullopt);
  EXPECT_THAT(changes.appeared[0]->info.mounts, ElementsAre(target()));
}

TEST_F(MountTableTest, TellsANewMountPointAsAChangeOfTheSameMounting) {
  WriteMounts("self", "30 27 7:0 / /mnt rw - ext4 /dev/loop0 rw\n");
  auto table = OpenTable();
  const Mounting* mounting = Refresh(*table, 1).appeared.at(0);
  EXPECT_THAT(Refresh(*table, 2).changed, IsEmpty());

  WriteMounts("self",
              "30 27 7:0 / /mnt rw - ext4 /dev/loop0 rw\n"
              "31 27 7:0 / /b rw - ext4 /dev/loop0 rw\n");
  const MountChanges changes = Refresh(*table, 3);
  EXPECT_THAT(changes.changed, ElementsAre(mounting));
  EXPECT_THAT(changes.appeared, IsEmpty());
  EXPECT_THAT(changes.vanished, IsEmpty());
  EXPECT_THAT(mounting->info.mounts, ElementsAre("/b", "/mnt"));
}

TEST_F(MountTableTest, KeepsWhatIsGoneUntilItIsForgotten) {
  WriteMounts("self", "30 27 7:0 / /mnt rw - ext4 /dev/loop0 rw\n");
  auto table = OpenTable();
  const Mounting* mounting = Refresh(*table, 1 * kSecond).appeared.at(0);
  WriteMounts("self", "");
  EXPECT_THAT(Refresh(*table, 2 * kSecond).vanished, ElementsAre(mounting));
  EXPECT_THAT(table->mounted(), IsEmpty());
  EXPECT_EQ(table->Find(1), mounting);
  EXPECT_EQ(mounting->gone_boottime_ns, 2 * kSecond);

  table->Forget(2 * kSecond);
  EXPECT_EQ(table->Find(1), mounting);
  table->Forget(2 * kSecond + 1);
  EXPECT_EQ(table->Find(1), nullptr);
}

TEST_F(MountTableTest, GivesAReusedDeviceNumberANewKeyWhereAllMountIdsDiffer) {
  WriteMounts("self", "30 27 7:0 / /mnt rw - ext4 /dev/loop0 rw\n");
  auto table = OpenTable();
  const Mounting* first = Refresh(*table, 1).appeared.at(0);
  WriteMounts("self", "41 27 7:0 / /mnt rw - ext4 /dev/loop0 rw\n");
  const MountChanges changes = Refresh(*table, 2);
  EXPECT_THAT(changes.vanished, ElementsAre(first));
  ASSERT_EQ(changes.appeared.size(), 1U);
  EXPECT_EQ(changes.appeared[0]->key, 2U);
}

TEST_F(MountTableTest, GivesAReusedDeviceNumberANewKeyWhereSysfsHasAnotherInstance) {
  MakeBlockDevice("loop0", "7:0");
  MakeDirectory("sys/fs/ext4/loop0");
  WriteMounts("self", "30 27 7:0 / /mnt rw - ext4 /dev/loop0 rw\n");
  auto table = OpenTable();
  const Mounting* first = Refresh(*table, 1).appeared.at(0);

  ReplaceSuperblock("loop0");  // unmounted and mounted again: the kernel gives the same mount id
  const MountChanges changes = Refresh(*table, 2);
  EXPECT_THAT(changes.vanished, ElementsAre(first));
  ASSERT_EQ(changes.appeared.size(), 1U);
  EXPECT_EQ(changes.appeared[0]->key, 2U);
}

TEST_F(MountTableTest, KeepsTheKeyOfOneInstanceThoughAllMountIdsDiffer) {
  MakeBlockDevice("loop0", "7:0");
  MakeDirectory("sys/fs/ext4/loop0");
  WriteMounts("self", "30 27 7:0 / /mnt rw - ext4 /dev/loop0 rw\n");
  auto table = OpenTable();
  const Mounting* mounting = Refresh(*table, 1).appeared.at(0);
  WriteMounts("self", "41 27 7:0 / /elsewhere rw - ext4 /dev/loop0 rw\n");
  const MountChanges changes = Refresh(*table, 2);
  EXPECT_THAT(changes.changed, ElementsAre(mounting));
  EXPECT_THAT(changes.appeared, IsEmpty());
}

TEST_F(MountTableTest, FindsAFileSystemOfAnotherMountNamespaceThroughAProcessThere) {
  const DeviceNumber dev = TargetDevice();
  MakeBlockDevice("loop5", ToString(dev));
  MakeDirectory("sys/fs/ext4/loop5");
  MakeDirectory("sys/fs/ext4/features");
  MakeNamespace("100", "mnt:[1]");  // our own namespace: not looked at
  WriteMounts("100", "30 27 " + ToString(dev) + " / /inner rw - ext4 /dev/loop5 rw\n");
  MakeDirectory("proc/100/root/inner");
  MakeNamespace("200", "mnt:[2]");
  WriteMounts("200", "50 27 " + ToString(dev) + " / /inner rw - ext4 /dev/loop5 rw\n");
  MakeDirectory("proc/200/root/inner");

  auto table = OpenTable();
  const MountChanges changes = Refresh(*table, 1);
  ASSERT_EQ(changes.appeared.size(), 1U);
  const Mounting& mounting = *changes.appeared[0];
  EXPECT_EQ(mounting.info.type, "ext4");
  EXPECT_EQ(mounting.info.device, "loop5");
  EXPECT_EQ(mounting.info.dev, dev);
  EXPECT_THAT(mounting.info.mounts, IsEmpty());
  EXPECT_EQ(mounting.access_path, (root_ / "proc/200/root/inner").string());
  EXPECT_TRUE(mounting.access_is_root);
  EXPECT_EQ(table->recheck_boottime_ns(), std::nullopt);

  std::filesystem::remove_all(root_ / "proc/200");  // the process ends; another one is in the same namespace
  MakeNamespace("300", "mnt:[2]");
  WriteMounts("300", "50 27 " + ToString(dev) + " / /inner rw - ext4 /dev/loop5 rw\n");
  MakeDirectory("proc/300/root/inner");
  EXPECT_THAT(Refresh(*table, 2).changed, ElementsAre(&mounting));
  EXPECT_EQ(mounting.access_path, (root_ / "proc/300/root/inner").string());
}

TEST_F(MountTableTest, KeepsAFileSystemThatNoMountTableHasWhileItsSuperblockLives) {
  MakeBlockDevice("loop5", "7:5");
  MakeDirectory("sys/fs/ext4/loop5");
  auto table = OpenTable();
  const Mounting* mounting = Refresh(*table, 10 * kSecond).appeared.at(0);
  EXPECT_EQ(mounting->info.type, "ext4");
  EXPECT_EQ(mounting->info.device, "loop5");
  EXPECT_EQ(mounting->info.dev, (DeviceNumber{7, 5}));
  EXPECT_EQ(mounting->access_path, "");
  EXPECT_EQ(table->recheck_boottime_ns(), 10 * kSecond + 20'000'000);

  EXPECT_THAT(Refresh(*table, 12 * kSecond).vanished, IsEmpty());
  EXPECT_EQ(table->recheck_boottime_ns(), 14 * kSecond);
  EXPECT_THAT(Refresh(*table, 70 * kSecond).vanished, IsEmpty());
  EXPECT_EQ(table->recheck_boottime_ns(), std::nullopt);

  std::filesystem::remove(root_ / "sys/fs/ext4/loop5");
  EXPECT_THAT(Refresh(*table, 80 * kSecond).vanished, ElementsAre(mounting));
}

TEST_F(MountTableTest, KeepsTheKeyOfAFileSystemThatLeavesOurNamespaceForAnother) {
  const std::string dev = ToString(TargetDevice());
  WriteMounts("self", "30 27 " + dev + " / " + target() + " rw - ext4 /dev/x rw\n");
  auto table = OpenTable();
  const Mounting* mounting = Refresh(*table, 1).appeared.at(0);

  WriteMounts("self", "");
  MakeNamespace("200", "mnt:[2]");
  WriteMounts("200", "50 27 " + dev + " / /inner rw - ext4 /dev/x rw\n");
  MakeDirectory("proc/200/root/inner");
  EXPECT_THAT(Refresh(*table, 2).changed, ElementsAre(mounting));
  EXPECT_THAT(mounting->info.mounts, IsEmpty());
  EXPECT_EQ(mounting->access_path, (root_ / "proc/200/root/inner").string());

  WriteMounts("200", "");
  std::filesystem::remove_all(root_ / "proc/200/root");
  EXPECT_THAT(Refresh(*table, 3).vanished, ElementsAre(mounting));
}

TEST_F(MountTableTest, FindsTheMountingThatADeviceCarriedAtATime) {
  auto table = OpenTable();
  MakeBlockDevice("loop0", "7:0");
  const DeviceNumber dev{7, 0};
  Refresh(*table, 10 * kSecond);
  WriteMounts("self", "30 27 7:0 / /mnt rw - ext4 /dev/loop0 rw\n");
  const Mounting* first = Refresh(*table, 20 * kSecond).appeared.at(0);
  Refresh(*table, 30 * kSecond);
  WriteMounts("self", "");
  Refresh(*table, 40 * kSecond);
  Refresh(*table, 50 * kSecond);
  WriteMounts("self", "31 27 7:0 / /mnt rw - ext4 /dev/loop0 rw\n");
  const Mounting* second = Refresh(*table, 60 * kSecond).appeared.at(0);

  EXPECT_EQ(table->FindByDevice(dev, {}, 9 * kSecond), nullptr);
  EXPECT_EQ(table->FindByDevice(dev, {}, 15 * kSecond), first);  // mounted between two looks
  EXPECT_EQ(table->FindByDevice(dev, {}, 25 * kSecond), first);
  EXPECT_EQ(table->FindByDevice(dev, {}, 35 * kSecond), first);  // unmounted between two looks
  EXPECT_EQ(table->FindByDevice(dev, {}, 40 * kSecond + MountTable::kSlackNs - 1), first);
  EXPECT_EQ(table->FindByDevice(dev, {}, 45 * kSecond), nullptr);
  EXPECT_EQ(table->FindByDevice(dev, {}, 55 * kSecond), second);
  EXPECT_EQ(table->FindByDevice(dev, {}, 90 * kSecond), second);  // still mounted as far as is known
  EXPECT_EQ(table->FindByDevice({7, 1}, {}, 90 * kSecond), nullptr);
  EXPECT_EQ(table->FindByName("loop0", 25 * kSecond), first);
  EXPECT_EQ(table->FindByName("loop0", 90 * kSecond), second);
  EXPECT_EQ(table->FindByName("loop00", 90 * kSecond), nullptr);
}

TEST_F(MountTableTest, NamesNoneOfTwoThatCanHaveBeenThere) {
  auto table = OpenTable();
  const DeviceNumber dev{7, 0};
  WriteMounts("self", "30 27 7:0 / /mnt rw - ext4 /dev/loop0 rw\n");
  const Mounting* first = Refresh(*table, 10 * kSecond).appeared.at(0);
  Refresh(*table, 20 * kSecond);
  WriteMounts("self", "31 27 7:0 / /mnt rw - ext4 /dev/loop0 rw\n");
  const Mounting* second = Refresh(*table, 30 * kSecond).appeared.at(0);

  EXPECT_EQ(table->FindByDevice(dev, {}, 20 * kSecond), first);
  EXPECT_EQ(table->FindByDevice(dev, {}, 25 * kSecond), nullptr);
  EXPECT_EQ(table->FindByDevice(dev, {}, 30 * kSecond + 1), nullptr);
  EXPECT_EQ(table->FindByDevice(dev, {}, 30 * kSecond + MountTable::kSlackNs), second);
}

TEST_F(MountTableTest, DoesNotClaimWhatHappenedLongBeforeTheFirstLook) {
  auto table = OpenTable();
  WriteMounts("self", "30 27 7:0 / /mnt rw - ext4 /dev/loop0 rw\n");
  const Mounting* mounting = Refresh(*table, 10 * kSecond).appeared.at(0);
  EXPECT_EQ(table->FindByDevice({7, 0}, {}, 10 * kSecond - MountTable::kBeforeFirstNs), mounting);
  EXPECT_EQ(table->FindByDevice({7, 0}, {}, 10 * kSecond - MountTable::kBeforeFirstNs - 1), nullptr);
}

TEST_F(MountTableTest, FindsTheMountingOfAPath) {
  WriteMounts("self", "30 27 " + ToString(TargetDevice()) + " / " + target() + " rw - ext4 /dev/x rw\n");
  auto table = OpenTable();
  const Mounting* mounting = Refresh(*table, 1).appeared.at(0);
  std::ofstream(target() + "/file") << "x";
  auto found = table->FindByPath(target() + "/file");
  ASSERT_TRUE(found) << found.error().ToString();
  EXPECT_EQ(*found, mounting);
}

TEST_F(MountTableTest, SaysWhyAPathHasNoMounting) {
  auto table = OpenTable();
  auto missing = table->FindByPath(target() + "/missing");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error(), (Error{"stat " + target() + "/missing", ENOENT}));

  WriteMounts("self", "30 27 " + ToString(TargetDevice()) + " / " + target() + " rw - tmpfs none rw\n");
  auto unwanted = table->FindByPath(target());
  ASSERT_FALSE(unwanted);
  EXPECT_EQ(unwanted.error(), (Error{target() + " is on tmpfs, which is not watched", 0}));

  WriteMounts("self", "");
  auto unknown = table->FindByPath(target());
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, 0);
  EXPECT_THAT(unknown.error().what, HasSubstr("carries no watched file system"));
}

TEST_F(MountTableTest, KeepsAllWhereTheTableCannotBeRead) {
  WriteMounts("self", "30 27 7:0 / /mnt rw - ext4 /dev/loop0 rw\n");
  auto table = OpenTable();
  const Mounting* mounting = Refresh(*table, 1).appeared.at(0);
  std::filesystem::remove(root_ / "proc/self/mountinfo");
  auto failed = table->Refresh(2);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error(), (Error{"read " + (root_ / "proc/self/mountinfo").string(), ENOENT}));
  EXPECT_THAT(table->mounted(), ElementsAre(mounting));
}

TEST(MountTable, SaysWhichFileItCannotOpen) {
  auto table = MountTable::Open({.proc_root = "/nonexistent", .wanted = {}});
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error(), (Error{"open /nonexistent/self/mountinfo", ENOENT}));
}

}  // namespace
}  // namespace fsherald
