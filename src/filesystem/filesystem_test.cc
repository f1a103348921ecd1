// SPDX-License-Identifier: MIT
#include "filesystem/filesystem.h"

#include <algorithm>

#include <gtest/gtest.h>

#include <set>

namespace fsherald {
namespace {

TEST(FilesystemTable, Ext4IsFoundByItsType) {
  const FilesystemModule* module = FindFilesystemModule("ext4");
  ASSERT_NE(module, nullptr);
  EXPECT_EQ(module->type, "ext4");
  EXPECT_EQ(module->counter_event_path("/sys", "sda1"), "/sys/fs/ext4/sda1/errors_count");
  EXPECT_EQ(FindFilesystemModule("ext"), nullptr);
}

TEST(FilesystemTable, EveryRowIsFilled) {
  for (const FilesystemModule& module : FilesystemModules()) {
    EXPECT_FALSE(module.log_prefixes.empty()) << module.type;
    EXPECT_TRUE(module.parse_log && module.is_reporting_helper && module.specific && module.object_is_loadable)
        << module.type;
    EXPECT_EQ(module.read_counters != nullptr,
              module.counter_event_path != nullptr || module.counter_instance_path != nullptr)
        << module.type;
    EXPECT_EQ(FindFilesystemModule(module.type), &module) << "no two of a type";
  }
}

TEST(FilesystemTable, ATypeThatAnotherOnesCodeServesHasItsRow) {
  EXPECT_EQ(&ModuleOf("ext3"), FindFilesystemModule("ext4"));
  EXPECT_EQ(&ModuleOf("ext2"), FindFilesystemModule("ext4"));
  EXPECT_EQ(&ModuleOf("nfs4"), FindFilesystemModule("nfs"));
  EXPECT_EQ(&ModuleOf("fuse.sshfs"), FindFilesystemModule("fuse"));
  EXPECT_EQ(ModuleOf("fusectl").type, "");
}

TEST(ParseLog, AnExt4LineIsExt4s) {
  auto parsed = ParseLog("EXT4-fs (loop0): Remounting filesystem read-only");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->module, FindFilesystemModule("ext4"));
  EXPECT_EQ(parsed->report.device, "loop0");
}

TEST(ParseLog, ABlockLayersLineIsNobodys) {
  auto parsed = ParseLog("I/O error, dev loop0, sector 2344 op 0x0:(READ) flags 0x3000 phys_seg 1 prio class 2");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->module, nullptr);
  EXPECT_EQ(parsed->report.kind, Kind::kDevice);
}

TEST(ParseLog, AnyOtherLineIsNothing) {
  EXPECT_FALSE(ParseLog(""));
  EXPECT_FALSE(ParseLog("usb 1-1: new high-speed USB device"));
  EXPECT_FALSE(ParseLog(" EXT4-fs (loop0): Remounting filesystem read-only"));
}

TEST(LogPrefixes, AreFewAndLongEnough) {
  std::set<std::string_view> compared;
  for (std::string_view prefix : LogPrefixes()) {
    EXPECT_GE(prefix.size(), 5) << prefix;
    compared.insert(prefix.substr(0, prefix.starts_with(": ") ? 10 : 8));
  }
  EXPECT_LE(compared.size(), 64) << "what the BPF program has room for";
}

TEST(LogPrefixes, CoverEveryKindOfLine) {
  std::vector<std::string_view> prefixes = LogPrefixes();
  for (std::string_view line :
       {"EXT4-fs error (device a): f:1: comm c: t", "EXT4-fs warning (device a): f:1: data will be lost",
        "XFS (a): log I/O error -5", "EXT4-fs (a): Remounting filesystem read-only", "Aborting journal on device a-8.",
        "JBD2: I/O error when updating journal superblock for a-8.", "I/O error, dev a, sector 1 op 0x0:(READ)",
        "critical medium error, dev a, sector 1 op", "Buffer I/O error on dev a, logical block 1, async page read"}) {
    EXPECT_TRUE(ParseLog(line)) << line;
    EXPECT_TRUE(std::ranges::any_of(prefixes, [&](auto prefix) { return line.starts_with(prefix); })) << line;
  }
}

TEST(IsMounting, AStackOfMountIs) {
  EXPECT_TRUE(
      IsMounting(std::vector<std::string>{"squashfs_read_inode+0x1", "squashfs_fill_super+0x1", "vfs_get_tree+0x1"}));
  EXPECT_FALSE(IsMounting(std::vector<std::string>{"squashfs_lookup+0x1", "__lookup_slow+0x1"}));
}

TEST(IsUserLine, ALineWrittenToKmsgIsForged) {
  EXPECT_TRUE(IsUserLine(
      std::vector<std::string>{"vprintk_emit+0x1/0x2", "devkmsg_emit+0x1/0x2", "devkmsg_write.cold+0x1/0x2"}));
  EXPECT_FALSE(IsUserLine(std::vector<std::string>{"vprintk_emit+0x1/0x2", "_printk+0x1/0x2", "__ext4_error+0x1/0x2"}));
  EXPECT_FALSE(IsUserLine({}));
}

}  // namespace
}  // namespace fsherald
