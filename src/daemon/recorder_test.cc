// SPDX-License-Identifier: MIT
#include "daemon/recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>

#include "base/clock.h"
#include "notify/test_notification.h"
#include "store/history.h"
#include "store/test_history.h"

namespace fsherald {
namespace {

// The next sync of a WAL fails. The kernel says so once, and takes what it could not write for written.
std::atomic<bool> next_sync_fails = false;

bool IsWal(int fd) {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), ignored).native().ends_with("-wal");
}

}  // namespace
}  // namespace fsherald

// SQLite's, in place of libc's.
extern "C" __attribute__((visibility("default"))) int fdatasync(int fd) {
  if (fsherald::next_sync_fails && fsherald::IsWal(fd) && fsherald::next_sync_fails.exchange(false)) {
    errno = EIO;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

namespace fsherald {
namespace {

// The store's directory cannot be made before its parent is there.
class RecorderTest : public testing::Test {
 protected:
  RecorderTest() {
    auto journal = Journal::Open(directory_.file("journal"), {.ring_bytes = 1 << 20, .state_bytes = 4096});
    EXPECT_TRUE(journal);
    journal_ = std::move(*journal);
    auto recorder = Recorder::Start({.store = {.directory = directory_.file("disk/store")},
                                     .second = {.directory = directory_.file("second"), .max_bytes = 600'000},
                                     .host = kTestHost,
                                     .group_ns = 100'000,
                                     .retry_ns = 1'000'000,
                                     .max_retry_ns = 1'000'000},
                                    journal_);
    EXPECT_TRUE(recorder);
    recorder_ = std::move(*recorder);
  }

  // Each of a place of its own, so that none is merged into another.
  void Tell(uint64_t count) {
    for (; count > 0; --count) {
      ++told_;
      Notification one = TestNotification(told_, "disk", 1 + told_ % 3);
      one.utc_ns = UtcNowNs();
      one.location = Location{.function = "place_" + std::to_string(told_), .line = 7};
      errors_ += one.error.count;
      std::string bytes;
      AppendStream(one, kTestHost, bytes);
      while (!journal_->Append(told_, bytes)) ASSERT_TRUE(recorder_->Finish(10'000'000'000));
      ASSERT_TRUE(journal_->Commit(std::to_string(told_)));
      recorder_->Committed(1);
    }
  }
  // Until one of its sentences has these words.
  std::string WaitForWords(const std::string& words) {
    for (pollfd waiting{.fd = recorder_->fd(), .events = POLLIN, .revents = 0}; ::poll(&waiting, 1, 10'000) == 1;)
      for (const std::string& said : recorder_->TakeWords())
        if (said.find(words) != std::string::npos) return said;
    ADD_FAILURE() << "nobody said in ten seconds: " << words;
    return "";
  }
  void PlugIn() { std::filesystem::create_directory(directory_.file("disk")); }
  ino_t InodeOfHistory() {
    struct stat status {};
    EXPECT_EQ(::stat(directory_.file("disk/store/history.db").c_str(), &status), 0);
    return status.st_ino;
  }
  uint64_t SecondHasRemoved() {
    auto history = History::Open(directory_.file("second"));
    return history ? (*history)->Covers()->removed_errors : 0;
  }

  TestDirectory directory_;
  std::shared_ptr<Journal> journal_;
  std::unique_ptr<Recorder> recorder_;
  uint64_t told_ = 0;
  uint64_t errors_ = 0;
};

TEST_F(RecorderTest, WhatTheSecondStoreHadNoRoomForIsAGapInTheHistory) {
  Tell(20'000);
  ASSERT_TRUE(recorder_->Finish(10'000'000'000));
  const uint64_t removed = SecondHasRemoved();
  EXPECT_GT(removed, 0U);
  PlugIn();
  const std::string words = WaitForWords("can be written to again");
  EXPECT_THAT(words, testing::HasSubstr("for " + std::to_string(removed) + " errors there was no room in memory"));
  const std::vector<Entry> entries = Entries(directory_.file("disk/store"));
  ASSERT_FALSE(entries.empty());
  const Notification& gap = entries.front().notification;
  ASSERT_TRUE(gap.gap);
  EXPECT_EQ(gap.seq, 1U);
  EXPECT_EQ(gap.filesystem, FilesystemInfo{});
  EXPECT_EQ(gap.gap->source, SourceId::kGroup);
  EXPECT_EQ(gap.gap->count, removed);
  EXPECT_TRUE(gap.gap->exact);
  uint64_t errors = removed;
  for (size_t i = 1; i < entries.size(); ++i) {
    EXPECT_FALSE(entries[i].notification.gap);
    errors += entries[i].notification.error.count;
  }
  EXPECT_EQ(errors, errors_);
  EXPECT_EQ(entries.back().notification.seq, 20'000U);
}

TEST_F(RecorderTest, AfterAFailedSyncTheHistoryIsCopiedIntoANewFileAndNothingIsWrittenToTheOld) {
  PlugIn();
  Tell(10);
  (void)WaitForWords("can be written to again");
  ASSERT_TRUE(recorder_->Finish(10'000'000'000));
  const std::string history = directory_.file("disk/store/history.db");
  std::filesystem::create_hard_link(history, directory_.file("old"));  // so that no other gets its inode
  const ino_t old = InodeOfHistory();
  next_sync_fails = true;
  Tell(1);
  (void)WaitForWords("all of it was copied into a new file");
  Tell(10);
  ASSERT_TRUE(recorder_->Finish(10'000'000'000));
  EXPECT_FALSE(next_sync_fails);
  EXPECT_NE(InodeOfHistory(), old);
  EXPECT_FALSE(std::filesystem::exists(history + ".is-suspect"));
  recorder_.reset();
  const std::vector<Entry> entries = Entries(directory_.file("disk/store"));
  ASSERT_EQ(entries.size(), 21U);
  for (size_t i = 0; i < entries.size(); ++i) EXPECT_EQ(entries[i].notification.seq, i + 1);
}

TEST_F(RecorderTest, WhatGoesWhileItIsMergedIsCountedToo) {
  Tell(20'000);
  PlugIn();
  Tell(20'000);
  (void)WaitForWords("can be written to again");
  ASSERT_TRUE(recorder_->Finish(10'000'000'000));
  uint64_t errors = 0;
  uint64_t before_seq = 0;
  for (const Entry& entry : Entries(directory_.file("disk/store"))) {
    EXPECT_GT(entry.notification.seq, before_seq);
    before_seq = entry.notification.seq;
    errors += entry.notification.gap ? *entry.notification.gap->count : entry.notification.error.count;
    EXPECT_TRUE(!entry.notification.gap || entry.notification.gap->exact);
  }
  EXPECT_EQ(errors, errors_);
  EXPECT_EQ(before_seq, 40'000U);
}

}  // namespace
}  // namespace fsherald
