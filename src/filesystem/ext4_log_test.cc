// SPDX-License-Identifier: MIT
// The lines are as captured on Linux 6.18 (tests/fixtures) but where a test says otherwise.
#include "filesystem/ext4_log.h"

#include <cerrno>

#include <gtest/gtest.h>

namespace fsherald {
namespace {

using Meaning = ErrorReport::Meaning;

std::optional<ErrorReport> Parse(std::string_view line) { return ParseExt4Line(line); }

TEST(Ext4Log, TheSimpleForm) {
  EXPECT_EQ(Parse("EXT4-fs error (device loop0): trigger_test_error:129: comm sh: hello there: 100% of it"),
            (ErrorReport{.device = "loop0",
                         .code = EUCLEAN,
                         .function = "trigger_test_error",
                         .line = 129,
                         .comm = "sh",
                         .message = "hello there: 100% of it",
                         .counted = true,
                         .traced = true,
                         .told_by_fanotify = true}));
}

TEST(Ext4Log, TheInodeForm) {
  EXPECT_EQ(Parse("EXT4-fs error (device loop0): ext4_lookup:1787: inode #13: comm ls: iget: bogus i_mode (377)"),
            (ErrorReport{.device = "loop0",
                         .code = EUCLEAN,
                         .function = "ext4_lookup",
                         .line = 1787,
                         .inode = 13,
                         .comm = "ls",
                         .message = "iget: bogus i_mode (377)",
                         .counted = true,
                         .traced = true,
                         .told_by_fanotify = true}));
}

TEST(Ext4Log, TheInodeFormWithABlock) {
  EXPECT_EQ(
      Parse("EXT4-fs error (device loop0): htree_dirblock_to_tree:1077: inode #12: block 1172: comm ls: bad entry "
            "in directory: rec_len is smaller than minimal - offset=24, inode=13, rec_len=0, size=1024 fake=0"),
      (ErrorReport{.device = "loop0",
                   .code = EUCLEAN,
                   .function = "htree_dirblock_to_tree",
                   .line = 1077,
                   .inode = 12,
                   .block = 1172,
                   .comm = "ls",
                   .message = "bad entry in directory: rec_len is smaller than minimal - offset=24, inode=13, "
                              "rec_len=0, size=1024 fake=0",
                   .counted = true,
                   .traced = true,
                   .told_by_fanotify = true}));
}

// By the format in fs/ext4/super.c, __ext4_error_file.
TEST(Ext4Log, ThePathFormIsAlwaysACorruptFilesystem) {
  EXPECT_EQ(
      Parse("EXT4-fs error (device sda1): ext4_readdir:262: inode #2: block 99: comm ls: path /mnt/a b: directory "
            "contains a hole at offset 0"),
      (ErrorReport{.device = "sda1",
                   .code = EUCLEAN,
                   .function = "ext4_readdir",
                   .line = 262,
                   .inode = 2,
                   .block = 99,
                   .comm = "ls",
                   .message = "directory contains a hole at offset 0",
                   .counted = true,
                   .traced = true,
                   .told_by_fanotify = true}));
}

TEST(Ext4Log, TheGroupFormIsNotToldByFanotify) {
  EXPECT_EQ(Parse("EXT4-fs error (device loop0): ext4_mb_generate_buddy:1317: group 0, block bitmap and bg descriptor "
                  "inconsistent: 6990 vs 7006 free clusters"),
            (ErrorReport{.device = "loop0",
                         .code = EUCLEAN,
                         .function = "ext4_mb_generate_buddy",
                         .line = 1317,
                         .group = 0,
                         .message = "block bitmap and bg descriptor inconsistent: 6990 vs 7006 free clusters",
                         .counted = true,
                         .traced = true,
                         .told_by_fanotify = false}));
}

// By the format in fs/ext4/super.c, __ext4_grp_locked_error.
TEST(Ext4Log, TheGroupFormWithInodeAndBlock) {
  auto message = Parse(
      "EXT4-fs error (device dm-3): mb_free_blocks:1976: group 7, inode 12: block 229377:freeing already "
      "freed block (bit 1); block bitmap corrupt.");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->group, 7);
  EXPECT_EQ(message->inode, 12);
  EXPECT_EQ(message->block, 229377);
  EXPECT_EQ(message->message, "freeing already freed block (bit 1); block bitmap corrupt.");
}

TEST(Ext4Log, TheFirstPieceOfTheGroupFormStandsAlone) {
  auto message = Parse("EXT4-fs error (device loop0): ext4_mb_generate_buddy:1317: group 5, ");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->group, 5);
  EXPECT_EQ(message->message, "");
  EXPECT_FALSE(message->told_by_fanotify);
}

