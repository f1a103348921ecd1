// SPDX-License-Identifier: MIT
// Lines as squashfs and erofs print them of one damage, put together (tests/fixtures/lines; order and tasks as seen).
#include <gtest/gtest.h>

#include <cerrno>

#include "join/join.h"

namespace fsherald {
namespace {

constexpr FilesystemKey kKey{1};
constexpr uint64_t kMs = 1'000'000;

class ChainsTest : public testing::Test {
 protected:
  void SetUp() override { join_.Open(kKey, {.lines = true, .lines_with_task = true}, std::nullopt); }

  // Each line comes 2 ms after the one before, as over a slow console.
  void Print(uint32_t tid, std::string_view line, bool read_ahead = false, std::string function = "f") {
    now_ns_ += 2 * kMs;
    std::optional<ParsedLog> parsed = ParseLog(line);
    ASSERT_TRUE(parsed) << line;
    parsed->report.speculative = read_ahead;
    join_.Add({kKey, LogSignal{.boottime_ns = now_ns_,
                               .task = Task{.pid = tid, .tid = tid, .comm = tid < 100 ? "kworker" : "cat"},
                               .stack = {function + "+0x1"},
                               .report = parsed->report}},
              now_ns_);
  }
  std::vector<Joined> Told() { return join_.Take(now_ns_ + 1000 * kMs); }

