// SPDX-License-Identifier: MIT
// The values are as captured on Linux 6.18 but where a test says otherwise.
#include "filesystem/xfs_event.h"

#include <cerrno>

#include <gtest/gtest.h>

#include "filesystem/xfs_terms.h"

namespace fsherald {
namespace {

std::optional<ErrorReport> Parse(TracePoint point, std::array<uint64_t, 6> values, std::string text = {},
                                 std::vector<std::string> stack = {}) {
  return ParseXfsEvent(
      {.point = point, .filesystem_type = "xfs", .values = values, .text = std::move(text), .stack = std::move(stack)});
}

TEST(XfsEvent, ABlockThatFailsItsCheck) {
  EXPECT_EQ(Parse(TracePoint::kXfsBufferError, {EBADMSG, 0x28001, 1, 1, 1}, "xfs_agf"),
            (ErrorReport{.code = EBADMSG,
                         .group = 1,
                         .fields = {{"daddr", uint64_t{0x28001}}, {"length", uint64_t{1}}, {"structure", "xfs_agf"}},
                         .topic = "daddr 0x28001",
                         .part = kXfsEventPart,
                         .more = true}));
}

TEST(XfsEvent, ABlockThatWasReadAheadIsNobodysYet) {
  auto report = Parse(TracePoint::kXfsBufferError, {EBADMSG, 0x70078, 8, 1 | 1 << 2 | 1 << 4, 2}, "xfs_dir3_data");
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->speculative);
  EXPECT_TRUE(report->task_is_any);
  EXPECT_EQ(Parse(TracePoint::kXfsBufferError, {EIO, 8, 8, 1 << 2, 0}, "xfs_dir3_data_reada")->fields.back(),
            (SpecificField{"structure", "xfs_dir3_data"}));
}

TEST(XfsEvent, ABlockThatTheDiskCannotReadHasItsPlaceOnTheDevice) {
  auto report = Parse(TracePoint::kXfsBufferError, {EIO, 0x70078, 8, 1, 2}, "xfs_dir3_data",
                      {"__xfs_buf_ioerror+0x51/0x60", "xfs_buf_bio_end_io+0x93/0x110", "blk_update_request+0x1/0x2"});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->code, EIO);
  EXPECT_EQ(report->range, (Range{.offset_bytes = 0x70078 * 512, .length_bytes = 4096}));
  EXPECT_TRUE(report->task_is_any) << "it comes in an interrupt";
  EXPECT_FALSE(report->speculative);
}

TEST(XfsEvent, AWriteThatIsTriedAgainMayRepeat) {
  constexpr uint64_t kFlags = 1 << 1 | 1 << 4 | 1 << 5;
  EXPECT_EQ(Parse(TracePoint::kXfsBufferError, {EIO, 0x28080, 32, kFlags, 1}, "xfs_inode")->part, kXfsEventPart);
  EXPECT_EQ(Parse(TracePoint::kXfsBufferError, {EIO, 0x28080, 32, kFlags | 1 << 7, 1}, "xfs_inode")->part, 0U);
}

TEST(XfsEvent, WhatIsGivenUpAfterAShutdownIsNoError) {
  EXPECT_FALSE(Parse(TracePoint::kXfsBufferError, {EIO, 0x2, 1, 1 << 4 | 1 << 6, 0}, "xfs_agi"));
  EXPECT_FALSE(Parse(TracePoint::kXfsBufferError, {EIO, 0x2, 1, 1, 0}, "xfs_agi",
                     {"xfs_buf_ioend_fail+0x7d/0xb0", "xfs_buf_read_map+0x101/0x330"}));
}

TEST(XfsEvent, ABlockOfUnknownPlaceOrOfAnotherDevice) {
  auto nowhere = Parse(TracePoint::kXfsBufferError, {EIO, ~uint64_t{0}, 1, 1, 0});
  ASSERT_TRUE(nowhere);
  EXPECT_EQ(nowhere->topic, "");
  EXPECT_EQ(nowhere->group, std::nullopt);
  EXPECT_EQ(nowhere->range, std::nullopt);
  EXPECT_EQ(Parse(TracePoint::kXfsBufferError, {EUCLEAN, 8, 1, 1, ~uint64_t{0}})->group, std::nullopt);
}

TEST(XfsEvent, NumbersThatAreNoErrnoAreNoError) {
  EXPECT_FALSE(Parse(TracePoint::kXfsBufferError, {0, 8, 1, 1, 0}));
  EXPECT_FALSE(Parse(TracePoint::kXfsBufferError, {4096, 8, 1, 1, 0}));
}

