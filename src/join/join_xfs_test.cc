// SPDX-License-Identifier: MIT
// What XFS says of one error, in the order in which Linux 6.18 said it (events of the trace, lines of the log; the dumps and
// hints between them left out), and that it is told once.
#include <gtest/gtest.h>

#include <cerrno>

#include "filesystem/filesystem.h"
#include "join/join.h"

namespace fsherald {
namespace {

constexpr FilesystemKey kFs{1};
constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kLater = 1000 * kMs;
constexpr uint64_t kRead = 1;
constexpr uint64_t kReadAhead = 1 | 1 << 2 | 1 << 4;

struct Who {
  uint32_t tid;
  const char* comm;
};
constexpr Who kWorker{11, "kworker/0:1"};
constexpr Who kInterrupt{14, "ksoftirqd/0"};
constexpr Who kCat{200, "cat"};
constexpr Who kOther{201, "ls"};

// Says what the kernel says, each a millisecond after the one before, and takes what is told in the end.
class Xfs {
 public:
  explicit Xfs() { join_.Open(kFs, {.trace = true, .lines = true, .lines_with_task = true}, std::nullopt); }

  Xfs& Event(Who who, TracePoint point, std::array<uint64_t, 6> values, const char* text = "",
             std::vector<std::string> stack = {"xfs_da_read_buf+0x1/0x2"}) {
    std::optional<ErrorReport> report =
        ParseEvent({.point = point, .filesystem_type = "xfs", .values = values, .text = text, .stack = stack});
    if (!report) return *this;
    report->speculative = report->speculative || IsReadAhead(stack);
    report->task_is_any = report->task_is_any || IsCompletion(stack);
    join_.Add({kFs, EventSignal{.boottime_ns = Now(), .task = Task(who), .stack = stack, .report = *report}}, now_);
    return *this;
  }

  Xfs& Line(Who who, std::string text, std::vector<std::string> stack = {"xfs_da_read_buf+0x1/0x2"}) {
    std::optional<ParsedLog> parsed = ParseLog(text);
    if (!parsed) return *this;
    ErrorReport report = parsed->report;
    report.speculative = report.speculative || (!report.topic.empty() && IsReadAhead(stack));
    report.task_is_any = report.task_is_any || IsCompletion(stack);
    join_.Add({kFs, LogSignal{.boottime_ns = Now(), .task = Task(who), .stack = stack, .report = report}}, now_);
    return *this;
  }

  // A block's check fails: what is said up to the reader's line.
  Xfs& BadBlock(Who who, uint64_t flags) {
    Event(who, TracePoint::kXfsBufferError, {EBADMSG, 0x70078, 8, flags, 2}, "xfs_dir3_data");
    Line(who,
         "XFS (loop3): Metadata CRC error detected at xfs_dir3_data_read_verify+0x71/0x100, xfs_dir3_data block "
         "0x70078 ");
    if (flags == kReadAhead) return *this;
    return Line(who,
                "XFS (loop3): metadata I/O error in \"xfs_da_read_buf+0xea/0x180\" at daddr 0x70078 len 8 error 74");
  }
  Xfs& Mark(Who who, uint64_t inode = 0xa0080, uint64_t mask = 0x10) {
    return Event(who, TracePoint::kXfsInodeSick, {mask, inode, 77});
  }

  // `start`: where the file system's own device begins on the disk.
  Xfs& FailedRequest(uint64_t sector, uint64_t sectors, uint64_t operation, uint64_t start = 0) {
    std::optional<ErrorReport> report =
        ParseEvent({.point = TracePoint::kBlockError, .values = {10, sector, sectors * 512, operation, 7 << 20}});
    report->device_error->device = "loop0";
    report->range->offset_bytes -= start * 512;
    join_.Add({kFs, EventSignal{.boottime_ns = Now(), .task = Task(kInterrupt), .report = *report}}, now_);
    return *this;
  }

  Xfs& Wait(uint64_t ns) {
    now_ += ns;
    return *this;
  }
  std::vector<Joined> ToldSoFar() { return join_.Take(now_); }
  std::vector<Joined> ToldUntil(uint64_t now_ns) { return join_.Take(now_ns); }
  std::vector<Joined> Told() { return join_.Take(now_ + kLater); }

