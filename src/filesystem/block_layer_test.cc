// SPDX-License-Identifier: MIT
#include "filesystem/block_layer.h"

#include <cerrno>

#include <gtest/gtest.h>

namespace fsherald {
namespace {

using Operation = DeviceError::Operation;

TEST(BlockLayer, AFailedReadNamesTheDisk) {
  std::string_view line = "I/O error, dev loop0, sector 2344 op 0x0:(READ) flags 0x3000 phys_seg 1 prio class 2";
  EXPECT_EQ(ParseBlockLayerLine(line),
            (ErrorReport{.device = "loop0",
                         .kind = Kind::kDevice,
                         .code = EIO,
                         .range = Range{.offset_bytes = 2344 * 512},
                         .device_error =
                             DeviceError{.device = "loop0", .operation = Operation::kRead, .sector = 2344, .code = EIO},
                         .message = std::string(line)}));
}

TEST(BlockLayer, AReadAheadIsSpeculative) {
  auto report = ParseBlockLayerLine("I/O error, dev sda, sector 8 op 0x0:(READ) flags 0x80700 phys_seg 1 prio class 2");
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->speculative);
  report = ParseBlockLayerLine("I/O error, dev sda, sector 8 op 0x1:(WRITE) flags 0x800 phys_seg 1 prio class 2");
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->speculative);
  EXPECT_EQ(report->device_error->operation, Operation::kWrite);
}

TEST(BlockLayer, AnEventNamesTheDiskAndHowManySectors) {
  const TraceEvent event{.point = TracePoint::kBlockError, .values = {10, 2344, 4096, 0x80700, 7 << 20 | 3}};
  const std::optional<ErrorReport> report = ParseBlockEvent(event);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->code, EIO);
  EXPECT_EQ(report->range, (Range{.offset_bytes = 2344 * 512, .length_bytes = 4096}));
  EXPECT_EQ(report->device_error,
            (DeviceError{
                .dev = DeviceNumber{7, 3}, .operation = Operation::kRead, .sector = 2344, .sectors = 8, .code = EIO}));
  EXPECT_TRUE(report->speculative);
  EXPECT_TRUE(report->task_is_any);
}

TEST(BlockLayer, ASectorThatCannotBeGivesNoRange) {
  auto message = ParseBlockLayerLine("I/O error, dev loop0, sector 18446744073709551615 op 0x0:(READ)");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->range, std::nullopt);
}

TEST(BlockLayer, AMediumThatIsExchangedBelowAFileSystemIsAnErrorOfItsDevice) {
  EXPECT_EQ(
      ParseBlockLayerLine("VFS: busy inodes on changed media loop0"),
      (ErrorReport{.device = "loop0", .kind = Kind::kDevice, .message = "VFS: busy inodes on changed media loop0"}));
  EXPECT_FALSE(ParseBlockLayerLine("VFS: busy inodes on changed media "));
  EXPECT_FALSE(ParseBlockLayerLine("VFS: file-max limit 9 reached"));
}

TEST(BlockLayer, AnUnreadableSectorIsNoData) {
  auto message = ParseBlockLayerLine("critical medium error, dev sda, sector 99 op 0x0:(READ) flags 0x80700");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->device, "sda");
  EXPECT_EQ(message->code, ENODATA);
}

TEST(BlockLayer, OlderKernelsNameTheFunctionFirst) {
  auto message = ParseBlockLayerLine("blk_update_request: I/O error, dev vdb, sector 8 op 0x0:(READ) flags 0x0");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->device, "vdb");
  EXPECT_EQ(message->code, EIO);
}

TEST(BlockLayer, AnUnreadablePageIsTheDevices) {
  auto message = ParseBlockLayerLine("Buffer I/O error on dev loop0, logical block 5, async page read");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->device, "loop0");
  EXPECT_EQ(message->kind, Kind::kDevice);
  EXPECT_EQ(message->block, 5);
}

TEST(BlockLayer, ALostPageIsWriteback) {
  std::string_view line = "Buffer I/O error on dev loop0, logical block 8322, lost sync page write";
  EXPECT_EQ(ParseBlockLayerLine(line), (ErrorReport{.device = "loop0",
                                                    .kind = Kind::kWriteback,
                                                    .code = EIO,
                                                    .block = 8322,
                                                    .message = std::string(line),
                                                    .task_is_any = true}));
}

TEST(BlockLayer, ABlockThatExt4CouldNotWriteBackIsWriteback) {
  auto message = ParseBlockLayerLine("Buffer I/O error on device loop0, logical block 12009");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->device, "loop0");
  EXPECT_EQ(message->kind, Kind::kWriteback);
  EXPECT_EQ(message->block, 12009);
}

TEST(BlockLayer, AnythingElseIsNothing) {
  for (std::string_view line : {"", "I/O error, dev ", "I/O error, dev , sector 1", "critical temperature reached",
                                "Buffer I/O error on dev", "Buffer I/O error on devloop0, logical block 5",
                                "Buffer I/O error on device ", "blk_update_request: ", "loop0: capacity changed"}) {
    EXPECT_EQ(ParseBlockLayerLine(line), std::nullopt) << line;
  }
}

TEST(BlockLayer, ANumberTooLargeIsNotKnown) {
  auto message = ParseBlockLayerLine("Buffer I/O error on dev loop0, logical block 99999999999999999999999, x");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->block, std::nullopt);
}

TEST(BlockLayer, WhatADeviceCannotDoAndNobodyNeedsIsNoError) {
  constexpr uint64_t kNotSupported = 1;
  constexpr uint64_t kFailed = 10;
  const auto event = [](uint64_t status, uint64_t operation) {
    return ParseBlockEvent({.values = {status, 8, 4096, operation, 7U << 20, 0}});
  };
  for (const uint64_t operation : {3, 5, 9}) {
    EXPECT_EQ(event(kNotSupported, operation), std::nullopt) << operation;
    ASSERT_TRUE(event(kFailed, operation)) << operation;
  }
  ASSERT_TRUE(event(kNotSupported, 1)) << "a write that cannot be done is lost";
  EXPECT_EQ(event(kNotSupported, 1)->code, EOPNOTSUPP);
}

TEST(BlockLayer, AStatusNumberIsNoErrno) {
  EXPECT_EQ(ErrnoOfBlockStatus(10), EIO);
  EXPECT_EQ(ErrnoOfBlockStatus(7), ENODATA);
  EXPECT_EQ(ErrnoOfBlockStatus(0), std::nullopt);
  EXPECT_EQ(ErrnoOfBlockStatus(17), std::nullopt);
}

}  // namespace
}  // namespace fsherald
