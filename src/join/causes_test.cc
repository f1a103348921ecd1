// SPDX-License-Identifier: MIT
// Failed requests: which are the same, which belong to an error, and which are told alone.
#include "join/causes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

namespace fsherald {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using Cause = Causes::Cause;
using Operation = DeviceError::Operation;

constexpr FilesystemKey kFs{1};
constexpr FilesystemKey kOther{2};
constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kWindowNs = 150 * kMs;

DeviceError Request(uint64_t sector, std::optional<uint64_t> sectors, Operation operation = Operation::kRead) {
  return {.device = "loop0", .operation = operation, .sector = sector, .sectors = sectors, .code = EIO};
}

ErrorReport ReportOf(DeviceError error, const char* message = "") {
  ErrorReport report{.kind = Kind::kDevice, .code = error.code, .message = message};
  report.range = Range{.offset_bytes = error.sector.value_or(0) * 512};
  report.device_error = std::move(error);
  return report;
}

ErrorReport ErrorOf(Kind kind, std::optional<int> code = EIO) { return {.kind = kind, .code = code}; }

class CausesTest : public testing::Test {
 protected:
  // As the trace tells it, and as the log does: that names the first sector alone.
  void Event(DeviceError error, uint64_t at_ns = 0, FilesystemKey key = kFs) {
    causes_.Add(key, at_ns, ReportOf(std::move(error)), SourceId::kTrace, at_ns);
  }
  void Line(DeviceError error, uint64_t at_ns = 0, FilesystemKey key = kFs) {
    error.sectors.reset();
    causes_.Add(key, at_ns, ReportOf(std::move(error), "I/O error, dev loop0"), SourceId::kKmsg, at_ns);
  }
  std::vector<Cause> All() { return causes_.TakeAll(kFs); }
  // What an error is told of the device below; empty: nothing.
  std::optional<DeviceError> Attached(const ErrorReport& report, FilesystemKey key = kFs) {
    Notification told;
    const bool attached = causes_.Attach(key, report, told);
    EXPECT_EQ(attached, told.device_error.has_value());
    return told.device_error;
  }

