// SPDX-License-Identifier: MIT
// The lines are as captured on Linux 6.18 (tests/fixtures) but where a test says otherwise.
#include "filesystem/btrfs_log.h"

#include <cerrno>
#include <fstream>
#include <map>

#include <gtest/gtest.h>

namespace fsherald {
namespace {

using Meaning = ErrorReport::Meaning;
using Operation = DeviceError::Operation;

std::optional<ErrorReport> Parse(std::string_view line) { return ParseBtrfsLine(line); }

TEST(BtrfsLog, ABadChecksumOfData) {
  EXPECT_EQ(
      Parse("BTRFS warning (device loop0): csum failed root 5 ino 260 off 4096 csum 0x498cf137 expected csum "
            "0x96a9d780 mirror 1"),
      (ErrorReport{.device = "loop0",
                   .kind = Kind::kDataRead,
                   .code = EIO,
                   .inode = 260,
                   .inode_root = 5,
                   .range = Range{.offset_bytes = 4096},
                   .fields = {{"mirror", uint64_t{1}},
                              {"expected", std::string("0x96a9d780")},
                              {"found", std::string("0x498cf137")}},
                   .message = "csum failed root 5 ino 260 off 4096 csum 0x498cf137 expected csum 0x96a9d780 mirror 1",
                   .counter = "corruption_errs",
                   .claims = true,
                   .topic = "root 5, ino 260 off 4096",
                   .more = true,
                   .task_is_any = true}));
}

TEST(BtrfsLog, TheRootOfRelocationIsNegativeAndNoNumber) {
  const auto report =
      Parse("BTRFS warning (device loop0): csum failed root -9 ino 260 off 0 csum 0x1 expected csum 0x2 mirror 1");
  ASSERT_TRUE(report);
  EXPECT_EQ(report->inode_root, std::nullopt);
  EXPECT_EQ(report->topic, "root -9, ino 260 off 0");
}

TEST(BtrfsLog, TheStatsOfADeviceAreNumbersNotAnError) {
  const auto report =
      Parse("BTRFS error (device loop0 state EA): bdev /dev/loop1 errs: wr 1, rd 2, flush 3, corrupt 4, gen 5");
  ASSERT_TRUE(report);
  EXPECT_EQ(report->device, "loop0");
  EXPECT_FALSE(report->counters_are_old);
  EXPECT_TRUE(report->follows);
  ASSERT_EQ(report->counters.size(), 5u);
  EXPECT_EQ(report->counters[1], (DeviceCounter{.device = "/dev/loop1",
                                                .name = "read_errs",
                                                .value = 2,
                                                .kind = Kind::kDevice,
                                                .operation = Operation::kRead}));
  EXPECT_EQ(report->counters[3],
            (DeviceCounter{.device = "/dev/loop1", .name = "corruption_errs", .value = 4, .kind = Kind::kDataRead}));
}

TEST(BtrfsLog, TheStatsAtTheMountAreOld) {
  const auto report = Parse("BTRFS info (device loop0): bdev /dev/loop0 errs: wr 0, rd 0, flush 0, corrupt 2, gen 0");
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->counters_are_old);
}

TEST(BtrfsLog, StatsThatAreTornAreNone) {
  EXPECT_FALSE(Parse("BTRFS error (device loop0): bdev /dev/loop0 errs: wr 0, rd 0, flush 0, corrupt"));
  EXPECT_FALSE(Parse("BTRFS error (device loop0): bdev /dev/loop0 errs: wr -1, rd 0, flush 0, corrupt 2, gen 0"));
  EXPECT_FALSE(Parse("BTRFS error (device loop0): bdev  errs: wr 0, rd 0, flush 0, corrupt 2, gen 0"));
}

TEST(BtrfsLog, WhatIsReadFromAnotherCopyIsAnAddition) {
  const auto data =
      Parse("BTRFS info (device loop1): read error corrected: ino 260 off 0 (dev /dev/loop1 sector 206848)");
  ASSERT_TRUE(data);
  EXPECT_EQ(data->meaning, Meaning::kAddition);
  EXPECT_TRUE(data->corrected);
  EXPECT_TRUE(data->task_is_any);
  EXPECT_EQ(data->topic, ", ino 260 off 0");
  EXPECT_EQ(data->device_error, (DeviceError{.device = "loop1", .operation = Operation::kRead, .sector = 206848}));
  const auto tree =
      Parse("BTRFS info (device loop0): read error corrected: ino 0 off 31244288 (dev /dev/loop0 sector 77408)");
  ASSERT_TRUE(tree);
  EXPECT_EQ(tree->topic, "logical 31244288");
  EXPECT_FALSE(tree->task_is_any) << "the task that wanted the block repairs it";
}

TEST(BtrfsLog, ABadTreeBlock) {
  EXPECT_EQ(
      Parse("BTRFS warning (device loop0): checksum verify failed on logical 31244288 mirror 2 wanted 0xde498996 "
            "found 0xb709747d level 0"),
      (ErrorReport{
          .device = "loop0",
          .kind = Kind::kMetadata,
          .code = EIO,
          .fields = {{"logical", uint64_t{31244288}},
                     {"mirror", uint64_t{2}},
                     {"level", uint64_t{0}},
                     {"expected", std::string("0xde498996")},
                     {"found", std::string("0xb709747d")}},
          .message = "checksum verify failed on logical 31244288 mirror 2 wanted 0xde498996 found 0xb709747d level 0",
          .topic = "logical 31244288",
          .more = true,
          .task_is_any = true}));
}

TEST(BtrfsLog, AllThatIsSaidOfATreeBlockHasItsAddressForTopic) {
  for (const char* text : {"parent transid verify failed on logical 7 mirror 1 wanted 11 found 3",
                           "parent transid verify failed on 7 wanted 11 found 3",  // before 6.2
                           "bad tree block start, mirror 1 want 7 have 651",
                           "corrupt leaf: root=5 block=7 slot=1, bad key order, prev (406 1 0) current (1 12 259)",
                           "read time tree block corruption detected on logical 7 mirror 1",
                           "block=7 write time tree block corruption detected"}) {
    const auto report = Parse("BTRFS error (device loop0): " + std::string(text));
    ASSERT_TRUE(report) << text;
    EXPECT_EQ(report->topic, "logical 7") << text;
    EXPECT_EQ(report->kind, Kind::kMetadata) << text;
    EXPECT_EQ(report->meaning, Meaning::kError) << text;
  }
}

TEST(BtrfsLog, AnAbortHasItsPlaceInTheText) {
  EXPECT_EQ(
      Parse("BTRFS: error (device loop1 state A) in btrfs_commit_transaction:2546: errno=-5 IO failure (Error while "
            "writing out transaction)"),
      (ErrorReport{.device = "loop1",
                   .kind = Kind::kReadOnly,
                   .code = EIO,
                   .function = "btrfs_commit_transaction",
                   .line = 2546,
                   .message = "errno=-5 IO failure (Error while writing out transaction)",
                   .topic = "abort",
                   .more = true}));
  // Before 6.2.
  EXPECT_EQ(Parse("BTRFS: error (device loop1: state EA) in f:1: errno=-28 No space left")->device, "loop1");
}

TEST(BtrfsLog, WhatFollowsFromAnAbortIsAnAddition) {
  for (const char* line : {"BTRFS: error (device loop1 state EA) in cleanup_transaction:2038: errno=-5 IO failure",
                           "BTRFS error (device loop1 state EA): Transaction aborted (error -5)",
                           "BTRFS warning (device loop1 state EA): Skipping commit of aborted transaction.",
                           "BTRFS error (device loop1 state E): commit super ret -30"}) {
    const auto report = Parse(line);
    ASSERT_TRUE(report) << line;
    EXPECT_EQ(report->meaning, Meaning::kAddition) << line;
    EXPECT_EQ(report->topic, "abort") << line;
  }
  const auto forced = Parse("BTRFS info (device loop1 state E): forced readonly");
  ASSERT_TRUE(forced);
  EXPECT_EQ(forced->meaning, Meaning::kError) << "the line before can be missing";
  EXPECT_EQ(forced->kind, Kind::kReadOnly);
}

TEST(BtrfsLog, AMountThatIsRefusedConcludesWhatWasSaidBefore) {
  const auto root = Parse("BTRFS warning (device loop1): couldn't read tree root");
  ASSERT_TRUE(root);
  EXPECT_TRUE(root->concludes);
  EXPECT_EQ(root->meaning, Meaning::kError);
  EXPECT_EQ(Parse("BTRFS error (device loop1): open_ctree failed: -5")->code, EIO);
  EXPECT_EQ(Parse("BTRFS error (device loop1): open_ctree failed: -22")->meaning, Meaning::kAddition)
      << "alone it may be an option that is not known";
}

TEST(BtrfsLog, ScrubsLinesOfOneStripeAreOneError) {
  const auto found = Parse(
      "BTRFS error (device loop0): scrub: unable to fixup (regular) error at logical 13631488 on dev "
      "/dev/loop0 physical 13631488");
  const auto file = Parse(
      "BTRFS warning (device loop0): scrub: checksum error at logical 13631488 on dev /dev/loop0, "
      "physical 13631488 root 5 inode 260 offset 0 length 4096 links 1 (path: letters/alice)");
  ASSERT_TRUE(found && file);
  EXPECT_EQ(found->topic, file->topic);
  EXPECT_EQ(file->inode, 260u);
  EXPECT_EQ(file->inode_root, 5u);
  EXPECT_EQ(file->range, (Range{0, 4096}));
  // Before 6.12.
  const auto older =
      Parse("BTRFS error (device loop0): unable to fixup (regular) error at logical 13631488 on dev /dev/loop0");
  ASSERT_TRUE(older);
  EXPECT_EQ(older->topic, found->topic);
}

TEST(BtrfsLog, AScrubBeginsAndEndsOnEachDevice) {
  const auto began = ParseBtrfsLine("BTRFS info (device loop0): scrub: started on devid 2");
  ASSERT_TRUE(began);
  EXPECT_EQ(began->meaning, ErrorReport::Meaning::kScrubBegan);
  EXPECT_EQ(began->scrubbed, 2U);
  EXPECT_EQ(began->device, "loop0");
  const auto ended = ParseBtrfsLine("BTRFS info (device loop0): scrub: finished on devid 2 with status: 0\n");
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->meaning, ErrorReport::Meaning::kScrubEnded);
  EXPECT_EQ(ended->scrubbed, 2U);
  EXPECT_FALSE(ParseBtrfsLine("BTRFS info (device loop0): scrub: finished on devid 2 with status: -5"));
  EXPECT_FALSE(ParseBtrfsLine("BTRFS info (device loop0): scrub: not finished on devid 2 with status: -125"));
  EXPECT_FALSE(ParseBtrfsLine("BTRFS info (device loop0): scrub: started on devid x"));
}