  Join join_;
  uint64_t now_ns_ = 1000 * kMs;
};

TEST_F(ChainsTest, ASquashfsBlockThatDoesNotDecompressIsOneErrorOfTheFilesData) {
  Print(100, "SQUASHFS error: zlib decompression failed, data probably corrupt", true);
  Print(100, "SQUASHFS error: zlib decompression failed, data probably corrupt");
  Print(100, "SQUASHFS error: Failed to read block 0x60: -5");
  Print(100, "SQUASHFS error: Unable to read data cache entry [60]");
  Print(100, "SQUASHFS error: Unable to read page, block 60, size ebb3");
  const std::vector<Joined> told = Told();
  ASSERT_EQ(told.size(), 1);
  EXPECT_EQ(told[0].notification.kind, Kind::kDataRead);
  EXPECT_EQ(told[0].notification.error, (ErrorInfo{.code = EIO, .count = 1}));
  EXPECT_EQ(told[0].report->block, 0x60);
  EXPECT_EQ(told[0].report->message, "zlib decompression failed, data probably corrupt");
}

// As Linux 6.1 said it: the read-ahead tells as much as the reader, and neither more.
TEST_F(ChainsTest, ASquashfsBlockReadStraightIntoItsPagesAndReadAheadBeforeIsOneError) {
  for (const bool read_ahead : {true, false}) {
    Print(100, "SQUASHFS error: zlib decompression failed, data probably corrupt", read_ahead,
          read_ahead ? "ahead" : "squashfs_decompress");
    Print(100, "SQUASHFS error: Failed to read block 0x60: -5", read_ahead);
  }
  const std::vector<Joined> told = Told();
  ASSERT_EQ(told.size(), 1);
  EXPECT_EQ(told[0].notification.error, (ErrorInfo{.code = EIO, .count = 1}));
  EXPECT_EQ(told[0].report->block, 0x60);
  EXPECT_EQ(told[0].notification.location->stack, std::vector<std::string>{"squashfs_decompress+0x1"})
      << "the reader's";
}

TEST_F(ChainsTest, ASquashfsBlockThatIsOnlyReadAheadIsToldToo) {
  Print(100, "SQUASHFS error: zlib decompression failed, data probably corrupt", true);
  Print(100, "SQUASHFS error: Failed to read block 0x60: -5", true);
  EXPECT_EQ(Told().size(), 1);
}

TEST_F(ChainsTest, TheSameBlockAskedForAgainIsAnotherError) {
  for (int i = 0; i < 2; ++i) {
    Print(100, "SQUASHFS error: Unable to read fragment cache entry [1d7b7]");
    Print(100, "SQUASHFS error: Unable to read page, block 1d7b7, size 2a");
  }
  EXPECT_EQ(Told().size(), 2);
}

TEST_F(ChainsTest, TwoDamagesOfOneTaskAreTwoErrors) {
  for (const char* block : {"60", "90"}) {
    Print(100, "SQUASHFS error: zlib decompression failed, data probably corrupt");
    Print(100, std::string("SQUASHFS error: Failed to read block 0x") + block + ": -5");
    Print(100, std::string("SQUASHFS error: Unable to read page, block ") + block + ", size 2a");
  }
  const std::vector<Joined> told = Told();
  ASSERT_EQ(told.size(), 2);
  EXPECT_EQ(told[0].report->block, 0x60);
  EXPECT_EQ(told[1].report->block, 0x90);
}

TEST_F(ChainsTest, DamagesOfTwoTasksAreTwoErrors) {
  for (uint32_t tid : {100, 200}) Print(tid, "SQUASHFS error: zlib decompression failed, data probably corrupt");
  for (uint32_t tid : {100, 200}) Print(tid, "SQUASHFS error: Failed to read block 0x" + std::to_string(tid) + ": -5");
  for (uint32_t tid : {100, 200})
    Print(tid, "SQUASHFS error: Unable to read page, block " + std::to_string(tid) + ", size 2a");
  const std::vector<Joined> told = Told();
  ASSERT_EQ(told.size(), 2);
  EXPECT_EQ(told[0].report->block, 0x100);
  EXPECT_EQ(told[0].notification.task->tid, 100);
  EXPECT_EQ(told[1].report->block, 0x200);
  EXPECT_EQ(told[1].notification.task->tid, 200);
}

TEST_F(ChainsTest, ARefusedMountOfSquashfsIsOneErrorOfItsMetadata) {
  Print(100, "SQUASHFS error: zlib decompression failed, data probably corrupt");
  Print(100, "SQUASHFS error: Failed to read block 0x1d7e3: -5");
  Print(100, "SQUASHFS error: Unable to read metadata cache entry [1d7e1]");
  Print(100, "SQUASHFS error: Unable to read inode 0xe8");
  const std::vector<Joined> told = Told();
  ASSERT_EQ(told.size(), 1);
  EXPECT_EQ(told[0].notification.kind, Kind::kMetadata);
  EXPECT_EQ(told[0].notification.error.code, EIO);
}

TEST_F(ChainsTest, WhatAnErofsWorkerReadAheadBelongsToTheReader) {
  Print(10, "erofs (device loop1): failed to decompress -157 in[4096, 0] out[4833]");
  Print(100, "erofs (device loop1): failed to decompress -157 in[4096, 0] out[3365]");
  Print(100, "erofs (device loop1): read error -117 @ 1 of nid 44");
  const std::vector<Joined> told = Told();
  ASSERT_EQ(told.size(), 1);
  EXPECT_EQ(told[0].notification.kind, Kind::kDataRead);
  EXPECT_EQ(told[0].notification.error.code, EUCLEAN);
  EXPECT_EQ(told[0].notification.object->inode, 44);
}

TEST_F(ChainsTest, ABadErofsLayoutMetByReadAheadAndReaderIsOneError) {
  Print(100, "erofs (device loop1): bogus lookback distance 1 @ lcn 0 of nid 54");
  Print(100, "erofs (device loop1): readahead error at folio 0 @ nid 54");
  Print(100, "erofs (device loop1): bogus lookback distance 1 @ lcn 0 of nid 54");
  Print(100, "erofs (device loop1): read error -117 @ 0 of nid 54");
  const std::vector<Joined> told = Told();
  ASSERT_EQ(told.size(), 1);
  EXPECT_EQ(told[0].notification.object->inode, 54);
  EXPECT_EQ(told[0].report->message, "bogus lookback distance 1 @ lcn 0 of nid 54");
}

TEST_F(ChainsTest, ASummaryIsPartOfWhatItSumsUpAndNothingByItself) {
  Print(100, "EXT4-fs (loop1): ext4_check_descriptors: Block bitmap for group 0 not in group (block 2147483647)!");
  Print(100, "EXT4-fs (loop1): group descriptors corrupted!");
  const std::vector<Joined> told = Told();
  ASSERT_EQ(told.size(), 1);
  EXPECT_EQ(told[0].report->group, 0);
  Print(100, "exFAT-fs (sdb1): failed to recognize exfat type");
  EXPECT_TRUE(Told().empty()) << "nothing was damaged before: it is of another type";
}

TEST_F(ChainsTest, AServerThatAnswersAgainIsNoErrorButTold) {
  Print(100, "nfs: server 10.0.0.5 OK");
  const std::vector<Joined> told = Told();
  ASSERT_EQ(told.size(), 1);
  EXPECT_TRUE(IsHealthyAgain(told[0].notification));
}

}  // namespace
}  // namespace fsherald