  Causes causes_{Causes::Options{}};
};

TEST_F(CausesTest, TheEventAndTheLineOfOneRequestAreOne) {
  Line(Request(8, 16));
  Event(Request(8, 16));
  const std::vector<Cause> alone = All();
  ASSERT_THAT(alone, SizeIs(1));
  EXPECT_EQ(alone[0].error, Request(8, 16));
  EXPECT_EQ(alone[0].error.count, 1U);
  EXPECT_EQ(alone[0].sources, SourceSet(SourceId::kTrace).Add(SourceId::kKmsg));
  EXPECT_EQ(alone[0].report.message, "I/O error, dev loop0");
}

TEST_F(CausesTest, TheRequestsThatFailAreCountedByTheTraceElseByTheirLines) {
  for (int i = 0; i < 3; ++i) Event(Request(8, 8));
  Line(Request(8, 8));  // the rate limit has kept back the others
  EXPECT_EQ(All().at(0).error.count, 3U);
  for (int i = 0; i < 2; ++i) Line(Request(8, 8));
  EXPECT_EQ(All().at(0).error.count, 2U);
}

TEST_F(CausesTest, OfAReadAheadAndThePageInItThePageIsTold) {
  Event(Request(0, 256));
  Event(Request(80, 8));
  const std::vector<Cause> alone = All();
  ASSERT_THAT(alone, SizeIs(1));
  EXPECT_EQ(alone[0].error.sector, 80U);
  EXPECT_EQ(alone[0].error.sectors, 8U);
  EXPECT_EQ(alone[0].error.count, 2U);
  EXPECT_EQ(alone[0].report.range->offset_bytes, 80U * 512);
}

TEST_F(CausesTest, RequestsThatDoNotTouchAreTwo) {
  Event(Request(0, 8));
  Event(Request(8, 8));
  EXPECT_THAT(All(), SizeIs(2));
}

TEST_F(CausesTest, ARequestAtTheEndOfAllNumbersIsComparedAsAnyOther) {
  Event(Request(UINT64_MAX, 8));
  Line(Request(UINT64_MAX, 8));
  Event(Request(0, UINT64_MAX));
  EXPECT_THAT(All(), SizeIs(2));
}

TEST_F(CausesTest, AReadAndAWriteOfOnePlaceAreTwo) {
  Event(Request(8, 8, Operation::kRead));
  Event(Request(8, 8, Operation::kWrite));
  Line(Request(8, 8, Operation::kUnknown));
  EXPECT_THAT(All(), SizeIs(2));
}

TEST_F(CausesTest, OnePlaceOfTwoDevicesIsTwo) {
  DeviceError other = Request(8, 8);
  other.device = "loop1";
  Event(Request(8, 8));
  Event(other);
  EXPECT_THAT(All(), SizeIs(2));
}

TEST_F(CausesTest, OnePlaceOfTwoFileSystemsIsTwo) {
  Event(Request(8, 8));
  Event(Request(8, 8), 0, kOther);
  EXPECT_THAT(All(), SizeIs(1));
  EXPECT_THAT(causes_.TakeAll(kOther), SizeIs(1));
}

TEST_F(CausesTest, WhatFailsAgainMuchLaterIsAnother) {
  Event(Request(8, 8), 0);
  Event(Request(8, 8), kWindowNs + 1);
  EXPECT_THAT(All(), SizeIs(2));
}

TEST_F(CausesTest, WhatNobodySpeaksForIsToldAloneAtItsDeadline) {
  Event(Request(8, 8), 10 * kMs);
  EXPECT_EQ(causes_.deadline_ns(), 10 * kMs + kWindowNs);
  EXPECT_THAT(causes_.Take(10 * kMs + kWindowNs - 1), IsEmpty());
  EXPECT_THAT(causes_.Take(10 * kMs + kWindowNs), SizeIs(1));
  EXPECT_EQ(causes_.deadline_ns(), std::nullopt);
}

TEST_F(CausesTest, WhatAnErrorHasTakenIsNotToldAlone) {
  Event(Request(8, 8));
  EXPECT_EQ(Attached(ErrorOf(Kind::kMetadata)), Request(8, 8));
  EXPECT_THAT(causes_.Take(kWindowNs), IsEmpty());
}

TEST_F(CausesTest, OneFailedRequestCanMeanSeveralErrors) {
  Event(Request(8, 8));
  EXPECT_EQ(Attached(ErrorOf(Kind::kMetadata)), Request(8, 8));
  EXPECT_EQ(Attached(ErrorOf(Kind::kMetadata)), Request(8, 8));
}

TEST_F(CausesTest, EachErrorTakesARequestThatNoOtherHas) {
  Event(Request(8, 8));
  Event(Request(16, 8));
  EXPECT_EQ(Attached(ErrorOf(Kind::kMetadata))->sector, 16U);
  EXPECT_EQ(Attached(ErrorOf(Kind::kMetadata))->sector, 8U);
}

TEST_F(CausesTest, WhatFailsAfterItsErrorWasToldIsAnotherCause) {
  Event(Request(8, 8));
  EXPECT_EQ(Attached(ErrorOf(Kind::kMetadata))->count, 1U);
  Event(Request(8, 8));
  EXPECT_EQ(Attached(ErrorOf(Kind::kMetadata))->count, 1U);
  Event(Request(8, 8));
  EXPECT_THAT(All(), SizeIs(1)) << "nobody has spoken for the third";
}

TEST_F(CausesTest, ALineThatComesAfterItsErrorWasToldIsStillOfTheSameRequest) {
  Event(Request(8, 8));
  EXPECT_TRUE(Attached(ErrorOf(Kind::kMetadata)));
  Line(Request(8, 8));
  EXPECT_THAT(All(), IsEmpty());
}

TEST_F(CausesTest, AnErrorThatNoDeviceBringsTakesNothing) {
  Event(Request(8, 8));
  EXPECT_FALSE(Attached(ErrorOf(Kind::kMetadata, EUCLEAN)));
  EXPECT_FALSE(Attached(ErrorOf(Kind::kMetadata, std::nullopt)));
  EXPECT_THAT(All(), SizeIs(1));
}

TEST_F(CausesTest, AnErrorTakesNothingOfAnotherFileSystem) {
  Event(Request(8, 8));
  EXPECT_FALSE(Attached(ErrorOf(Kind::kMetadata), kOther));
}

TEST_F(CausesTest, AnErrorThatNamesAPlaceOrADeviceTakesNoOther) {
  Event(Request(8, 8));
  ErrorReport elsewhere = ErrorOf(Kind::kMetadata);
  elsewhere.device_error = DeviceError{.operation = Operation::kRead, .sector = 80};
  EXPECT_FALSE(Attached(elsewhere));
  ErrorReport other_disk = ErrorOf(Kind::kMetadata);
  other_disk.device_error = DeviceError{.device = "loop1"};
  EXPECT_FALSE(Attached(other_disk));
  ErrorReport here = ErrorOf(Kind::kMetadata);
  here.device_error = DeviceError{.device = "loop0", .operation = Operation::kRead, .sector = 12};
  EXPECT_EQ(Attached(here), Request(8, 8));
}

TEST_F(CausesTest, AnErrorOfWritingTakesNoFailedRead) {
  Event(Request(8, 8, Operation::kRead));
  EXPECT_FALSE(Attached(ErrorOf(Kind::kWriteback)));
  Event(Request(80, 8, Operation::kWrite));
  EXPECT_EQ(Attached(ErrorOf(Kind::kWriteback))->sector, 80U);
  EXPECT_THAT(All(), SizeIs(1));
}

TEST_F(CausesTest, WhatIsWrittenTogetherFailsTogether) {
  Event(Request(8, 8, Operation::kWrite));
  Event(Request(80, 8, Operation::kWrite));
  Event(Request(800, 8, Operation::kWrite));
  const std::optional<DeviceError> told = Attached(ErrorOf(Kind::kWriteback));
  ASSERT_TRUE(told);
  EXPECT_EQ(told->sector, 8U);
  EXPECT_EQ(told->count, 3U);
  EXPECT_THAT(All(), IsEmpty());
}

TEST_F(CausesTest, RequestsWithoutAPlaceAreCountedTogetherAsWell) {
  DeviceError flush{.device = "loop0", .operation = Operation::kWrite, .code = EIO};
  Event(flush);
  Event(flush);
  EXPECT_EQ(Attached(ErrorOf(Kind::kWriteback))->count, 2U);
}

TEST_F(CausesTest, OfTooManyTheOldestWaitNoLonger) {
  for (uint64_t i = 0; i < 1030; ++i) Event(Request(i * 8, 8));
  const std::vector<Cause> alone = causes_.Take(0);
  ASSERT_THAT(alone, SizeIs(6));
  EXPECT_EQ(alone[0].error.sector, 0U);
  EXPECT_THAT(All(), SizeIs(1024));
}

}  // namespace
}  // namespace fsherald