TEST(BtrfsLog, NewsAreNoErrors) {
  for (const char* line : {"BTRFS info (device loop0): using crc32c (crc32c-lib) checksum algorithm",
                           "BTRFS info (device loop0): turning on async discard",
                           "BTRFS info (device loop0): scrub: not finished on devid 1 with status: -125",
                           "BTRFS warning (device loop0): devid 2 uuid 1-2 is here",
                           "BTRFS: device fsid 9c781d0b devid 1 transid 11 /dev/loop0 (7:0) scanned by mount (26917)",
                           "BTRFS error (device ): x", "BTRFS error (device a b): x", "BTRFS error (device loop0", ""})
    EXPECT_FALSE(Parse(line)) << line;
  EXPECT_EQ(Parse("BTRFS info (device loop0): first mount of filesystem 9c781d0b")->meaning, Meaning::kMounted);
  EXPECT_EQ(Parse("BTRFS info (device loop0 state EA): last unmount of filesystem 9c781d0b")->meaning,
            Meaning::kUnmounted);
}

TEST(BtrfsLog, AnErrorThatNoRowKnowsIsTold) {
  const auto report = Parse("BTRFS critical (device loop0): something new and terrible");
  ASSERT_TRUE(report);
  EXPECT_EQ(report->meaning, Meaning::kError);
  EXPECT_EQ(report->message, "something new and terrible");
}