TEST(XfsEvent, ABlockOfABtreeFollowsItsCheck) {
  auto report = Parse(TracePoint::kXfsBtreeCorrupt, {0, 0x28008, 8, 1, 1}, "xfs_bnobt");
  ASSERT_TRUE(report);
  EXPECT_EQ(report->topic, "daddr 0x28008");
  EXPECT_EQ(report->part, kXfsBtreePart);
  EXPECT_TRUE(report->follows);
}

TEST(XfsEvent, AMarkOfAGroupFollowsAndSaysWhatIsSick) {
  EXPECT_EQ(Parse(TracePoint::kXfsGroupSick, {0x2, 1, 0}), (ErrorReport{.code = EUCLEAN,
                                                                        .group = 1,
                                                                        .fields = {{"domain", "ag"}, {"sick", "agf"}},
                                                                        .told_by_fanotify = true,
                                                                        .topic = "ag 1",
                                                                        .follows = true}));
  EXPECT_EQ(Parse(TracePoint::kXfsGroupSick, {0x2, 1, 1})->fields,
            (std::vector<SpecificField>{{"domain", "rtgroup"}, {"sick", "bitmap"}}));
}

TEST(XfsEvent, AMarkOfAnInodeHasItsGenerationWhereItCouldBeRead) {
  EXPECT_EQ(Parse(TracePoint::kXfsInodeSick, {0x10, 0xa0080, 77}),
            (ErrorReport{.code = EUCLEAN,
                         .inode = 0xa0080,
                         .generation = 77,
                         .fields = {{"domain", "inode"}, {"sick", "dir"}},
                         .told_by_fanotify = true,
                         .topic = "inode 0xa0080",
                         .follows = true}));
  EXPECT_EQ(Parse(TracePoint::kXfsInodeSick, {0x1, 0x40081, 0})->generation, std::nullopt);
}

TEST(XfsEvent, WhatScrubFindsFollowsNothing) {
  auto report = Parse(TracePoint::kXfsInodeCorrupt, {0x10, 0xa0080, 77});
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->follows);
  EXPECT_EQ(report->count, 1U);
}

TEST(XfsEvent, WhatIsHealthyAgainIsNoError) {
  EXPECT_EQ(Parse(TracePoint::kXfsFsHealthy, {0x1}),
            (ErrorReport{.fields = {{"domain", "fs"}, {"sick", "counters"}}, .corrected = true, .count = 0}));
}

TEST(XfsEvent, RemindersAtTheUnmountingAreNothingNew) {
  EXPECT_FALSE(Parse(TracePoint::kXfsFsUnfixed, {0x1}));
  EXPECT_FALSE(Parse(TracePoint::kXfsGroupUnfixed, {0x20, 1, 0}));
  EXPECT_FALSE(Parse(TracePoint::kXfsInodeUnfixed, {0x10, 0xa0080, 77}));
}

TEST(XfsEvent, AShutdownHasItsPlace) {
  EXPECT_EQ(Parse(TracePoint::kXfsShutdown, {0x2, 0x6, 475}, "fs/xfs/xfs_fsops.c"),
            (ErrorReport{.kind = Kind::kShutdown,
                         .code = ESHUTDOWN,
                         .line = 475,
                         .file = "fs/xfs/xfs_fsops.c",
                         .fields = {{"domain", "fs"}, {"reason", "requested"}},
                         .told_by_fanotify = true,
                         .topic = "shutdown",
                         .part = kXfsEventPart,
                         .more = true}));
}

// A storm of events is folded into a count, whose values are all 0. What each of them means its lines tell.
TEST(XfsEvent, FoldedEventsOfWhatHasLinesAreNotCountedAgain) {
  for (TracePoint point : {TracePoint::kXfsBufferError, TracePoint::kXfsBtreeCorrupt, TracePoint::kXfsInodeSick,
                           TracePoint::kXfsGroupSick, TracePoint::kXfsFsSick, TracePoint::kXfsInodeHealthy})
    EXPECT_FALSE(Parse(point, {})) << static_cast<int>(point);
  for (TracePoint point : {TracePoint::kXfsShutdown, TracePoint::kXfsInodeCorrupt, TracePoint::kXfsGroupCorrupt})
    EXPECT_TRUE(Parse(point, {})) << static_cast<int>(point);
}

}  // namespace
}  // namespace fsherald