 private:
  uint64_t Now() { return now_ += kMs; }
  static fsherald::Task Task(Who who) { return {.pid = who.tid, .tid = who.tid, .comm = who.comm, .cgroup = {}}; }

  Join join_;
  uint64_t now_ = 0;
};

TEST(JoinXfs, ABlockReadAheadAndThenReadIsOneErrorOfWhoWantedIt) {
  std::vector<Joined> told = Xfs().BadBlock(kWorker, kReadAhead).BadBlock(kCat, kRead).Mark(kCat).Told();
  ASSERT_EQ(told.size(), 1U);
  const Notification& error = told[0].notification;
  EXPECT_EQ(error.error, (ErrorInfo{.code = EBADMSG, .count = 1}));
  EXPECT_EQ(error.kind, Kind::kMetadata);
  EXPECT_EQ(error.location->function, "xfs_dir3_data_read_verify");
  EXPECT_EQ(error.object, (ObjectInfo{.inode = 0xa0080, .generation = 77}));
  EXPECT_EQ(error.task->comm, "cat");
  EXPECT_EQ(error.range, std::nullopt);
  EXPECT_EQ(told[0].report->group, 2U);
}

// Before 6.14: only the line of who asked says that it read ahead.
TEST(JoinXfs, ABlockFoundBadByAWorkerForAReadAheadAndThenForAReaderIsOneErrorOfTheReader) {
  const std::vector<std::string> worker{"xfs_buf_ioend+0x1/0x2", "process_one_work+0x1/0x2"};
  const std::vector<std::string> ahead{"xfs_btree_read_buf_block+0x1/0x2", "read_pages+0x1/0x2"};
  const std::vector<std::string> read{"xfs_btree_read_buf_block+0x1/0x2", "filemap_read_folio+0x1/0x2"};
  Xfs xfs;
  for (const auto& asks : {ahead, read})
    xfs.Event(kWorker, TracePoint::kXfsBufferError, {EBADMSG, 0x7a0c8, 8, kRead, 3}, "xfs_bmbt", worker)
        .Line(
            kWorker,
            "XFS (loop0): Metadata CRC error detected at xfs_bmbt_read_verify+0x12/0xb0 [xfs], xfs_bmbt block 0x7a0c8 ",
            worker)
        .Line(
            kCat,
            "XFS (loop0): metadata I/O error in \"xfs_btree_read_buf_block+0xae/0xf0\" at daddr 0x7a0c8 len 8 error 74",
            asks);
  const std::vector<Joined> told = xfs.Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].notification.error, (ErrorInfo{.code = EBADMSG, .count = 1}));
  EXPECT_EQ(told[0].notification.task->comm, "cat");
}

TEST(JoinXfs, ABlockOnlyReadAheadIsToldToo) {
  std::vector<Joined> told = Xfs().BadBlock(kWorker, kReadAhead).Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].notification.error.count, 1U);
}

TEST(JoinXfs, TheSameBlockReadThreeTimesIsThreeErrors) {
  Xfs xfs;
  for (int i = 0; i < 3; ++i) xfs.BadBlock(kCat, kRead).Mark(kCat);
  std::vector<Joined> told = xfs.Told();
  ASSERT_EQ(told.size(), 1U) << "equal ones are one notification";
  EXPECT_EQ(told[0].notification.error.count, 3U);
}

TEST(JoinXfs, TwoTasksThatMeetTheSameDamageAreTwoErrors) {
  std::vector<Joined> told = Xfs()
                                 .Event(kCat, TracePoint::kXfsBufferError, {EBADMSG, 0x70078, 8, kRead, 2})
                                 .Event(kOther, TracePoint::kXfsBufferError, {EBADMSG, 0x70078, 8, kRead, 2})
                                 .Mark(kCat)
                                 .Mark(kOther)
                                 .Told();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].notification.task->comm, "cat");
  EXPECT_EQ(told[1].notification.task->comm, "ls");
  for (const Joined& joined : told) EXPECT_EQ(joined.notification.object->inode, 0xa0080U);
}

