// SPDX-License-Identifier: MIT
#include "mount/sysfs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace fsherald {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A /sys of text files.
class SysfsTest : public ::testing::Test {
 protected:
  SysfsTest() {
    std::string name = (std::filesystem::temp_directory_path() / "sysfs_test.XXXXXX").string();
    root_ = ::mkdtemp(name.data());
    std::filesystem::create_directories(root_ / "class/block");
    std::filesystem::create_directories(root_ / "dev/block");
  }
  ~SysfsTest() override { std::filesystem::remove_all(root_); }

  std::string sys() const { return root_.string(); }
  void Write(const std::filesystem::path& file, const std::string& text) {
    std::filesystem::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text << "\n";
  }
  void MakeDevice(const std::string& name, const std::string& number, const std::string& at) {
    Write("devices/" + at + "/dev", number);
    std::filesystem::create_directory_symlink("../../devices/" + at, root_ / "class/block" / name);
    std::filesystem::create_directory_symlink("../../devices/" + at, root_ / "dev/block" / number);
  }
  void MakeDisk(const std::string& name, const std::string& number) { MakeDevice(name, number, name); }
  void MakePartition(const std::string& disk, const std::string& name, const std::string& number, uint64_t start,
                     uint64_t size) {
    const std::string at = disk + "/" + name;
    MakeDevice(name, number, at);
    Write("devices/" + at + "/partition", "1");
    Write("devices/" + at + "/start", std::to_string(start));
    Write("devices/" + at + "/size", std::to_string(size));
  }
  void Hold(const std::string& lower, const std::string& upper) {
    std::filesystem::create_directories(root_ / "class/block" / lower / "holders");
    std::filesystem::create_directory_symlink("../../" + upper, root_ / "class/block" / lower / "holders" / upper);
  }

  std::filesystem::path root_;
};

TEST_F(SysfsTest, ADiskWithoutPartsIsAllThereIs) {
  MakeDisk("sda", "8:0");
  EXPECT_THAT(DevicesAbove(sys(), {8, 0}, 77), ElementsAre(DeviceAbove{{"sda", {8, 0}}, 77}));
  EXPECT_THAT(DevicesAbove(sys(), {8, 16}, 77), IsEmpty());
}

TEST_F(SysfsTest, ASectorLiesInOnePartitionAndIsCountedFromItsBeginning) {
  MakeDisk("sda", "8:0");
  MakePartition("sda", "sda1", "8:1", 2048, 1000);
  MakePartition("sda", "sda2", "8:2", 3048, 1000);
  std::filesystem::create_directories(root_ / "devices/sda/queue");  // no partition
  const DeviceAbove last_of_first{{"sda1", {8, 1}}, 999};
  const DeviceAbove first_of_second{{"sda2", {8, 2}}, 0};
  EXPECT_THAT(DevicesAbove(sys(), {8, 0}, 3047), ElementsAre(DeviceAbove{{"sda", {8, 0}}, 3047}, last_of_first));
  EXPECT_THAT(DevicesAbove(sys(), {8, 0}, 3048), ElementsAre(DeviceAbove{{"sda", {8, 0}}, 3048}, first_of_second));
  EXPECT_THAT(DevicesAbove(sys(), {8, 0}, 4048), ElementsAre(DeviceAbove{{"sda", {8, 0}}, 4048}));
  EXPECT_THAT(DevicesAbove(sys(), {8, 0}, 2047), ElementsAre(DeviceAbove{{"sda", {8, 0}}, 2047}));
  EXPECT_EQ(DevicesAbove(sys(), {8, 0}, std::nullopt).size(), 3U);
}

TEST_F(SysfsTest, WhatIsPutTogetherOfSeveralDevicesIsFoundOnceAndWithoutASector) {
  MakeDisk("sda", "8:0");
  MakePartition("sda", "sda1", "8:1", 0, 1000);
  MakePartition("sda", "sda2", "8:2", 1000, 1000);
  MakeDisk("md0", "9:0");
  MakeDisk("dm-0", "253:0");
  Hold("sda1", "md0");
  Hold("sda2", "md0");
  Hold("md0", "dm-0");
  const DeviceAbove mirror{{"md0", {9, 0}}, std::nullopt};
  const DeviceAbove volume{{"dm-0", {253, 0}}, std::nullopt};
  EXPECT_THAT(DevicesAbove(sys(), {8, 0}, 1500),
              ElementsAre(DeviceAbove{{"sda", {8, 0}}, 1500}, DeviceAbove{{"sda2", {8, 2}}, 500}, mirror, volume));
  EXPECT_EQ(DevicesAbove(sys(), {8, 0}, std::nullopt).size(), 5U);
  EXPECT_THAT(DevicesAbove(sys(), {9, 0}, 5), ElementsAre(DeviceAbove{{"md0", {9, 0}}, 5}, volume));
}

TEST_F(SysfsTest, HoldersThatHoldEachOtherEndTheWalk) {
  MakeDisk("dm-0", "253:0");
  MakeDisk("dm-1", "253:1");
  Hold("dm-0", "dm-1");
  Hold("dm-1", "dm-0");
  EXPECT_EQ(DevicesAbove(sys(), {253, 0}, 1).size(), 2U);
}

TEST_F(SysfsTest, AFileSystemsDirectoryNamesItsDevices) {
  MakeDisk("loop0", "7:0");
  MakeDisk("loop1", "7:1");
  std::filesystem::create_directories(root_ / "fs/btrfs/u-u-i-d/devices");
  std::filesystem::create_directories(root_ / "fs/xfs/sda1");
  for (const char* name : {"loop1", "loop0"})
    std::filesystem::create_directory_symlink(root_ / "devices" / name, root_ / "fs/btrfs/u-u-i-d/devices" / name);
  auto of = [&](std::string_view wanted) {
    return ListFilesystemDirectories(sys(), [=](std::string_view type) { return type == wanted; });
  };
  ASSERT_EQ(of("btrfs").size(), 1U);
  EXPECT_EQ(of("btrfs")[0].name, "u-u-i-d");
  EXPECT_THAT(of("btrfs")[0].devices, ElementsAre("loop0", "loop1"));
  ASSERT_EQ(of("xfs").size(), 1U);
  EXPECT_THAT(of("xfs")[0].devices, IsEmpty());
}

}  // namespace
}  // namespace fsherald