// By the format and the words in fs/ext4/super.c, __ext4_std_error and ext4_decode_error.
TEST(Ext4Log, TheStandardErrorHasNoTracepoint) {
  EXPECT_EQ(Parse("EXT4-fs error (device loop0) in ext4_evict_inode:258: IO failure"),
            (ErrorReport{.device = "loop0",
                         .code = EIO,
                         .function = "ext4_evict_inode",
                         .line = 258,
                         .message = "IO failure",
                         .counted = true,
                         .traced = false,
                         .told_by_fanotify = true}));
}

TEST(Ext4Log, TheStandardErrorsWordsAreItsErrno) {
  auto code = [](const std::string& words) { return Parse("EXT4-fs error (device a) in f:1: " + words)->code; };
  EXPECT_EQ(code("Corrupt filesystem"), EUCLEAN);
  EXPECT_EQ(code("Filesystem failed CRC"), EBADMSG);
  EXPECT_EQ(code("IO failure"), EIO);
  EXPECT_EQ(code("Out of memory"), ENOMEM);
  EXPECT_EQ(code("Journal has aborted"), EROFS);
  EXPECT_EQ(code("Readonly filesystem"), EROFS);
  EXPECT_EQ(code("error 28"), ENOSPC);
  EXPECT_EQ(code("error 0"), std::nullopt);
  EXPECT_EQ(code("error 99999999999999999999"), std::nullopt);
  EXPECT_EQ(code("unknown"), std::nullopt);
}

// Each errno is what FAN_FS_ERROR said beside the line on Linux 6.18.
TEST(Ext4Log, AMessageHasItsErrno) {
  auto code = [](const std::string& text) { return Parse("EXT4-fs error (device a): f:1: comm c: " + text)->code; };
  EXPECT_EQ(code("iget: checksum invalid"), EBADMSG);
  EXPECT_EQ(code("Directory block failed checksum"), EBADMSG);
  EXPECT_EQ(code("Directory index failed checksum"), EBADMSG);
  EXPECT_EQ(code("checksumming directory block 0"), EBADMSG);
  EXPECT_EQ(code("bg 0: bad block bitmap checksum"), EUCLEAN);
  EXPECT_EQ(code("Corrupt inode bitmap - block_group = 0, inode_bitmap = 132"), EUCLEAN);
  EXPECT_EQ(code("bad inode number: 1"), EUCLEAN);
  EXPECT_EQ(code("deleted inode referenced: 13"), EUCLEAN);
  EXPECT_EQ(code("bit already cleared for inode 13"), EUCLEAN);
  EXPECT_EQ(code("pblk 0 bad header/extent: invalid magic - magic 1234, entries 0, max 4(0), depth 0(0)"), EUCLEAN);
  EXPECT_EQ(code("couldn't truncate inode 217 (err -117)"), EUCLEAN);
  EXPECT_EQ(code("unable to read itable block"), EIO);
  EXPECT_EQ(code("Cannot read block bitmap - block_group = 0, block_bitmap = 130"), EIO);
  EXPECT_EQ(code("Cannot read inode bitmap - block_group = 0, inode_bitmap = 132"), EIO);
}

TEST(Ext4Log, AnErrnoThatTheMessageDoesNotSettleIsNotKnown) {
  EXPECT_EQ(
      Parse("EXT4-fs error (device loop0): ext4_journal_check_start:87: comm touch: Detected aborted journal")->code,
      std::nullopt);
}

TEST(Ext4Log, TheGroupIsTakenFromTheText) {
  auto group = [](const std::string& text) { return Parse("EXT4-fs error (device a): f:1: comm c: " + text)->group; };
  EXPECT_EQ(group("bg 3: bad block bitmap checksum"), 3);
  EXPECT_EQ(group("Cannot read inode bitmap - block_group = 4, inode_bitmap = 132"), 4);
  EXPECT_EQ(group("iget: checksum invalid"), std::nullopt);
}

TEST(Ext4Log, AForcedAbortIsAShutdown) {
  auto message = Parse("EXT4-fs error (device loop1): __ext4_remount:6785: comm mount: Abort forced by user");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->kind, Kind::kShutdown);
  EXPECT_EQ(message->code, ESHUTDOWN);
  EXPECT_TRUE(message->counted);
}

TEST(Ext4Log, AFailedWriteIsWriteback) {
  EXPECT_EQ(Parse("EXT4-fs warning (device loop0): ext4_end_bio:368: I/O error 10 writing to inode 217 starting block "
                  "11309)"),
            (ErrorReport{.device = "loop0",
                         .kind = Kind::kWriteback,
                         .code = EIO,
                         .function = "ext4_end_bio",
                         .line = 368,
                         .inode = 217,
                         .block = 11309,
                         .message = "I/O error 10 writing to inode 217 starting block 11309)",
                         .topic = "write-back of inode 217",
                         .task_is_any = true}));
}

