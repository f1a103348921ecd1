// SPDX-License-Identifier: MIT
#include "source/counters.h"

#include <poll.h>

#include <cerrno>

#include <gtest/gtest.h>

#include "source/test_filesystem.h"

namespace fsherald {
namespace {

const FilesystemModule& Ext4() { return *FindFilesystemModule("ext4"); }

TEST(CounterSource, AFilesystemWithoutCountersIsAnError) {
  CounterSource source("/nonexistent");
  Status added = source.Add(FilesystemKey{1}, Ext4(), {.device = "loop0"}, "");
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, ENOENT);
  EXPECT_TRUE(source.events().empty());
}

TEST(CounterSource, AnUnknownKeyIsAnError) {
  CounterSource source;
  EXPECT_EQ(source.Read(FilesystemKey{5}).error().code, ENOENT);
  EXPECT_EQ(source.ReadErrors(FilesystemKey{5}).error().code, ENOENT);
}

class CounterSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string reason = TestFilesystem::EnterOwnNamespace();
    if (!reason.empty()) GTEST_SKIP() << reason;
  }

  // Whether a rise is told within the time.
  bool Rises(int timeout_ms) {
    struct pollfd waiting = {.fd = source_.events().at(0).fd, .events = POLLPRI, .revents = 0};
    return ::poll(&waiting, 1, timeout_ms) == 1;
  }

  CounterSource source_;
};

TEST_F(CounterSourceTest, ARiseIsAnEventUntilItsNumberIsRead) {
  TestFilesystem filesystem(1);
  ASSERT_TRUE(filesystem.ok());
  ASSERT_TRUE(source_.Add(FilesystemKey{1}, Ext4(), {.device = filesystem.device()}, ""));
  EXPECT_FALSE(Rises(0));
  filesystem.TriggerError("a test");
  ASSERT_TRUE(Rises(2000));
  Result<CounterReading> reading = source_.Read(FilesystemKey{1});
  ASSERT_TRUE(reading);
  EXPECT_EQ(reading->errors, 1);
  ASSERT_TRUE(reading->last);
  EXPECT_EQ(reading->last->function, "trigger_test_error");
  EXPECT_EQ(reading->last->code, EUCLEAN);
  EXPECT_EQ(reading->last->inode, std::nullopt);
  EXPECT_TRUE(Rises(0));
  EXPECT_EQ(source_.ReadErrors(FilesystemKey{1}).value_or(0), 1u);
  EXPECT_FALSE(Rises(0));
}

TEST_F(CounterSourceTest, TheNumberOfAnUnmountedOneIsNotReadFromTheNextOnItsDevice) {
  TestFilesystem filesystem(1);
  ASSERT_TRUE(filesystem.ok());
  ASSERT_TRUE(source_.Add(FilesystemKey{1}, Ext4(), {.device = filesystem.device()}, ""));
  ASSERT_TRUE(filesystem.Unmount() && filesystem.Mount());
  EXPECT_EQ(source_.ReadErrors(FilesystemKey{1}).error().code, ENODEV);
  EXPECT_TRUE(source_.events().empty());
}

TEST_F(CounterSourceTest, AnUnmountEndsTheWatchAndIsNotPrevented) {
  TestFilesystem filesystem(1);
  ASSERT_TRUE(filesystem.ok());
  ASSERT_TRUE(source_.Add(FilesystemKey{1}, Ext4(), {.device = filesystem.device()}, ""));
  ASSERT_TRUE(filesystem.Unmount());
  Result<CounterReading> reading = source_.Read(FilesystemKey{1});
  ASSERT_FALSE(reading);
  EXPECT_EQ(reading.error().code, ENODEV);
  EXPECT_TRUE(source_.events().empty());
}

TEST_F(CounterSourceTest, TheNextOnTheSameDeviceIsNotReadForTheOld) {
  TestFilesystem filesystem(1);
  ASSERT_TRUE(filesystem.ok());
  ASSERT_TRUE(source_.Add(FilesystemKey{1}, Ext4(), {.device = filesystem.device()}, ""));
  ASSERT_TRUE(filesystem.Unmount() && filesystem.Mount());
  EXPECT_EQ(source_.Read(FilesystemKey{1}).error().code, ENODEV);
}

TEST_F(CounterSourceTest, WhatIsForgottenIsNotWatched) {
  TestFilesystem filesystem(1);
  ASSERT_TRUE(filesystem.ok());
  ASSERT_TRUE(source_.Add(FilesystemKey{1}, Ext4(), {.device = filesystem.device()}, ""));
  source_.Forget(FilesystemKey{1});
  EXPECT_TRUE(source_.events().empty());
}

}  // namespace
}  // namespace fsherald
