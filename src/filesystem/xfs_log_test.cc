// SPDX-License-Identifier: MIT
// The lines are as captured on Linux 6.18 (tests/fixtures) but where a test says otherwise.
#include "filesystem/xfs_log.h"

#include <cerrno>

#include <gtest/gtest.h>

#include "filesystem/xfs_terms.h"

namespace fsherald {
namespace {

using Meaning = ErrorReport::Meaning;

std::optional<ErrorReport> Parse(std::string_view line) { return ParseXfsLine(line); }

TEST(XfsLog, ABlockThatFailsItsChecksum) {
  EXPECT_EQ(
      Parse("XFS (loop2): Metadata CRC error detected at xfs_agf_read_verify+0x7a/0x110, xfs_agf block 0x28001 "),
      (ErrorReport{.device = "loop2",
                   .code = EBADMSG,
                   .function = "xfs_agf_read_verify",
                   .fields = {{"daddr", uint64_t{0x28001}}, {"structure", "xfs_agf"}},
                   .message = "Metadata CRC error detected at xfs_agf_read_verify+0x7a/0x110, xfs_agf block 0x28001",
                   .topic = "daddr 0x28001",
                   .part = kXfsVerdictPart,
                   .more = true}));
}

TEST(XfsLog, ABlockThatIsNotWhatItShouldBe) {
  auto report = Parse(
      "XFS (loop0): Metadata corruption detected at __xfs_dir3_data_check+0x3a4/0x5f0, xfs_dir3_data block 0x70078 ");
  ASSERT_TRUE(report);
  EXPECT_EQ(report->code, EUCLEAN);
  EXPECT_EQ(report->function, "__xfs_dir3_data_check");
}

// Built as a module; not captured.
TEST(XfsLog, AFunctionOfAModule) {
  auto report =
      Parse("XFS (sda1): Metadata CRC error detected at xfs_agi_read_verify+0xcc/0x100 [xfs], xfs_agi block 0x2 ");
  ASSERT_TRUE(report);
  EXPECT_EQ(report->function, "xfs_agi_read_verify");
  EXPECT_EQ(report->topic, "daddr 0x2");
}

TEST(XfsLog, ACheckThatOnlyItsNameTells) {
  auto report = Parse(
      "XFS (loop0): Metadata corruption detected at __xfs_buf_ioend+0x185/0x580, xfs_inode block 0x28080 "
      "xfs_inode_buf_verify");
  ASSERT_TRUE(report);
  EXPECT_EQ(report->function, "xfs_inode_buf_verify");
  EXPECT_EQ(report->fields, (std::vector<SpecificField>{{"daddr", uint64_t{0x28080}}, {"structure", "xfs_inode"}}));
}

TEST(XfsLog, AnInodeThatFailsItsCheck) {
  EXPECT_EQ(
      Parse("XFS (loop0): Metadata corruption detected at xfs_dinode_verify.part.0+0x40b/0x810, inode 0x40081 dinode"),
      (ErrorReport{
          .device = "loop0",
          .code = EUCLEAN,
          .function = "xfs_dinode_verify",
          .inode = 0x40081,
          .fields = {{"structure", "dinode"}},
          .message = "Metadata corruption detected at xfs_dinode_verify.part.0+0x40b/0x810, inode 0x40081 dinode",
          .topic = "inode 0x40081",
          .part = kXfsVerdictPart,
          .more = true}));
  auto fork = Parse(
      "XFS (loop0): Metadata corruption detected at xfs_bmap_validate_extent_raw+0xbd/0xe0, inode 0x40081 "
      "xfs_iformat_extents(2)");
  ASSERT_TRUE(fork);
  EXPECT_EQ(fork->fields, (std::vector<SpecificField>{{"structure", "xfs_iformat_extents"}}));
}

TEST(XfsLog, WhoWantedABlockThatFailedItsCheck) {
  auto report = Parse("XFS (loop2): metadata I/O error in \"xfs_read_agf+0x8b/0x170\" at daddr 0x28001 len 1 error 74");
  ASSERT_TRUE(report);
  EXPECT_EQ(report->code, EBADMSG);
  EXPECT_EQ(report->topic, "daddr 0x28001");
  EXPECT_EQ(report->part, kXfsReaderPart);
  EXPECT_EQ(report->range, std::nullopt) << "not the disk's fault";
}

TEST(XfsLog, WhoWantedABlockThatTheDiskCannotRead) {
  EXPECT_EQ(
      Parse("XFS (loop0): metadata I/O error in \"xfs_da_read_buf+0xea/0x180\" at daddr 0x70078 len 8 error 5"),
      (ErrorReport{.device = "loop0",
                   .code = EIO,
                   .function = "xfs_da_read_buf",
                   .range = Range{.offset_bytes = 0x70078 * 512, .length_bytes = 4096},
                   .fields = {{"daddr", uint64_t{0x70078}}, {"length", uint64_t{8}}},
                   .message = "metadata I/O error in \"xfs_da_read_buf+0xea/0x180\" at daddr 0x70078 len 8 error 5",
                   .topic = "daddr 0x70078",
                   .part = kXfsReaderPart,
                   .more = true}));
}

TEST(XfsLog, ARecordOfAGroupsTree) {
  EXPECT_EQ(Parse("XFS (loop0): cntbt record corruption in AG 1 detected at xfs_alloc_check_irec+0x4a/0x80!"),
            (ErrorReport{.device = "loop0",
                         .code = EUCLEAN,
                         .function = "xfs_alloc_check_irec",
                         .group = 1,
                         .fields = {{"domain", "ag"}, {"structure", "cntbt"}},
                         .message = "cntbt record corruption in AG 1 detected at xfs_alloc_check_irec+0x4a/0x80!",
                         .topic = "ag 1",
                         .part = kXfsRecordPart,
                         .more = true}));
}

TEST(XfsLog, ARecordOfAnInodesExtents) {
  auto report = Parse(
      "XFS (loop0): Bmap BTree record corruption in inode 0x40081 data fork detected at "
      "xfs_bmap_validate_extent_raw+0xbd/0xe0!");
  ASSERT_TRUE(report);
  EXPECT_EQ(report->inode, 0x40081U);
  EXPECT_EQ(report->topic, "inode 0x40081");
  EXPECT_EQ(report->function, "xfs_bmap_validate_extent_raw");
}

TEST(XfsLog, APointerWhoseInodeIsDecimal) {
  auto report = Parse("XFS (loop0): Inode 786563 fork 0: Corrupt bmapbt pointer at level 1 index 0.");
  ASSERT_TRUE(report);
  EXPECT_EQ(report->inode, 786563U);
  EXPECT_EQ(report->topic, "inode 0xc0083");
  EXPECT_EQ(report->fields, (std::vector<SpecificField>{{"structure", "bmapbt"}}));
}

// Not captured.
TEST(XfsLog, APointerOfAGroupsTree) {
  auto report = Parse("XFS (loop0): AG 3: Corrupt bnobt pointer at level 1 index 0.");
  ASSERT_TRUE(report);
  EXPECT_EQ(report->group, 3U);
  EXPECT_EQ(report->topic, "ag 3");
}

TEST(XfsLog, AnInternalErrorHasFileAndLine) {
  auto report = Parse(
      "XFS (loop0): Internal error ltbno + ltlen > bno at line 2104 of file fs/xfs/libxfs/xfs_alloc.c.  Caller "
      "xfs_free_ag_extent+0x4ec/0x9a0");
  ASSERT_TRUE(report);
  EXPECT_EQ(report->code, EUCLEAN);
  EXPECT_EQ(report->function, "xfs_free_ag_extent");
  EXPECT_EQ(report->file, "fs/xfs/libxfs/xfs_alloc.c");
  EXPECT_EQ(report->line, 2104U);
}

TEST(XfsLog, WhatWasWrittenAndIsThrownAway) {
  EXPECT_EQ(Parse("XFS (loop0): page discard on page 0000000043e0842d, inode 0x40082, pos 0."),
            (ErrorReport{.device = "loop0",
                         .kind = Kind::kWriteback,
                         .inode = 0x40082,
                         .range = Range{.offset_bytes = 0},
                         .message = "page discard on page 0000000043e0842d, inode 0x40082, pos 0.",
                         .topic = "write-back of inode 262274",
                         .more = true}));
}

TEST(XfsLog, AShutdownHasReasonAndPlace) {
  auto report = Parse(
      "XFS (loop2): Corruption of in-memory data (0x8) detected at xfs_fs_reserve_ag_blocks+0x8e/0x120 "
      "(fs/xfs/xfs_fsops.c:566).  Shutting down filesystem.");
  ASSERT_TRUE(report);
  EXPECT_EQ(report->kind, Kind::kShutdown);
  EXPECT_EQ(report->code, EUCLEAN);
  EXPECT_EQ(report->function, "xfs_fs_reserve_ag_blocks");
  EXPECT_EQ(report->file, "fs/xfs/xfs_fsops.c");
  EXPECT_EQ(report->line, 566U);
  EXPECT_EQ(report->fields, (std::vector<SpecificField>{{"domain", "fs"}, {"reason", "corruption"}}));
  EXPECT_EQ(report->topic, kXfsShutdownTopic);
}

// Linux 5.10; not captured.
TEST(XfsLog, AShutdownWithoutAPlace) {
  auto report = Parse("XFS (sda1): Corruption of in-memory data detected.  Shutting down filesystem");
  ASSERT_TRUE(report);
  EXPECT_EQ(report->kind, Kind::kShutdown);
  EXPECT_EQ(report->code, std::nullopt);
}

TEST(XfsLog, ALogThatCannotBeWrittenIsOneShutdown) {
  auto error = Parse("XFS (loop0): log I/O error -5");
  auto shutdown = Parse("XFS (loop0): Filesystem has been shut down due to log error (0x2).");
  ASSERT_TRUE(error && shutdown);
  for (const ErrorReport& report : {*error, *shutdown}) {
    EXPECT_EQ(report.kind, Kind::kShutdown);
    EXPECT_EQ(report.code, EIO);
    EXPECT_EQ(report.topic, kXfsShutdownTopic);
    EXPECT_EQ(report.fields, (std::vector<SpecificField>{{"domain", "fs"}, {"reason", "log I/O error"}}));
  }
}

TEST(XfsLog, AMountThatDamageRefuses) {
  auto log = Parse("XFS (loop0): log mount/recovery failed: error -74");
  ASSERT_TRUE(log);
  EXPECT_EQ(log->code, EBADMSG);
  EXPECT_EQ(log->fields, (std::vector<SpecificField>{{"domain", "log"}}));
  EXPECT_TRUE(log->follows);
  auto root = Parse("XFS (loop0): Failed to read root inode 0x80, error 117");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->code, EUCLEAN);
  EXPECT_EQ(root->inode, 0x80U);
  EXPECT_EQ(Parse("XFS (loop0): SB validate failed with error -74.")->meaning, Meaning::kAddition);
}

TEST(XfsLog, AMountThatIsRefusedForNoDamageIsNoError) {
  for (std::string_view line :
       {"XFS (loop0): Invalid superblock magic number", "XFS (loop0): log mount/recovery failed: error -22",
        "XFS (loop0): log mount/recovery failed: error -30",
        "XFS (loop0): Error -28 reserving per-AG metadata reserve pool.",
        "XFS (loop0): Superblock has unknown incompatible features (0x8000) enabled."})
    EXPECT_FALSE(Parse(line)) << line;
}

TEST(XfsLog, WhatOnlyAccompaniesAnErrorIsNone) {
  for (std::string_view line :
       {"XFS (loop2): Unmount and run xfs_repair", "XFS (loop2): First 128 bytes of corrupted metadata buffer:",
        "XFS (loop0): Corruption detected. Unmount and run xfs_repair",
        "XFS (loop0): User initiated shutdown received.",
        "XFS (loop2): Please unmount the filesystem and rectify the problem(s)", "XFS (loop0): log mount failed",
        "XFS (loop0): start block 0x7530 block count 0x6", "XFS (loop0): failed to locate log tail",
        "XFS (loop0): Offset 0x0, start block 0x5f5e0ff, block count 0x40 state 0x0",
        "XFS (loop0): Torn write (CRC failure) detected at log block 0x19b. Truncating head block from 0x19f.",
        "00000000: 58 41 47 46 00 00 00 01 00 00 00 01 00 00 50 00  XAGF..........P."})
    EXPECT_FALSE(Parse(line)) << line;
}

TEST(XfsLog, MountingAndUnmountingChangeTheMountTable) {
  EXPECT_FALSE(Parse("XFS (loop0): Mounting V5 Filesystem 9aafb066-0053-4c99-b151-4a0abb9750b6"));
  EXPECT_EQ(Parse("XFS (loop0): Ending clean mount")->meaning, Meaning::kMounted);
  EXPECT_EQ(Parse("XFS (dm-0): Ending recovery (logdev: internal)")->meaning, Meaning::kMounted);
  EXPECT_EQ(Parse("XFS (loop0): Unmounting Filesystem 9aafb066-0053-4c99-b151-4a0abb9750b6")->meaning,
            Meaning::kUnmounted);
  EXPECT_EQ(Parse("XFS (loop0): Uncorrected metadata errors detected; please run xfs_repair.")->meaning,
            Meaning::kPast);
}

TEST(XfsLog, LinesThatEndTooSoonAreNothing) {
  const std::string_view whole[] = {
      "XFS (loop2): Metadata CRC error detected at xfs_agf_read_verify+0x7a/0x110, xfs_agf block 0x28001",
      "XFS (loop0): metadata I/O error in \"xfs_da_read_buf+0xea/0x180\" at daddr 0x70078 len 8 error 5",
      "XFS (loop0): cntbt record corruption in AG 1 detected at xfs_alloc_check_irec+0x4a/0x80!",
      "XFS (loop0): Inode 786563 fork 0: Corrupt bmapbt pointer at level 1 index 0.",
      "XFS (loop0): page discard on page 0000000043e0842d, inode 0x40082, pos 0.",
      "XFS (loop0): Log I/O Error (0x6) detected at xfs_fs_goingdown+0x63/0xb0 (fs/xfs/xfs_fsops.c:475).  Shutting "
      "down "
      "filesystem."};
  for (std::string_view line : whole)
    for (size_t length = 0; length < line.size(); ++length)
      if (auto report = Parse(line.substr(0, length))) {
        EXPECT_FALSE(report->topic.empty()) << line.substr(0, length);
      }
  EXPECT_FALSE(Parse("XFS (loop0): metadata I/O error in \"f\" at daddr 0x"));
  EXPECT_FALSE(Parse("XFS (): Internal error x"));
  EXPECT_FALSE(Parse("XFS (loop0"));
}

TEST(XfsLog, NumbersThatAreTooLargeAreNotKnown) {
  auto report = Parse("XFS (loop0): metadata I/O error in \"f+0x1/0x2\" at daddr 0xffffffffffffffff len 8 error 99999");
  ASSERT_TRUE(report);
  EXPECT_EQ(report->code, std::nullopt);
  EXPECT_EQ(report->range, std::nullopt);
  EXPECT_FALSE(Parse("XFS (loop0): metadata I/O error in \"f\" at daddr 0x10000000000000000 len 8 error 5"));
}

}  // namespace
}  // namespace fsherald
