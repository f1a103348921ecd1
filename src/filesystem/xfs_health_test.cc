// SPDX-License-Identifier: MIT
#include "filesystem/xfs_health.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace fsherald {
namespace {

using Domain = XfsHealthEvent::Domain;
using Type = XfsHealthEvent::Type;
using Fields = std::vector<SpecificField>;

TEST(XfsHealth, OfAnInodeSaysWhatIsSickAndWhich) {
  EXPECT_EQ(ParseXfsHealthEvent(
                {.domain = Domain::kInode, .type = Type::kSick, .mask = 0x110, .inode = 0xa0080, .generation = 77}),
            (ErrorReport{.filesystem_type = "xfs",
                         .code = EUCLEAN,
                         .inode = 0xa0080,
                         .generation = 77,
                         .fields = {{"domain", "inode"}, {"sick", "dir,dirtree"}},
                         .echo = ErrorReport::Echo::kHealth,
                         .topic = "inode 0xa0080",
                         .task_is_any = true}));
}

TEST(XfsHealth, OfAGroupHasItsNumber) {
  auto report = ParseXfsHealthEvent({.domain = Domain::kGroup, .type = Type::kCorrupt, .mask = 0x2, .group = 3});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->group, 3U);
  EXPECT_EQ(report->fields, (Fields{{"domain", "ag"}, {"sick", "agf"}}));
  EXPECT_EQ(report->topic, "ag 3");
  report = ParseXfsHealthEvent({.domain = Domain::kRealtimeGroup, .type = Type::kSick, .mask = 0x2, .group = 3});
  EXPECT_EQ(report->fields, (Fields{{"domain", "rtgroup"}, {"sick", "bitmap"}}));
}

// The bits are those of the ioctl, not those of the tracepoints.
TEST(XfsHealth, OfTheFileSystemHasTheWordsOfItsIoctl) {
  auto report = ParseXfsHealthEvent({.domain = Domain::kFilesystem, .type = Type::kSick, .mask = 0x91});
  EXPECT_EQ(report->fields, (Fields{{"domain", "fs"}, {"sick", "counters,rtbitmap,nlinks"}}));
  report = ParseXfsHealthEvent({.domain = Domain::kFilesystem, .type = Type::kSick, .mask = 0x80000000});
  EXPECT_EQ(report->fields[1], (SpecificField{"sick", "0x80000000"})) << "what has no name yet";
}

TEST(XfsHealth, WhatIsHealthyAgainIsNoError) {
  auto report = ParseXfsHealthEvent({.domain = Domain::kInode, .type = Type::kHealthy, .mask = 1, .inode = 12});
  EXPECT_EQ(report->count, 0U);
  EXPECT_TRUE(report->corrected);
  EXPECT_EQ(report->code, std::nullopt);
}

TEST(XfsHealth, AShutdownSaysWhy) {
  auto report = ParseXfsHealthEvent({.type = Type::kShutdown, .mask = 0x2});
  EXPECT_EQ(report->kind, Kind::kShutdown);
  EXPECT_EQ(report->code, EIO);
  EXPECT_EQ(report->fields, (Fields{{"domain", "fs"}, {"reason", "log I/O error"}}));
}

TEST(XfsHealth, AMediaErrorHasItsPlace) {
  auto report =
      ParseXfsHealthEvent({.domain = Domain::kDataDevice, .type = Type::kMediaError, .start = 800, .length = 8});
  EXPECT_EQ(report->kind, Kind::kDevice);
  EXPECT_EQ(report->device_error, (DeviceError{.sector = 800, .sectors = 8}));
  EXPECT_EQ(report->range, (Range{.offset_bytes = 800 * 512, .length_bytes = 4096}));
  report = ParseXfsHealthEvent({.domain = Domain::kLogDevice, .type = Type::kMediaError, .start = 1, .length = 1});
  EXPECT_EQ(report->range, std::nullopt) << "of another device than the file system's own";
  EXPECT_EQ(report->fields[0], (SpecificField{"domain", "logdev"}));
  report = ParseXfsHealthEvent({.domain = Domain::kDataDevice, .type = Type::kMediaError, .start = UINT64_MAX});
  EXPECT_EQ(report->range, std::nullopt);
}

TEST(XfsHealth, OfAFilesRangeHasKindErrnoAndRange) {
  constexpr std::pair<Type, Kind> kKinds[] = {{Type::kBufferedRead, Kind::kDataRead},
                                              {Type::kBufferedWrite, Kind::kWriteback},
                                              {Type::kDirectRead, Kind::kDataRead},
                                              {Type::kDirectWrite, Kind::kDataWrite},
                                              {Type::kDataLost, Kind::kDevice}};
  for (const auto& [type, kind] : kKinds) {
    auto report = ParseXfsHealthEvent({.domain = Domain::kFileRange,
                                       .type = type,
                                       .inode = 131,
                                       .generation = 7,
                                       .start = 4096,
                                       .length = 512,
                                       .code = EIO});
    ASSERT_TRUE(report);
    EXPECT_EQ(report->kind, kind);
    EXPECT_EQ(report->code, EIO);
    EXPECT_EQ(report->inode, 131U);
    EXPECT_EQ(report->generation, 7U);
    EXPECT_EQ(report->range, (Range{.offset_bytes = 4096, .length_bytes = 512}));
    EXPECT_EQ(report->echo, ErrorReport::Echo::kHealth);
  }
}

TEST(XfsHealth, WhatTheMonitorSaysOfItselfIsNoError) {
  for (Type type : {Type::kRunning, Type::kLost, Type::kUnmount}) EXPECT_FALSE(ParseXfsHealthEvent({.type = type}));
}

}  // namespace
}  // namespace fsherald