TEST(Ext4Log, AnUnreadableDirectoryIsTheDevices) {
  EXPECT_EQ(Parse("EXT4-fs warning (device loop0): htree_dirblock_to_tree:1051: inode #12: lblock 0: comm ls: error -5 "
                  "reading directory block"),
            (ErrorReport{.device = "loop0",
                         .kind = Kind::kDevice,
                         .code = EIO,
                         .function = "htree_dirblock_to_tree",
                         .line = 1051,
                         .inode = 12,
                         .comm = "ls",
                         .message = "error -5 reading directory block"}));
}

TEST(Ext4Log, LostDataIsWriteback) {
  auto warning =
      Parse("EXT4-fs warning (device loop0): ext4_evict_inode:210: inode #217: comm umount: data will be lost");
  ASSERT_TRUE(warning);
  EXPECT_EQ(warning->kind, Kind::kWriteback);
  EXPECT_EQ(warning->inode, 217);
  EXPECT_EQ(warning->code, std::nullopt);

  EXPECT_EQ(
      Parse("EXT4-fs (loop0): Delayed block allocation failed for inode 217 at logical offset 0 with max blocks 50 "
            "with error 74"),
      (ErrorReport{.device = "loop0",
                   .kind = Kind::kWriteback,
                   .code = EBADMSG,
                   .inode = 217,
                   .message = "Delayed block allocation failed for inode 217 at logical offset 0 with max blocks 50 "
                              "with error 74"}));
  EXPECT_EQ(Parse("EXT4-fs (loop0): This should not happen!! Data will be lost\n"), std::nullopt);

  auto unwritten = Parse(
      "EXT4-fs (loop0): failed to convert unwritten extents to written extents -- potential data loss!  "
      "(inode 217, error -5)");
  ASSERT_TRUE(unwritten);
  EXPECT_EQ(unwritten->kind, Kind::kWriteback);
  EXPECT_EQ(unwritten->inode, 217);
  EXPECT_EQ(unwritten->code, EIO);
}

TEST(Ext4Log, AnyOtherWarningIsNothing) {
  EXPECT_EQ(Parse("EXT4-fs warning (device loop0): ext4_resize_begin:82: There are errors in the filesystem"),
            std::nullopt);
  EXPECT_EQ(Parse("EXT4-fs warning (device loop0): f:1: inode #2: comm c: error -28 doing this"), std::nullopt);
}

TEST(Ext4Log, GoingReadOnly) {
  EXPECT_EQ(
      Parse("EXT4-fs (loop1): Remounting filesystem read-only"),
      (ErrorReport{
          .device = "loop1", .kind = Kind::kReadOnly, .code = EROFS, .message = "Remounting filesystem read-only"}));
}

TEST(Ext4Log, TheJournalIsNamedAfterItsDevice) {
  EXPECT_EQ(
      Parse("Aborting journal on device loop1-8."),
      (ErrorReport{.device = "loop1", .kind = Kind::kReadOnly, .message = "Aborting journal on device loop1-8."}));
  EXPECT_EQ(Parse("Aborting journal on device dm-3-8.")->device, "dm-3");
  EXPECT_EQ(Parse("Aborting journal on device -8."), std::nullopt);
}

TEST(Ext4Log, AJournalThatCannotBeWritten) {
  auto superblock = Parse("JBD2: I/O error when updating journal superblock for loop0-8.");
  ASSERT_TRUE(superblock);
  EXPECT_EQ(superblock->device, "loop0");
  EXPECT_EQ(superblock->kind, Kind::kDevice);
  EXPECT_EQ(superblock->code, EIO);
  auto data = Parse("JBD2: Detected IO errors while flushing file data on sda1-8");
  ASSERT_TRUE(data);
  EXPECT_EQ(data->device, "sda1");
  EXPECT_EQ(data->kind, Kind::kWriteback);
}

TEST(Ext4Log, ASuperblockThatCannotBeWritten) {
  auto message = Parse("EXT4-fs (loop0): I/O error while writing superblock");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->kind, Kind::kDevice);
  EXPECT_EQ(message->code, EIO);
}

TEST(Ext4Log, AShutdownHasATracepointAndIsNotCounted) {
  EXPECT_EQ(Parse("EXT4-fs (loop0): shut down requested (2)"), (ErrorReport{.device = "loop0",
                                                                            .kind = Kind::kShutdown,
                                                                            .code = ESHUTDOWN,
                                                                            .message = "shut down requested (2)",
                                                                            .counted = false,
                                                                            .traced = true,
                                                                            .told_by_fanotify = false}));
}

