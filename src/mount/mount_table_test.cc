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
                                   .mounts_of = mounts_of_,
                                   .dev_root = (root_ / "dev").string(),
                                   .wanted = wanted_,
                                   .may_hang = [](std::string_view type) { return type.starts_with("fuse"); },
                                   .clock = [this] { return ended_ns_; }});
    EXPECT_TRUE(table) << table.error().ToString();
    return std::move(*table);
  }

  // A member of a file system that has a directory of its own in sysfs.
  void MakeMember(const std::string& filesystem, const std::string& name) {
    MakeDirectory("sys/fs/" + filesystem + "/devices");
    std::filesystem::create_symlink("../../../../block/" + name, root_ / "sys/fs" / filesystem / "devices" / name);
  }
  void MakePartition(const std::string& disk, const std::string& name, const std::string& number, uint64_t start,
                     uint64_t size) {
    MakeBlockDevice(name, number);
    const std::filesystem::path part = root_ / "sys/class/block" / disk / name;
    std::filesystem::create_directories(part);
    std::ofstream(part / "partition") << "1\n";
    std::ofstream(part / "start") << start << "\n";
    std::ofstream(part / "size") << size << "\n";
  }
  void Hold(const std::string& lower, const std::string& upper) {
    MakeDirectory("sys/class/block/" + lower + "/holders");
    std::filesystem::create_symlink("../../" + upper, root_ / "sys/class/block" / lower / "holders" / upper);
  }

  std::filesystem::path root_;
  uint64_t ended_ns_ = 0;  // when a look ends; earlier than it began: just then
  std::string mounts_of_ = "self";
  std::function<bool(std::string_view)> wanted_ = [](std::string_view type) { return type == "ext4"; };
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

