// SPDX-License-Identifier: MIT
#include "preload/mark_rules.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace fsherald::preload {
namespace {

// The RFC's numbers, and the kernel's (uapi/linux/fanotify.h).
constexpr unsigned kClassNotif = 0, kClassContent = 0x4, kCloexec = 0x1, kNonblock = 0x2, kUnlimitedQueue = 0x10;
constexpr unsigned kPrealloc = 0x80, kReportFid = 0x200;
constexpr unsigned kAdd = 0x1, kRemove = 0x2, kDontFollow = 0x4, kMount = 0x10, kIgnored = 0x20, kFlush = 0x80;
constexpr unsigned kFilesystem = 0x100;
constexpr uint64_t kFanError = 0x00100000, kFanOpen = 0x20, kFsError = 0x8000;

TEST(MarkRulesTest, OnlyAGroupWithTheRfcsFlagsMayBeItsOwn) {
  EXPECT_TRUE(MayBeRfcGroup(kClassNotif | kPrealloc));
  EXPECT_TRUE(MayBeRfcGroup(kPrealloc | kCloexec | kNonblock | kUnlimitedQueue));
  EXPECT_FALSE(MayBeRfcGroup(kClassNotif));
  EXPECT_FALSE(MayBeRfcGroup(kPrealloc | kClassContent));
  EXPECT_FALSE(MayBeRfcGroup(kPrealloc | kReportFid));  // FAN_REPORT_PIDFD and FAN_REPORT_FID of today
}

TEST(MarkRulesTest, FanErrorMakesARfcMark) {
  EXPECT_TRUE(IsRfcMark(kAdd | kFilesystem, kFanError));
  EXPECT_TRUE(IsRfcMark(kAdd, kFanError | kFanOpen));
  EXPECT_FALSE(IsRfcMark(kAdd | kFilesystem, kFsError));
  EXPECT_FALSE(IsRfcMark(kFlush | kFilesystem, 0));
}

TEST(MarkRulesTest, AFilesystemIsMarkedForFanErrorAlone) {
  EXPECT_EQ(CheckRfcMark(kPrealloc, kAdd | kFilesystem, kFanError), 0);
  EXPECT_EQ(CheckRfcMark(kPrealloc, kRemove | kFilesystem | kDontFollow, kFanError), 0);
  EXPECT_EQ(CheckRfcMark(kPrealloc, kAdd | kFilesystem, kFanError | kFanOpen), EINVAL);
  EXPECT_EQ(CheckRfcMark(kPrealloc, kAdd | kFilesystem, kFanOpen), EINVAL);
  EXPECT_EQ(CheckRfcMark(kPrealloc, kAdd | kFilesystem, 0), EINVAL);
}

TEST(MarkRulesTest, FanErrorTakesNoOtherMarkThanAFilesystems) {
  EXPECT_EQ(CheckRfcMark(kPrealloc, kAdd, kFanError), EINVAL);
  EXPECT_EQ(CheckRfcMark(kPrealloc, kAdd | kMount, kFanError), EINVAL);
  EXPECT_EQ(CheckRfcMark(kPrealloc, kAdd | kMount | kFilesystem, kFanError), EINVAL);
  EXPECT_EQ(CheckRfcMark(kPrealloc, kAdd | kFilesystem | kIgnored, kFanError), EINVAL);
}

TEST(MarkRulesTest, AMarkIsOneOperation) {
  EXPECT_EQ(CheckRfcMark(kPrealloc, kFilesystem, kFanError), EINVAL);
  EXPECT_EQ(CheckRfcMark(kPrealloc, kAdd | kRemove | kFilesystem, kFanError), EINVAL);
}

TEST(MarkRulesTest, FlushTakesNoOtherFlags) {
  EXPECT_EQ(CheckRfcMark(kPrealloc, kFlush, 0), 0);
  EXPECT_EQ(CheckRfcMark(kPrealloc, kFlush | kFilesystem, 0), 0);
  EXPECT_EQ(CheckRfcMark(kPrealloc, kFlush | kDontFollow, 0), EINVAL);
}

TEST(MarkRulesTest, APreallocatedQueueIsNotUnlimited) {
  EXPECT_EQ(CheckRfcMark(kPrealloc | kUnlimitedQueue, kAdd | kFilesystem, kFanError), EINVAL);
}

}  // namespace
}  // namespace fsherald::preload