TEST(Ext4Log, ABadGroupDescriptorFoundByMounting) {
  EXPECT_EQ(Parse("EXT4-fs (loop0): ext4_check_descriptors: Checksum for group 3 failed (13430!=56834)"),
            (ErrorReport{.device = "loop0",
                         .code = EBADMSG,
                         .function = "ext4_check_descriptors",
                         .group = 3,
                         .message = "Checksum for group 3 failed (13430!=56834)",
                         .topic = "group descriptors",
                         .more = true}));
  auto summary = Parse("EXT4-fs (loop0): group descriptors corrupted!");
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->meaning, Meaning::kAddition);
  EXPECT_TRUE(summary->follows);
}

TEST(Ext4Log, MountingAndUnmounting) {
  std::string uuid = "cec13b3e-9f53-4631-bc8c-be54de985b19";
  auto meaning = [](const std::string& text) { return Parse("EXT4-fs (loop0): " + text)->meaning; };
  EXPECT_EQ(meaning("mounted filesystem " + uuid + " r/w with ordered data mode. Quota mode: none."),
            Meaning::kMounted);
  EXPECT_EQ(meaning("re-mounted 71b262dc-0c9c-4710-b878-b56192e97fa0."), Meaning::kMounted);
  EXPECT_EQ(meaning("unmounting filesystem " + uuid + "."), Meaning::kUnmounted);
}

// By the formats in fs/ext4/super.c, print_daily_error_info.
TEST(Ext4Log, TheDailyReminderIsThePast) {
  for (std::string_view line :
       {"EXT4-fs (sda1): error count since last fsck: 3",
        "EXT4-fs (sda1): initial error at time 1700000000: f:1: inode 5",
        "EXT4-fs (sda1): last error at time 1700000000: f:1: inode 5: block 7",
        "EXT4-fs warning (device sda1): ext4_clear_journal_err:6320: Filesystem error recorded from previous mount: IO "
        "failure"}) {
    ASSERT_TRUE(Parse(line)) << line;
    EXPECT_EQ(Parse(line)->meaning, Meaning::kPast) << line;
    EXPECT_EQ(Parse(line)->device, "sda1") << line;
  }
}

TEST(Ext4Log, NewsIsNothing) {
  EXPECT_EQ(Parse("EXT4-fs (loop0): recovery complete"), std::nullopt);
  EXPECT_EQ(Parse("EXT4-fs (loop0): orphan cleanup on readonly fs"), std::nullopt);
}

TEST(Ext4Log, AKernelThreadsNameHasAColon) {
  auto message = Parse(
      "EXT4-fs error (device loop0): ext4_validate_block_bitmap:423: comm kworker/u8:2: bg 0: bad block "
      "bitmap checksum");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->comm, "kworker/u8:2");
  EXPECT_EQ(message->message, "bg 0: bad block bitmap checksum");
}

TEST(Ext4Log, ATasksNameCannotForgeInodeOrBlock) {
  auto message = Parse("EXT4-fs error (device loop0): f:1: comm x: inode #9: block 8: : iget: x");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->inode, std::nullopt);
  EXPECT_EQ(message->block, std::nullopt);
}

TEST(Ext4Log, ANumberTooLargeIsNotKnown) {
  auto message = Parse("EXT4-fs error (device a): f:4294967296: inode #99999999999999999999: comm c: t");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->function, "f");
  EXPECT_EQ(message->line, std::nullopt);
  EXPECT_EQ(message->inode, std::nullopt);
  EXPECT_EQ(message->message, "inode #99999999999999999999: comm c: t");
}

TEST(Ext4Log, EveryTornLineIsTakenOrLeft) {
  for (std::string whole :
       {"EXT4-fs error (device loop0): ext4_readdir:1: inode #12: block 1172: comm ls: path /a: text",
        "EXT4-fs error (device loop0): mb_free_blocks:1976: group 7, inode 12: block 229377:freeing",
        "EXT4-fs error (device loop0) in ext4_evict_inode:258: error 5", "Aborting journal on device loop1-8.",
        "EXT4-fs warning (device loop0): ext4_end_bio:368: I/O error 10 writing to inode 217 starting block 11309)",
        "EXT4-fs (loop0): ext4_check_descriptors: Checksum for group 3 failed (13430!=56834)"}) {
    for (size_t size = 0; size <= whole.size(); ++size) {
      auto message = Parse(std::string_view(whole).substr(0, size));
      EXPECT_TRUE(!message || message->device.starts_with("loop")) << whole.substr(0, size);
    }
  }
}

TEST(Ext4Log, ALineWithoutADeviceIsNothing) {
  for (std::string_view line :
       {"EXT4-fs ", "EXT4-fs (", "EXT4-fs (): mounted filesystem", "EXT4-fs error (device ): f:1: x",
        "EXT4-fs error (device loop0)", "EXT4-fs warning (device ): f:1: data will be lost"}) {
    EXPECT_EQ(Parse(line), std::nullopt) << line;
  }
}

}  // namespace
}  // namespace fsherald
