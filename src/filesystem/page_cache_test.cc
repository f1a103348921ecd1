// SPDX-License-Identifier: MIT
#include "filesystem/page_cache.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace fsherald {
namespace {

TraceEvent Event(const char* type, uint64_t code, uint64_t inode) {
  return {.point = TracePoint::kWritebackError, .filesystem_type = type, .values = {code, inode, 9}};
}

TEST(PageCache, ALineOfALostPageNamesFileOffsetAndSector) {
  const auto report = ParsePageCacheLine("loop0: writeback error on inode 131, offset 4096, sector 192");
  ASSERT_TRUE(report);
  EXPECT_EQ(report->device, "loop0");
  EXPECT_EQ(report->kind, Kind::kWriteback);
  EXPECT_EQ(report->code, EIO);
  EXPECT_EQ(report->inode, 131U);
  EXPECT_EQ(report->range, (Range{.offset_bytes = 4096}));
  EXPECT_EQ(report->device_error, (DeviceError{.operation = DeviceError::Operation::kWrite, .sector = 192}));
  EXPECT_EQ(report->message, "loop0: writeback error on inode 131, offset 4096, sector 192");
  EXPECT_TRUE(report->task_is_any) << "it is printed where the request ends";
}

TEST(PageCache, WhatALineLeavesOutIsNotKnown) {
  const auto report = ParsePageCacheLine("loop0: writeback error on inode 131");
  ASSERT_TRUE(report);
  EXPECT_EQ(report->range, std::nullopt);
  EXPECT_EQ(report->device_error, std::nullopt);
}

TEST(PageCache, ALineWithoutADeviceOrAnInodeIsNothing) {
  EXPECT_FALSE(ParsePageCacheLine(""));
  EXPECT_FALSE(ParsePageCacheLine(": writeback error on inode 131, offset 0, sector 8"));
  EXPECT_FALSE(ParsePageCacheLine("loop0: writeback error on inode "));
  EXPECT_FALSE(ParsePageCacheLine("loop0: writeback error on inode many, offset 0"));
  EXPECT_FALSE(ParsePageCacheLine("loop0: writeback error on inode 99999999999999999999, offset 0"));
}

TEST(PageCache, TheEventAndTheLineOfAFileAreOfOneTopic) {
  const auto event = ParseWritebackEvent(Event("xfs", EIO, 131));
  const auto line = ParsePageCacheLine("loop0: writeback error on inode 131, offset 0, sector 8");
  ASSERT_TRUE(event && line);
  EXPECT_EQ(event->topic, line->topic);
  EXPECT_NE(event->topic, ParseWritebackEvent(Event("xfs", EIO, 132))->topic);
}

TEST(PageCache, AnEventNamesTheErrnoAndTheInodeWithItsGeneration) {
  const auto report = ParseWritebackEvent(Event("ext4", ENOSPC, 12));
  ASSERT_TRUE(report);
  EXPECT_EQ(report->kind, Kind::kWriteback);
  EXPECT_EQ(report->code, ENOSPC);
  EXPECT_EQ(report->inode, 12U);
  EXPECT_EQ(report->generation, 9U);
  EXPECT_EQ(ParseWritebackEvent(Event("ext4", 0, 12))->code, std::nullopt);
}

TEST(PageCache, WhatIsWrittenBackOfNoFileIsNoFiles) {
  EXPECT_FALSE(ParseWritebackEvent(Event("bdev", EIO, 8)));
  EXPECT_FALSE(ParseWritebackEvent(Event("btrfs", EIO, 1)));
  EXPECT_TRUE(ParseWritebackEvent(Event("btrfs", EIO, 257)));
  EXPECT_TRUE(ParseWritebackEvent(Event("ext4", EIO, 1)));
}

TEST(PageCache, OfAPassOverAFilesPagesMoreWillFollowAndOfARequestThatHasEndedNot) {
  TraceEvent event = Event("xfs", EUCLEAN, 131);
  EXPECT_FALSE(ParseWritebackEvent(event)->more);
  event.stack = {"__filemap_set_wb_err+0x1/0x2", "blk_update_request+0x1/0x2"};
  EXPECT_FALSE(ParseWritebackEvent(event)->more);
  event.stack = {"__filemap_set_wb_err+0x1/0x2", "iomap_writepages+0x1/0x2", "do_writepages+0x1/0x2"};
  EXPECT_TRUE(ParseWritebackEvent(event)->more);
}

}  // namespace
}  // namespace fsherald
