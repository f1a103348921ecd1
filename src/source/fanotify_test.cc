// SPDX-License-Identifier: MIT
// Against the real kernel.
#include "source/fanotify.h"

#include <poll.h>

#include <cerrno>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "source/test_filesystem.h"

namespace fsherald {
namespace {

class FanotifySourceTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string reason = TestFilesystem::EnterOwnNamespace();
    if (!reason.empty()) GTEST_SKIP() << reason;
    Result<std::unique_ptr<FanotifySource>> source = FanotifySource::Open();
    if (!source) GTEST_SKIP() << source.error().ToString();
    source_ = std::move(*source);
  }

  FanotifyEvents Read() { return source_->Read(BoottimeNowNs()); }

  std::unique_ptr<FanotifySource> source_;
};

TEST_F(FanotifySourceTest, ErrorsOfAMarkedFilesystemAreTold) {
  TestFilesystem filesystem(7);
  ASSERT_TRUE(filesystem.ok());
  ASSERT_TRUE(source_->Mark(filesystem.mounting()));
  for (int i = 0; i < 3; ++i) filesystem.TriggerError("a test");
  FanotifyEvents events = Read();
  ASSERT_EQ(events.errors.size(), 1);
  EXPECT_EQ(events.errors[0].first, FilesystemKey{7});
  EXPECT_EQ(events.errors[0].second.code, EUCLEAN);
  EXPECT_EQ(events.errors[0].second.count, 3);
  EXPECT_EQ(events.errors[0].second.inode, std::nullopt);
  EXPECT_TRUE(Read().errors.empty());
}

TEST_F(FanotifySourceTest, AnErrorIsLaterThanTheQueueWasEmpty) {
  TestFilesystem filesystem(1);
  ASSERT_TRUE(filesystem.ok());
  ASSERT_TRUE(source_->Mark(filesystem.mounting()));
  const uint64_t empty_ns = BoottimeNowNs();
  EXPECT_TRUE(source_->Read(empty_ns).errors.empty());
  filesystem.TriggerError("a test");
  const uint64_t read_ns = BoottimeNowNs();
  FanotifyEvents events = source_->Read(read_ns);
  ASSERT_EQ(events.errors.size(), 1);
  EXPECT_EQ(events.errors[0].second.after_boottime_ns, empty_ns);
  EXPECT_EQ(events.errors[0].second.boottime_ns, read_ns);
}

TEST_F(FanotifySourceTest, AnErrorMakesADescriptorReadable) {
  TestFilesystem filesystem(1);
  ASSERT_TRUE(filesystem.ok());
  ASSERT_TRUE(source_->Mark(filesystem.mounting()));
  ASSERT_EQ(source_->fds().size(), 1);
  struct pollfd waiting = {.fd = source_->fds()[0], .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&waiting, 1, 0), 0);
  filesystem.TriggerError("a test");
  EXPECT_EQ(::poll(&waiting, 1, 1000), 1);
}

TEST_F(FanotifySourceTest, TwoClonesOfOneImageAreToldApart) {
  TestFilesystem one(1);
  ASSERT_TRUE(one.ok());
  ASSERT_TRUE(one.Unmount());
  TestFilesystem other(2, &one);
  ASSERT_TRUE(one.Mount() && other.ok());
  ASSERT_TRUE(source_->Mark(one.mounting()));
  ASSERT_TRUE(source_->Mark(other.mounting()));
  ASSERT_EQ(source_->fds().size(), 2);
  other.TriggerError("the second");
  FanotifyEvents events = Read();
  ASSERT_EQ(events.errors.size(), 1);
  EXPECT_EQ(events.errors[0].first, FilesystemKey{2});
  one.TriggerError("the first");
  events = Read();
  ASSERT_EQ(events.errors.size(), 1);
  EXPECT_EQ(events.errors[0].first, FilesystemKey{1});
}

TEST_F(FanotifySourceTest, AMarkPinsNothing) {
  TestFilesystem filesystem(1);
  ASSERT_TRUE(filesystem.ok());
  ASSERT_TRUE(source_->Mark(filesystem.mounting()));
  EXPECT_TRUE(filesystem.Unmount());
}

TEST_F(FanotifySourceTest, WhatWasQueuedBeforeTheUnmountBelongsToTheOldMounting) {
  TestFilesystem filesystem(1);
  ASSERT_TRUE(filesystem.ok());
  ASSERT_TRUE(source_->Mark(filesystem.mounting()));
  filesystem.TriggerError("just before");
  ASSERT_TRUE(filesystem.Unmount());
  source_->Forget(FilesystemKey{1});
  ASSERT_TRUE(filesystem.Mount());
  Mounting again = filesystem.mounting();
  again.key = 2;
  ASSERT_TRUE(source_->Mark(again));
  filesystem.TriggerError("after");
  FanotifyEvents events = Read();
  ASSERT_EQ(events.errors.size(), 2);
  EXPECT_EQ(events.errors[0].first, FilesystemKey{1});
  EXPECT_EQ(events.errors[1].first, FilesystemKey{2});
  EXPECT_EQ(events.unknown, 0);
}

TEST_F(FanotifySourceTest, WhatAForgetHasTakenOfOthersIsKnownToWait) {
  TestFilesystem one(1);
  TestFilesystem other(2);
  ASSERT_TRUE(one.ok() && other.ok());
  ASSERT_TRUE(source_->Mark(one.mounting()));
  ASSERT_TRUE(source_->Mark(other.mounting()));
  other.TriggerError("of the one that stays");
  EXPECT_FALSE(source_->has_taken());
  source_->Forget(FilesystemKey{1});
  EXPECT_TRUE(source_->has_taken());
  FanotifyEvents events = Read();
  ASSERT_EQ(events.errors.size(), 1);
  EXPECT_EQ(events.errors[0].first, FilesystemKey{2});
  EXPECT_FALSE(source_->has_taken());
}

TEST_F(FanotifySourceTest, MarkingTwiceTellsOnce) {
  TestFilesystem filesystem(1);
  ASSERT_TRUE(filesystem.ok());
  ASSERT_TRUE(source_->Mark(filesystem.mounting()));
  ASSERT_TRUE(source_->Mark(filesystem.mounting()));
  filesystem.TriggerError("a test");
  EXPECT_EQ(Read().errors.size(), 1);
}

TEST_F(FanotifySourceTest, APathToAnotherFilesystemIsNotMarked) {
  TestFilesystem filesystem(1);
  ASSERT_TRUE(filesystem.ok());
  ASSERT_TRUE(filesystem.Unmount());
  Status marked = source_->Mark(filesystem.mounting());
  ASSERT_FALSE(marked);
  EXPECT_EQ(marked.error().ToString(), filesystem.root() + " is another file system by now");
}

TEST_F(FanotifySourceTest, AFilesystemWithoutAPathIsNotMarked) {
  Mounting nowhere;
  nowhere.info.device = "loop9";
  Status marked = source_->Mark(nowhere);
  ASSERT_FALSE(marked);
  EXPECT_EQ(marked.error().ToString(), "loop9 cannot be reached by any path");
}

TEST(FanotifyCovers, AMarkIsNoCoverage) {
  EXPECT_TRUE(FanotifyCovers(FindFilesystemModule("ext4"), "6.18.44"));
  EXPECT_FALSE(FanotifyCovers(FindFilesystemModule("ext4"), "5.4.0"));
  EXPECT_FALSE(FanotifyCovers(nullptr, "6.18.44"));
}

}  // namespace
}  // namespace fsherald