TEST_F(MountTableTest, OfACopyForAServiceItTellsWhatTheMachineHas) {
  mounts_of_ = "1";
  MakeDirectory("proc/1");
  const std::string device = ToString(TargetDevice());
  // As a unit with ProtectSystem=strict and StateDirectory= sees it.
  WriteMounts("self", "500 400 " + device + " / " + target() + " ro - ext4 /dev/vda1 rw\n" + "501 500 " + device +
                          " /var/lib/x " + target() + "/var/lib/x rw - ext4 /dev/vda1 rw\n" +
                          "502 500 254:3 / /later rw - ext4 /dev/vda3 ro\n");
  WriteMounts("1", "27 1 " + device + " / " + target() + " rw shared:1 - ext4 /dev/vda1 rw\n" +
                       "28 27 254:3 / /later ro shared:2 - ext4 /dev/vda3 ro\n");
  auto table = OpenTable();
  const MountChanges changes = Refresh(*table, 5 * kSecond);
  ASSERT_EQ(changes.appeared.size(), 2U);
  const auto* root = table->FindByDevice(TargetDevice(), {}, 5 * kSecond);
  const auto* later = table->FindByDevice({254, 3}, {}, 5 * kSecond);
  ASSERT_TRUE(root != nullptr && later != nullptr);
  EXPECT_THAT(root->info.mounts, ElementsAre(target()));
  EXPECT_EQ(root->access_path, target());
  EXPECT_EQ(root->read_only_mounts, 0U) << "read-only for the service alone";
  EXPECT_EQ(later->read_only_mounts, 1U) << "somebody has remounted it read-only: that does not reach the copy";

  WriteMounts("1", "27 1 " + device + " / " + target() + " ro shared:1 - ext4 /dev/vda1 rw\n");
  EXPECT_THAT(table->ReadOptions(), ElementsAre(root));
  EXPECT_EQ(root->read_only_mounts, 1U);
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
  WriteMounts("self", "30 27 " + dev + " /part " + target() + " rw - ext4 /dev/x rw\n" + "31 30 " + dev + " / " +
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

TEST_F(MountTableTest, FindsWhatWentWhileALookThatMissedItWasUnderWay) {
  MakeBlockDevice("loop0", "7:0");
  WriteMounts("self", "30 27 7:0 / /mnt rw - ext4 /dev/loop0 rw\n");
  auto table = OpenTable();
  const Mounting* mounting = Refresh(*table, 10 * kSecond).appeared.at(0);
  WriteMounts("self", "");
  ended_ns_ = 22 * kSecond;  // a slow machine
  Refresh(*table, 20 * kSecond);
  EXPECT_EQ(table->FindByDevice({7, 0}, {}, 21 * kSecond), mounting);
  EXPECT_EQ(table->FindByDevice({7, 0}, {}, 23 * kSecond), nullptr);
  WriteMounts("self", "31 27 7:0 / /mnt rw - ext4 /dev/loop0 rw\n");
  ended_ns_ = 32 * kSecond;
  const Mounting* next = Refresh(*table, 30 * kSecond).appeared.at(0);
  EXPECT_EQ(next->since_boottime_ns, 32 * kSecond) << "it can have been mounted as late as that";
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

TEST_F(MountTableTest, OfTwoThatCanHaveBeenThereTheUuidTellsTheOneThatHasIt) {
  wanted_ = [](std::string_view type) { return type == "ext4" || type == "btrfs"; };
  constexpr const char* kMember = "11111111-2222-3333-4444-555555555555";
  MakeBlockDevice("loop0", "7:0");
  MakeMember(std::string("btrfs/") + kMember, "loop0");
  WriteMounts("self", "30 27 7:0 / /a rw - btrfs /dev/loop0 rw\n");
  auto table = OpenTable();
  const auto* known = Refresh(*table, 10 * kSecond).appeared.at(0);
  ASSERT_EQ(known->info.uuid, ParseUuid(kMember));
  WriteMounts("self", "31 27 7:0 / /b rw - ext4 /dev/loop0 rw\n");
  std::filesystem::remove_all(root_ / "sys/fs/btrfs");
  const auto* unknown = Refresh(*table, 30 * kSecond).appeared.at(0);
  ASSERT_EQ(unknown->info.uuid, std::nullopt);
  EXPECT_EQ(table->FindByDevice({7, 0}, {}, 25 * kSecond), nullptr);
  EXPECT_EQ(table->FindByDevice({7, 0}, ParseUuid(kMember), 25 * kSecond), known);
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

constexpr std::string_view kBtrfs = "eee07f36-cd32-4077-be74-a942f11231ba";

TEST_F(MountTableTest, WhatMayHangStandsInTheTableByItsLineAlone) {
  wanted_ = [](std::string_view type) { return type.starts_with("fuse"); };
  // That the access path stays empty shows that nobody asked: the directory would have answered.
  const std::string dev = ToString(TargetDevice());
  WriteMounts("self", "30 27 " + dev + " / " + target() + " rw - fuse.sshfs host:/dir rw,user_id=1000\n");
  MakeNamespace("200", "mnt:[2]");
  WriteMounts("200", "50 27 " + dev + " / /inner rw - fuse.sshfs host:/dir rw\n");
  MakeDirectory("proc/200/root/inner");
  auto table = OpenTable();
  const Mounting* mounting = Refresh(*table, 1).appeared.at(0);
  EXPECT_EQ(mounting->info.type, "fuse.sshfs");
  EXPECT_EQ(mounting->info.device, "host:/dir");
  EXPECT_EQ(mounting->info.dev, TargetDevice());
  EXPECT_THAT(mounting->info.mounts, ElementsAre(target()));
  EXPECT_EQ(mounting->info.fsid, std::nullopt);
  EXPECT_EQ(mounting->info.uuid, std::nullopt);
  EXPECT_EQ(mounting->access_path, "");
  EXPECT_THAT(mounting->devices, IsEmpty());
  EXPECT_EQ(mounting->super_options, "rw,user_id=1000");
  EXPECT_EQ(table->recheck_boottime_ns(), std::nullopt);
  EXPECT_EQ(table->FindByDevice(TargetDevice(), {}, 2), mounting);

  WriteMounts("self", "");
  EXPECT_THAT(Refresh(*table, 2).vanished, ElementsAre(mounting));
}

TEST_F(MountTableTest, FindsWhatMayHangByAPathThatItIsNotAskedFor) {
  wanted_ = [](std::string_view) { return true; };
  WriteMounts("self", "30 27 0:99 / " + target() + " rw - fuse x rw\n");
  auto table = OpenTable();
  const Mounting* mounting = Refresh(*table, 1).appeared.at(0);
  auto found = table->FindByPath(target() + "/missing/file");
  ASSERT_TRUE(found) << found.error().ToString();
  EXPECT_EQ(*found, mounting);
  auto itself = table->FindByPath(target() + "/");
  ASSERT_TRUE(itself) << itself.error().ToString();
  EXPECT_EQ(*itself, mounting);
}

TEST_F(MountTableTest, SaysOfAPathOnWhatMayHangThatItIsNotWatched) {
  WriteMounts("self", "30 27 0:99 / " + target() + " rw - fuse x rw\n");
  auto table = OpenTable();
  Refresh(*table, 1);
  auto found = table->FindByPath(target() + "/missing/file");
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().what, HasSubstr("not watched"));
}

TEST_F(MountTableTest, TellsAnotherServerOnTheSameMountPointAsAnotherMounting) {
  wanted_ = [](std::string_view) { return true; };
  WriteMounts("self", "30 27 0:99 / /f rw - fuse one rw\n");
  auto table = OpenTable();
  const Mounting* first = Refresh(*table, 1).appeared.at(0);
  WriteMounts("self", "30 27 0:99 / /f rw - fuse two rw\n");
  const MountChanges changes = Refresh(*table, 2);
  EXPECT_THAT(changes.vanished, ElementsAre(first));
  EXPECT_EQ(changes.appeared.size(), 1U);
}

TEST_F(MountTableTest, TakesNoSourceOfAUserForTheNameOfADevice) {
  wanted_ = [](std::string_view) { return true; };
  MakeBlockDevice("loop0", "7:0");
  WriteMounts("self",
              "30 27 7:0 / /mnt rw - ext4 /dev/loop0 rw\n"
              "31 27 0:99 / /f rw - fuse loop0 rw\n");
  auto table = OpenTable();
  Refresh(*table, 1);
  const Mounting* found = table->FindByName("loop0", 2);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->info.type, "ext4");
}

TEST_F(MountTableTest, ChoosesAWayThatLeadsThroughNothingThatMayHang) {
  const std::string dev = ToString(TargetDevice());
  MakeDirectory("target/f/short");
  MakeDirectory("target/another-way");
  const std::string through = target() + "/f/short";
  const std::string fuse = "30 27 0:99 / " + target() + "/f rw - fuse x rw\n";
  const std::string below = "31 30 " + dev + " / " + through + " rw - ext4 /dev/x rw\n";
  WriteMounts("self", fuse + below);
  auto table = OpenTable();
  const Mounting* mounting = Refresh(*table, 1).appeared.at(0);
  EXPECT_EQ(mounting->access_path, "");
  EXPECT_THAT(mounting->info.mounts, ElementsAre(through));

  WriteMounts("self", fuse + below + "32 27 " + dev + " / " + target() + "/another-way rw - ext4 /dev/x rw\n");
  EXPECT_THAT(Refresh(*table, 2).changed, ElementsAre(mounting));
  EXPECT_EQ(mounting->access_path, target() + "/another-way");
}

TEST_F(MountTableTest, DoesNotAskThroughWhatCameToLieOverAMountPoint) {
  const std::string dev = ToString(TargetDevice());
  MakeDirectory("target/f/m");
  const std::string mount = "30 27 " + dev + " / " + target() + "/f/m rw - ext4 /dev/x rw\n";
  WriteMounts("self", mount);
  auto table = OpenTable();
  const Mounting* mounting = Refresh(*table, 1).appeared.at(0);
  EXPECT_EQ(mounting->access_path, target() + "/f/m");
  WriteMounts("self", mount + "31 27 0:99 / " + target() + "/f rw - fuse x rw\n");
  EXPECT_THAT(Refresh(*table, 2).changed, ElementsAre(mounting));
  EXPECT_EQ(mounting->access_path, "");
}

TEST_F(MountTableTest, LooksThroughOtherNamespacesEverMoreRarelyForWhatNobodyReaches) {
  const DeviceNumber dev = TargetDevice();
  MakeBlockDevice("loop5", ToString(dev));
  MakeDirectory("sys/fs/ext4/loop5");
  auto table = OpenTable();
  const Mounting* mounting = Refresh(*table, 10 * kSecond).appeared.at(0);
  Refresh(*table, 12 * kSecond);

  MakeNamespace("200", "mnt:[2]");
  WriteMounts("200", "50 27 " + ToString(dev) + " / /inner rw - ext4 /dev/loop5 rw\n");
  MakeDirectory("proc/200/root/inner");
  EXPECT_THAT(Refresh(*table, 13 * kSecond).changed, IsEmpty());
  EXPECT_EQ(table->recheck_boottime_ns(), 14 * kSecond);
  EXPECT_THAT(Refresh(*table, 14 * kSecond).changed, ElementsAre(mounting));
  EXPECT_EQ(mounting->access_path, (root_ / "proc/200/root/inner").string());
}

TEST_F(MountTableTest, TellsAFileSystemOfSeveralDevicesAndSubvolumesAsOne) {
  wanted_ = [](std::string_view type) { return type == "btrfs"; };
  MakeBlockDevice("loop800", "7:800");
  MakeBlockDevice("loop801", "7:801");
  const std::string directory = "btrfs/" + std::string(kBtrfs);
  MakeMember(directory, "loop801");
  MakeMember(directory, "loop800");
  MakeDirectory("sys/fs/btrfs/features");
  WriteMounts("self",
              "66 44 0:39 / /m1 rw - btrfs /dev/loop801 rw,space_cache=v2,subvolid=5,subvol=/\n"
              "67 44 0:39 /sub /m2 ro - btrfs /dev/loop801 rw,space_cache=v2,subvolid=256,subvol=/sub\n");
  auto table = OpenTable();
  const MountChanges changes = Refresh(*table, 1);
  ASSERT_EQ(changes.appeared.size(), 1U);
  const Mounting* mounting = changes.appeared[0];
  EXPECT_EQ(mounting->info.device, "loop801");
  EXPECT_EQ(mounting->info.dev, (DeviceNumber{0, 39}));
  EXPECT_EQ(mounting->info.uuid, ParseUuid(kBtrfs));
  EXPECT_THAT(mounting->info.mounts, ElementsAre("/m1", "/m2"));
  EXPECT_THAT(mounting->devices, ElementsAre(BlockDevice{"loop800", {7, 800}}, BlockDevice{"loop801", {7, 801}}));
  EXPECT_EQ(mounting->super_options, "rw,space_cache=v2");
  EXPECT_FALSE(mounting->read_only);
  for (const DeviceNumber dev : {DeviceNumber{0, 39}, DeviceNumber{7, 800}, DeviceNumber{7, 801}})
    EXPECT_EQ(table->FindByDevice(dev, ParseUuid(kBtrfs), 2), mounting) << ToString(dev);
  EXPECT_EQ(table->FindByName("loop800", 2), mounting);
  EXPECT_EQ(table->FindByName("loop801", 2), mounting);
  EXPECT_EQ(table->FindByName("loop80", 2), nullptr);
}

TEST_F(MountTableTest, FollowsTheDevicesOfAFileSystemAndKeepsTheNameInItsMessages) {
  wanted_ = [](std::string_view) { return true; };
  MakeBlockDevice("loop800", "7:800");
  MakeBlockDevice("loop801", "7:801");
  const std::string directory = "btrfs/" + std::string(kBtrfs);
  MakeMember(directory, "loop800");
  MakeMember(directory, "loop801");
  WriteMounts("self", "66 44 0:39 / /m1 rw - btrfs /dev/loop800 rw\n");
  auto table = OpenTable();
  const Mounting* mounting = Refresh(*table, 1 * kSecond).appeared.at(0);

  std::filesystem::remove(root_ / "sys/fs" / directory / "devices/loop800");  // btrfs device remove
  WriteMounts("self",
              "66 44 0:39 / /m1 rw - btrfs /dev/loop801 rw\n"
              "67 44 7:800 / /m2 rw - ext4 /dev/loop800 rw\n");
  const MountChanges changes = Refresh(*table, 2 * kSecond);
  EXPECT_THAT(changes.changed, ElementsAre(mounting));
  ASSERT_EQ(changes.appeared.size(), 1U);
  EXPECT_EQ(mounting->info.device, "loop800");
  EXPECT_THAT(mounting->devices, ElementsAre(BlockDevice{"loop801", {7, 801}}));
  EXPECT_EQ(table->FindByDevice({7, 800}, {}, 3 * kSecond), changes.appeared[0]);
  EXPECT_EQ(table->FindByName("loop800", 3 * kSecond), nullptr);  // it can be either
  EXPECT_EQ(table->FindByName("loop800", 3 * kSecond, "btrfs"), mounting);
  EXPECT_EQ(table->FindByName("loop800", 3 * kSecond, "ext4"), changes.appeared[0]);
}

TEST_F(MountTableTest, KnowsAFileSystemOfSeveralDevicesByItsDirectoryInSysfs) {
  wanted_ = [](std::string_view type) { return type == "btrfs"; };
  MakeBlockDevice("loop800", "7:800");
  const std::string directory = "btrfs/" + std::string(kBtrfs);
  MakeMember(directory, "loop800");
  WriteMounts("self", "66 44 0:39 / /m1 rw - btrfs /dev/loop800 rw\n");
  auto table = OpenTable();
  const Mounting* first = Refresh(*table, 1).appeared.at(0);

  WriteMounts("self", "");  // it has left our namespace, and lives
  const MountChanges away = Refresh(*table, 2);
  EXPECT_THAT(away.changed, ElementsAre(first));
  EXPECT_EQ(first->info.device, "loop800");
  EXPECT_EQ(first->info.dev, (DeviceNumber{0, 39}));
  EXPECT_THAT(first->devices, ElementsAre(BlockDevice{"loop800", {7, 800}}));

  MakeMember("btrfs/new", "loop800");
  std::filesystem::remove_all(root_ / "sys/fs" / directory);
  std::filesystem::rename(root_ / "sys/fs/btrfs/new", root_ / "sys/fs" / directory);
  WriteMounts("self", "66 44 0:39 / /m1 rw - btrfs /dev/loop800 rw\n");
  const MountChanges again = Refresh(*table, 3);
  EXPECT_THAT(again.vanished, ElementsAre(first));
  EXPECT_EQ(again.appeared.size(), 1U);
}

TEST_F(MountTableTest, FindsTheInstanceOfWhatIsMountedByAnotherTypeOfTheSameDriver) {
  wanted_ = [](std::string_view) { return true; };
  MakeBlockDevice("loop0", "7:0");
  MakeDirectory("sys/fs/ext4/loop0");
  WriteMounts("self", "30 27 7:0 / /mnt rw - ext3 /dev/loop0 rw\n");
  auto table = OpenTable();
  EXPECT_EQ(Refresh(*table, 1).appeared.at(0)->info.type, "ext3");
  ReplaceSuperblock("loop0");
  EXPECT_EQ(Refresh(*table, 2).appeared.size(), 1U);
}

TEST_F(MountTableTest, NamesAFileSystemWithoutADeviceByTheSourceOfItsMount) {
  wanted_ = [](std::string_view) { return true; };
  WriteMounts("self", "30 27 0:50 / /tank rw - zfs tank/home rw\n");
  auto table = OpenTable();
  const Mounting* mounting = Refresh(*table, 1).appeared.at(0);
  EXPECT_EQ(mounting->info.device, "tank/home");
  EXPECT_THAT(mounting->devices, IsEmpty());
}

TEST_F(MountTableTest, ReadsTheOptionsAloneAndOfNothingElse) {
  WriteMounts("self", "30 27 7:0 / /mnt rw - ext4 /dev/loop0 rw\n31 27 7:1 / /srv rw - ext4 /dev/loop1 rw\n");
  auto table = OpenTable();
  const MountChanges first = Refresh(*table, 1);
  ASSERT_EQ(first.appeared.size(), 2U);
  const Mounting* mounting = first.appeared[0];
  EXPECT_THAT(table->ReadOptions(), IsEmpty());

  // One has changed, one is gone, one is new, and one number is another mount's by now.
  WriteMounts("self",
              "30 27 7:0 / /mnt rw - ext4 /dev/loop0 rw,emergency_ro\n40 27 7:2 / /opt rw - ext4 /dev/loop2 ro\n");
  EXPECT_THAT(table->ReadOptions(), ElementsAre(mounting));
  EXPECT_EQ(mounting->super_options, "rw,emergency_ro");
  EXPECT_EQ(table->mounted().size(), 2U);
  EXPECT_THAT(table->ReadOptions(), IsEmpty());
  WriteMounts("self", "50 27 7:0 / /mnt rw - ext4 /dev/loop0 rw\n");
  EXPECT_THAT(table->ReadOptions(), IsEmpty());
  EXPECT_EQ(mounting->super_options, "rw,emergency_ro");
}

TEST_F(MountTableTest, CountsTheMountsThatAreReadOnlyThemselves) {
  WriteMounts("self", "30 27 7:0 / /mnt rw - ext4 /dev/loop0 rw\n31 27 7:0 / /srv ro,nodev - ext4 /dev/loop0 rw\n");
  auto table = OpenTable();
  const Mounting* mounting = Refresh(*table, 1).appeared.at(0);
  EXPECT_EQ(mounting->read_only_mounts, 1U);
  EXPECT_FALSE(mounting->read_only);

  WriteMounts("self", "30 27 7:0 / /mnt ro - ext4 /dev/loop0 ro\n31 27 7:0 / /srv ro,nodev - ext4 /dev/loop0 ro\n");
  EXPECT_THAT(Refresh(*table, 2).changed, ElementsAre(mounting));
  EXPECT_EQ(mounting->read_only_mounts, 2U);
  EXPECT_TRUE(mounting->read_only);
}

TEST_F(MountTableTest, TellsWhatAFileSystemDoesToItselfAsAChange) {
  WriteMounts("self", "30 27 7:0 / /mnt rw - ext4 /dev/loop0 rw,errors=remount-ro\n");
  auto table = OpenTable();
  const Mounting* mounting = Refresh(*table, 1).appeared.at(0);
  EXPECT_EQ(mounting->super_options, "rw,errors=remount-ro");
  EXPECT_FALSE(mounting->read_only);

  WriteMounts("self", "30 27 7:0 / /mnt rw - ext4 /dev/loop0 rw,errors=remount-ro,emergency_ro\n");
  EXPECT_THAT(Refresh(*table, 2).changed, ElementsAre(mounting));
  EXPECT_EQ(mounting->super_options, "rw,errors=remount-ro,emergency_ro");
  EXPECT_FALSE(mounting->read_only);

  WriteMounts("self", "30 27 7:0 / /mnt ro - ext4 /dev/loop0 ro,errors=remount-ro\n");
  EXPECT_THAT(Refresh(*table, 3).changed, ElementsAre(mounting));
  EXPECT_TRUE(mounting->read_only);

  WriteMounts("self", "30 27 7:0 / /mnt ro - ext4 /dev/loop0 rw\n");  // the mount is read-only, the file system is not
  EXPECT_THAT(Refresh(*table, 4).changed, ElementsAre(mounting));
  EXPECT_FALSE(mounting->read_only);
  EXPECT_THAT(Refresh(*table, 5).changed, IsEmpty());
}

TEST_F(MountTableTest, FindsTheFileSystemOnThePartitionThatASectorLiesIn) {
  MakeBlockDevice("sda", "8:0");
  MakePartition("sda", "sda1", "8:1", 2048, 1000);
  MakePartition("sda", "sda2", "8:2", 3048, 1000);
  WriteMounts("self",
              "30 27 8:1 / /one rw - ext4 /dev/sda1 rw\n"
              "31 27 8:2 / /two rw - ext4 /dev/sda2 rw\n");
  auto table = OpenTable();
  Refresh(*table, 1);
  const auto found = table->FindAboveDevice({8, 0}, 3050, 2);
  ASSERT_TRUE(found);
  EXPECT_THAT(found->mounting->info.mounts, ElementsAre("/two"));
  EXPECT_EQ(found->device, (BlockDevice{"sda2", {8, 2}}));
  EXPECT_EQ(found->sector, 2U);
  EXPECT_FALSE(table->FindAboveDevice({8, 0}, 5000, 2));          // behind both
  EXPECT_FALSE(table->FindAboveDevice({8, 0}, std::nullopt, 2));  // either
  EXPECT_FALSE(table->FindAboveDevice({8, 16}, 3050, 2));
  const auto exact = table->FindAboveDevice({8, 1}, 7, 2);
  ASSERT_TRUE(exact);
  EXPECT_EQ(exact->device, (BlockDevice{"sda1", {8, 1}}));
  EXPECT_EQ(exact->sector, 7U);
}

TEST_F(MountTableTest, FindsTheOnlyFileSystemAboveAStackOfDevices) {
  MakeBlockDevice("sda", "8:0");
  MakePartition("sda", "sda1", "8:1", 2048, 1000);
  MakeBlockDevice("md0", "9:0");
  MakeBlockDevice("dm-0", "253:0");
  MakeBlockDevice("dm-1", "253:1");
  Hold("sda1", "md0");
  Hold("md0", "dm-0");
  Hold("md0", "dm-1");
  WriteMounts("self", "30 27 253:0 / /one rw - ext4 /dev/mapper/one rw\n");
  auto table = OpenTable();
  Refresh(*table, 1);
  const auto found = table->FindAboveDevice({8, 0}, 2050, 2);
  ASSERT_TRUE(found);
  EXPECT_THAT(found->mounting->info.mounts, ElementsAre("/one"));
  EXPECT_EQ(found->device, (BlockDevice{"dm-0", {253, 0}}));
  EXPECT_EQ(found->sector, std::nullopt);
  EXPECT_FALSE(table->FindAboveDevice({8, 0}, 5, 2));  // before the partition

  WriteMounts("self",
              "30 27 253:0 / /one rw - ext4 /dev/mapper/one rw\n"
              "31 27 253:1 / /two rw - ext4 /dev/mapper/two rw\n");
  Refresh(*table, 3);
  EXPECT_FALSE(table->FindAboveDevice({8, 0}, 2050, 4));
}

TEST_F(MountTableTest, FindsTheFileSystemOfSeveralDevicesAboveTheDiskOfAny) {
  wanted_ = [](std::string_view type) { return type == "btrfs"; };
  MakeBlockDevice("sda", "8:0");
  MakePartition("sda", "sda1", "8:1", 0, 1000);
  MakePartition("sda", "sda2", "8:2", 1000, 1000);
  MakeMember("btrfs/" + std::string(kBtrfs), "sda1");
  MakeMember("btrfs/" + std::string(kBtrfs), "sda2");
  // A source is looked up in our fake /dev, where no node is: the name has to do.
  WriteMounts("self", "66 44 0:39 / /m1 rw - btrfs /dev/sda1 rw\n");
  auto table = OpenTable();
  const Mounting* mounting = Refresh(*table, 1).appeared.at(0);
  const auto in_second = table->FindAboveDevice({8, 0}, 1010, 2);
  ASSERT_TRUE(in_second);
  EXPECT_EQ(in_second->mounting, mounting);
  EXPECT_EQ(in_second->device, (BlockDevice{"sda2", {8, 2}}));
  EXPECT_EQ(in_second->sector, 10U);
  const auto anywhere = table->FindAboveDevice({8, 0}, std::nullopt, 2);
  ASSERT_TRUE(anywhere);
  EXPECT_EQ(anywhere->mounting, mounting);
}

TEST(MountTable, SaysWhichFileItCannotOpen) {
  auto table = MountTable::Open({.proc_root = "/nonexistent", .wanted = {}});
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error(), (Error{"open /nonexistent/self/mountinfo", ENOENT}));
}

}  // namespace
}  // namespace fsherald
