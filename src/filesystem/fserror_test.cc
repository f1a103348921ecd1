// SPDX-License-Identifier: MIT
#include "filesystem/fserror.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "filesystem/page_cache.h"

namespace fsherald {
namespace {

std::optional<ErrorReport> Parse(uint64_t type, uint64_t inode, uint64_t position, uint64_t length, uint64_t code,
                                 std::string filesystem = "xfs") {
  return ParseEvent({.point = TracePoint::kFserror,
                     .filesystem_type = std::move(filesystem),
                     .values = {type, inode, 7, position, length, code}});
}

TEST(FserrorEvent, HasKindErrnoInodeAndRange) {
  const std::optional<ErrorReport> report = Parse(0, 131, 4096, 512, EIO);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->kind, Kind::kDataRead);
  EXPECT_EQ(report->code, EIO);
  EXPECT_EQ(report->inode, 131);
  EXPECT_EQ(report->generation, 7);
  EXPECT_EQ(report->range, (Range{.offset_bytes = 4096, .length_bytes = 512}));
  EXPECT_EQ(Parse(2, 131, 0, 0, EIO)->kind, Kind::kDataRead);
  EXPECT_EQ(Parse(3, 131, 0, 0, EIO)->kind, Kind::kDataWrite);
  EXPECT_EQ(Parse(4, 131, 0, 0, EIO)->kind, Kind::kDevice);
  EXPECT_EQ(Parse(0, 131, 0, 0, EIO)->range->length_bytes, std::nullopt) << "how much is not known";
}

TEST(FserrorEvent, OfWriteBackJoinsWhatThePageCacheSays) {
  const std::optional<ErrorReport> report = Parse(1, 131, 0, 4096, EIO);
  EXPECT_EQ(report->kind, Kind::kWriteback);
  EXPECT_EQ(report->topic, WritebackTopic(131));
  EXPECT_TRUE(report->task_is_any);
}

TEST(FserrorEvent, TellsAgainWhatTheFileSystemSaid) {
  for (uint64_t type = 0; type < 6; ++type)
    EXPECT_EQ(Parse(type, 131, 0, 0, EIO)->echo, ErrorReport::Echo::kCall) << type;
}

TEST(FserrorEvent, OfAShutdownIsNoDamage) {
  EXPECT_EQ(Parse(5, 0, 0, 0, ESHUTDOWN)->kind, Kind::kShutdown);
  EXPECT_EQ(Parse(3, 131, 0, 0, ESHUTDOWN)->kind, Kind::kDataWrite);
}

TEST(FserrorEvent, OfMetadataHasNoRange) {
  const std::optional<ErrorReport> report = Parse(5, 0, 0, 0, EUCLEAN);
  EXPECT_EQ(report->kind, Kind::kMetadata);
  EXPECT_EQ(report->inode, std::nullopt);
  EXPECT_EQ(report->range, std::nullopt);
  EXPECT_EQ(Parse(5, 131, 0, 0, EUCLEAN)->inode, 131);
}

TEST(FserrorEvent, OfExt4sMetadataItsOwnTracepointTells) {
  EXPECT_FALSE(Parse(5, 12, 0, 0, EUCLEAN, "ext4"));
  EXPECT_TRUE(Parse(1, 12, 0, 4096, EIO, "ext4"));
}

TEST(FserrorEvent, OfATypeThatIsNotKnownIsNothing) { EXPECT_FALSE(Parse(6, 131, 0, 0, EIO)); }

TEST(FserrorLine, SaysThatAReportWasLost) {
  const std::optional<ErrorReport> report =
      ParseFserrorLine("loop0: lost file I/O error report for ino 131 type 1 pos 0x8000 len 0x1000 error -5");
  ASSERT_TRUE(report);
  EXPECT_EQ(report->meaning, ErrorReport::Meaning::kLost);
  EXPECT_EQ(report->device, "loop0");
  EXPECT_EQ(report->inode, 131);
  EXPECT_EQ(report->code, EIO);
  EXPECT_EQ(report->count, 1);
  EXPECT_FALSE(ParseFserrorLine("loop0: lost file I/O error report for ino x"));
}

}  // namespace
}  // namespace fsherald