// Page read-ahead first and then the page itself walk the tree of extents, each with a read-ahead of the tree's own.
TEST(JoinXfs, APointerMetWhileReadingAheadAndThenReadingIsOneError) {
  const std::string pointer = "XFS (loop0): Inode 786563 fork 0: Corrupt bmapbt pointer at level 1 index 0.";
  const std::vector<std::string> readahead{"xfs_btree_ptr_to_daddr+0x1/0x2", "iomap_readahead+0x1/0x2",
                                           "read_pages+0x1/0x2"};
  const std::vector<std::string> tree_readahead{"xfs_btree_ptr_to_daddr+0x1/0x2", "xfs_btree_readahead_ptr+0x1/0x2"};
  const std::vector<std::string> read{"xfs_btree_ptr_to_daddr+0x1/0x2", "iomap_read_folio+0x1/0x2"};
  Xfs xfs;
  for (const auto& stack : {readahead, readahead, tree_readahead, read})
    xfs.Line(kCat, pointer, stack).Event(kCat, TracePoint::kXfsInodeSick, {0x2, 0xc0083, 5}, "", stack);
  xfs.Event(kCat, TracePoint::kXfsInodeSick, {0x2, 0xc0083, 5}, "", {"xfs_iread_extents+0x1/0x2"});
  std::vector<Joined> told = xfs.Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].notification.error, (ErrorInfo{.code = EUCLEAN, .count = 1}));
  EXPECT_EQ(told[0].notification.location->function, "xfs_btree_ptr_to_daddr");
}

TEST(JoinXfs, AnInodesBadForkIsOneErrorInTwoVerdicts) {
  std::vector<Joined> told =
      Xfs()
          .Line(kCat,
                "XFS (loop0): Metadata corruption detected at xfs_bmap_validate_extent_raw+0xbd/0xe0, inode 0x40081 "
                "xfs_iformat_extents(2)")
          .Mark(kCat, 0x40081, 1)
          .Line(kCat,
                "XFS (loop0): Bmap BTree record corruption in inode 0x40081 data fork detected at "
                "xfs_bmap_validate_extent_raw+0xbd/0xe0!")
          .Mark(kCat, 0x40081, 1)
          .Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].notification.error.count, 1U);
}

TEST(JoinXfs, AShutdownIsToldBesideWhatLedToIt) {
  std::vector<Joined> told =
      Xfs()
          .BadBlock(kWorker, kRead)
          .Event(kWorker, TracePoint::kXfsShutdown, {2, 1, 311}, "fs/xfs/xfs_trans_buf.c",
                 {"xfs_do_force_shutdown+0x1/0x2", "xfs_trans_read_buf_map+0x1/0x2"})
          .Line(kWorker,
                "XFS (loop3): Metadata I/O Error (0x1) detected at xfs_trans_read_buf_map+0x1c1/0x330 "
                "(fs/xfs/xfs_trans_buf.c:311).  Shutting down filesystem.")
          .Event(kWorker, TracePoint::kXfsGroupSick, {0x10, 1, 0})  // after the shutdown, of the block
          .Told();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].notification.kind, Kind::kMetadata);
  EXPECT_EQ(told[0].notification.error, (ErrorInfo{.code = EBADMSG, .count = 1}));
  EXPECT_EQ(told[1].notification.kind, Kind::kShutdown);
  EXPECT_EQ(told[1].notification.error, (ErrorInfo{.code = EIO, .count = 1}));
  EXPECT_EQ(told[1].notification.location->function, "xfs_trans_read_buf_map");
  EXPECT_EQ(told[1].notification.location->file, "fs/xfs/xfs_trans_buf.c");
  EXPECT_EQ(told[1].notification.location->line, 311U);
}

TEST(JoinXfs, LostDataIsToldBesideWhatLedToIt) {
  std::vector<Joined> told =
      Xfs()
          .Line(kCat, "XFS (loop0): cntbt record corruption in AG 1 detected at xfs_alloc_check_irec+0x4a/0x80!")
          .Event(kCat, TracePoint::kXfsGroupSick, {0x20, 1, 0})
          .Line(kCat, "XFS (loop0): page discard on page 0000000043e0842d, inode 0x40082, pos 0.")
          .Event(kCat, TracePoint::kWritebackError, {EUCLEAN, 0x40082, 9})
          .Told();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].notification.kind, Kind::kMetadata);
  EXPECT_EQ(told[1].notification.kind, Kind::kWriteback);
  EXPECT_EQ(told[1].notification.error, (ErrorInfo{.code = EUCLEAN, .count = 1}));
  EXPECT_EQ(told[1].notification.object, (ObjectInfo{.inode = 0x40082, .generation = 9}));
  EXPECT_EQ(told[1].notification.task->comm, "cat");
}