// How many lines of a fixture are errors or say more of one.
size_t ErrorsIn(const std::string& name) {
  std::ifstream file(std::string(FSHERALD_FIXTURES) + "/linux-6.18.44/" + name + ".kmsg");
  EXPECT_TRUE(file.is_open()) << name;
  size_t errors = 0;
  for (std::string line; std::getline(file, line);) {
    const auto report = Parse(line.substr(std::min(line.size(), line.find(';') + 1)));
    if (report && (report->meaning == Meaning::kError || report->meaning == Meaning::kAddition)) ++errors;
  }
  return errors;
}

TEST(BtrfsLog, EveryLineOfAnErrorInTheFixturesIsUnderstood) {
  const std::map<std::string, size_t> kErrors = {
      {"btrfs_data_checksum_single", 8},   {"btrfs_data_checksum_dup", 3},     {"btrfs_data_checksum_dup_both", 16},
      {"btrfs_metadata_checksum_both", 4}, {"btrfs_metadata_checksum_dup", 2}, {"btrfs_transid_mismatch", 4},
      {"btrfs_corrupt_leaf", 8},           {"btrfs_write_error_metadata", 15}, {"btrfs_write_error_superblock", 8},
      {"btrfs_mount_refused_chunk", 4},    {"btrfs_mount_refused_super", 2},
  };
  for (const auto& [name, errors] : kErrors) EXPECT_EQ(ErrorsIn(name), errors) << name;
}

}  // namespace
}  // namespace fsherald