// On 6.1 each page looks for its blocks by itself, and behind a slow console that takes longer than the window.
TEST(JoinXfs, AFilesPagesThatAreLostOneAfterTheOtherAreOneLostWriteBack) {
  const std::vector<std::string> pass{"__filemap_set_wb_err+0x1/0x2", "xfs_discard_folio+0x1/0x2",
                                      "do_writepages+0x1/0x2"};
  Xfs xfs;
  for (uint64_t page = 0; page < 256; ++page) {
    if (page < 10)
      xfs.Line(kCat, "XFS (loop0): page discard on page 0000000043e0842d, inode 0x40082, pos " +
                         std::to_string(page * 4096) + ".");
    xfs.Event(kCat, TracePoint::kWritebackError, {EUCLEAN, 0x40082, 9}, "", pass).Wait(20 * kMs);
    EXPECT_TRUE(xfs.ToldSoFar().empty());
  }
  const std::vector<Joined> told = xfs.Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].notification.kind, Kind::kWriteback);
  EXPECT_EQ(told[0].notification.error, (ErrorInfo{.code = EUCLEAN, .count = 1}));
  EXPECT_EQ(told[0].notification.object, (ObjectInfo{.inode = 0x40082, .generation = 9}));
}

TEST(JoinXfs, ABlockThatTheDiskCannotReadIsOneErrorOfTheReader) {
  const std::vector<std::string> bio{"xfs_buf_bio_end_io+0x93/0x110", "blk_update_request+0x1/0x2"};
  std::vector<Joined> told =
      Xfs()
          .FailedRequest(0x70078, 8, 1 << 19)
          .Event(kInterrupt, TracePoint::kXfsBufferError, {EIO, 0x70078, 8, kReadAhead, 2}, "xfs_dir3_data", bio)
          .FailedRequest(0x70078, 8, 0)
          .Event(kInterrupt, TracePoint::kXfsBufferError, {EIO, 0x70078, 8, kRead, 2}, "xfs_dir3_data", bio)
          .Line(kCat,
                "XFS (loop0): metadata I/O error in \"xfs_da_read_buf+0xea/0x180\" at daddr 0x70078 len 8 error 5")
          .Told();
  ASSERT_EQ(told.size(), 1U);
  const Notification& error = told[0].notification;
  EXPECT_EQ(error.error, (ErrorInfo{.code = EIO, .count = 1}));
  EXPECT_EQ(error.location->function, "xfs_da_read_buf");
  EXPECT_EQ(error.location->stack, std::vector<std::string>{"xfs_da_read_buf+0x1/0x2"}) << "not the interrupt's";
  EXPECT_EQ(error.task->comm, "cat");
  ASSERT_TRUE(error.device_error);
  EXPECT_EQ(error.device_error->sector, 0x70078U);
  EXPECT_EQ(error.device_error->count, 2U);
}

TEST(JoinXfs, APartitionsBlocksAreCountedFromItsStart) {
  std::vector<Joined> told =
      Xfs()
          .FailedRequest(2048 + 0x70078, 8, 0, 2048)
          .Line(kCat,
                "XFS (loop0p1): metadata I/O error in \"xfs_da_read_buf+0xea/0x180\" at daddr 0x70078 len 8 error 5")
          .Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].notification.device_error->sector, 2048U + 0x70078) << "the disk's";
}

TEST(JoinXfs, AFailedReadAheadWaitsForWhoWantsTheBlock) {
  Xfs xfs;
  xfs.FailedRequest(0x70078, 8, 1 << 19)
      .Event(kInterrupt, TracePoint::kXfsBufferError, {EIO, 0x70078, 8, kReadAhead, 2}, "xfs_dir3_data_reada");
  EXPECT_TRUE(xfs.ToldUntil(160 * kMs).empty()) << "a request by itself would be told by now";
  std::vector<Joined> told = xfs.ToldUntil(300 * kMs);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].notification.kind, Kind::kMetadata);
  EXPECT_TRUE(told[0].notification.device_error);
  EXPECT_TRUE(xfs.ToldUntil(1000 * kMs).empty());
}

TEST(JoinXfs, ARequestElsewhereIsNotTheCause) {
  std::vector<Joined> told =
      Xfs()
          .FailedRequest(8, 8, 0)
          .Line(kCat,
                "XFS (loop0): metadata I/O error in \"xfs_da_read_buf+0xea/0x180\" at daddr 0x70078 len 8 error 5")
          .Told();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_FALSE(told[0].notification.device_error);
  EXPECT_EQ(told[1].notification.kind, Kind::kDevice);
}

TEST(JoinXfs, AWriteThatIsTriedAgainIsOneErrorAndItsEndAShutdown) {
  const std::vector<std::string> bio{"xfs_buf_bio_end_io+0x93/0x110"};
  constexpr uint64_t kWrite = 1 << 1 | 1 << 4 | 1 << 5;
  std::vector<Joined> told =
      Xfs()
          .FailedRequest(0x28080, 32, 1)
          .Event(kInterrupt, TracePoint::kXfsBufferError, {EIO, 0x28080, 32, kWrite, 1}, "xfs_inode", bio)
          .Line(kWorker,
                "XFS (loop0): metadata I/O error in \"__xfs_buf_ioend+0x1e0/0x580\" at daddr 0x28080 len 32 error 5")
          .FailedRequest(0x28080, 32, 1)
          .Event(kInterrupt, TracePoint::kXfsBufferError, {EIO, 0x28080, 32, kWrite | 1 << 7, 1}, "xfs_inode", bio)
          .Event(kWorker, TracePoint::kXfsShutdown, {2, 1, 1134}, "fs/xfs/xfs_buf.c")
          .Line(
              kWorker,
              "XFS (loop0): Metadata I/O Error (0x1) detected at __xfs_buf_ioend+0x513/0x580 (fs/xfs/xfs_buf.c:1134).  "
              "Shutting down filesystem.")
          .Told();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].notification.error, (ErrorInfo{.code = EIO, .count = 1}));
  EXPECT_EQ(told[0].notification.kind, Kind::kMetadata);
  EXPECT_EQ(told[1].notification.kind, Kind::kShutdown);
  for (const Joined& joined : told) EXPECT_TRUE(joined.notification.device_error);
}

TEST(JoinXfs, ALogThatCannotBeWrittenIsOneShutdown) {
  std::vector<Joined> told = Xfs()
                                 .FailedRequest(328145, 5, 1)
                                 .Line(kWorker, "XFS (loop0): log I/O error -5")
                                 .Line(kWorker, "XFS (loop0): Filesystem has been shut down due to log error (0x2).")
                                 .Event(kWorker, TracePoint::kXfsBufferError, {EIO, 2, 1, 1 << 4 | 1 << 6, 0},
                                        "xfs_agi", {"xfs_buf_ioend_fail+0x7d/0xb0"})
                                 .Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].notification.kind, Kind::kShutdown);
  EXPECT_EQ(told[0].notification.error, (ErrorInfo{.code = EIO, .count = 1}));
  EXPECT_EQ(told[0].notification.device_error->sector, 328145U);
}

TEST(JoinXfs, WhatIsHealthyAgainIsToldAndCountsAsNoError) {
  std::vector<Joined> told = Xfs().Event(kCat, TracePoint::kXfsInodeHealthy, {0x10, 0xa0080, 77}).Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_TRUE(IsHealthyAgain(told[0].notification));
  EXPECT_EQ(told[0].notification.error, (ErrorInfo{.code = std::nullopt, .count = 0}));
}

TEST(JoinXfs, MarksOfDifferentInodesAreDifferentErrors) {
  EXPECT_EQ(Xfs().Mark(kCat, 128).Mark(kCat, 129).Told().size(), 2U);
  EXPECT_EQ(Xfs().Mark(kCat, 128).Mark(kCat, 128).Told().size(), 1U) << "one error is marked where it is met and above";
}

}  // namespace
}  // namespace fsherald
