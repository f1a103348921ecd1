// SPDX-License-Identifier: MIT
#include "daemon/recorder.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <deque>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <thread>

#include "base/clock.h"
#include "notify/test_notification.h"
#include "store/history.h"
#include "store/page_file.h"
#include "store/sqlite.h"
#include "store/test_history.h"

namespace fsherald {
namespace {

// The next sync of a WAL fails. The kernel says so once, and takes what it could not write for written.
std::atomic<bool> next_sync_fails = false;

// So many openings of the second store fail, of those that only read.
std::atomic<int> readings_that_fail = 0;
using OpenFile = int (*)(const char*, int, int);
OpenFile open_file = nullptr;

int OpenOrFail(const char* path, int flags, int mode) {
  const bool is_reading = (flags & O_ACCMODE) == O_RDONLY && std::string_view(path).ends_with("/second/history.db");
  if (is_reading && readings_that_fail > 0) {
    --readings_that_fail;
    errno = EMFILE;
    return -1;
  }
  return open_file(path, flags, mode);
}

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
    Start();
  }
  void Start() {
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
  // Until one of its sentences, after the one that was waited for last, has these words.
  std::string WaitForWords(const std::string& words) {
    pollfd waiting{.fd = recorder_->fd(), .events = POLLIN, .revents = 0};
    do {
      for (; !said_.empty(); said_.pop_front())
        if (said_.front().find(words) != std::string::npos) {
          std::string found = std::move(said_.front());
          said_.pop_front();
          return found;
        }
      if (::poll(&waiting, 1, 10'000) == 1)
        for (std::string& said : recorder_->TakeWords()) said_.push_back(std::move(said));
    } while (!said_.empty());
    ADD_FAILURE() << "nobody said in ten seconds: " << words;
    return "";
  }
  // The next openings of the second store.
  void FailReadings(int times) {
    sqlite3_vfs* const vfs = sqlite3_vfs_find(nullptr);
    if (open_file == nullptr) open_file = reinterpret_cast<OpenFile>(vfs->xGetSystemCall(vfs, "open"));
    vfs->xSetSystemCall(vfs, "open", reinterpret_cast<sqlite3_syscall_ptr>(OpenOrFail));
    readings_that_fail = times;
  }
  // The seq of the row whose last bytes it ruins, in the WAL.
  uint64_t RuinARowOfTheSecond() {
    const std::string file = directory_.file("second/history.db");
    const auto pages = PageFile::Open(file);
    std::string bytes;
    for (const auto& [page, offset] : pages->committed()) {
      uint64_t first = 0;  // it lies at the end of the page
      pages->ReadWal(offset, bytes);
      ForEachRow(
          bytes, page, [](uint32_t, std::string&) { return false; },
          [&](const SqliteRow& row) {
            if (first == 0 && row.columns.size() == 9) first = static_cast<uint64_t>(row.rowid);
          });
      if (first < 2) continue;
      std::fstream stream(file + "-wal", std::ios::in | std::ios::out | std::ios::binary);
      stream.seekp(static_cast<std::streamoff>(offset + kPageBytes - 2));
      stream.write("xx", 2);
      return first;
    }
    ADD_FAILURE() << "it has no rows";
    return 0;
  }
  std::string unread() const { return directory_.file("second.unread"); }
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
  std::deque<std::string> said_;
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
  (void)WaitForWords("can be written to again");
  Tell(10);
  ASSERT_TRUE(recorder_->Finish(10'000'000'000));
  EXPECT_FALSE(next_sync_fails);
  EXPECT_NE(InodeOfHistory(), old);
  EXPECT_FALSE(std::filesystem::exists(history + ".is-suspect"));
  const std::vector<Entry> entries = Entries(directory_.file("disk/store"));
  ASSERT_EQ(entries.size(), 21U);
  for (size_t i = 0; i < entries.size(); ++i) EXPECT_EQ(entries[i].notification.seq, i + 1);
}

TEST_F(RecorderTest, AHistoryWhoseNewFileIsNotYetInItsPlaceIsThere) {
  PlugIn();
  Tell(10);
  (void)WaitForWords("can be written to again");
  ASSERT_TRUE(recorder_->Finish(10'000'000'000));
  // As an opening leaves it that could not rename, but for the failure that made the store be opened anew.
  const std::string history = directory_.file("disk/store/history.db");
  std::filesystem::copy_file(history, history + ".renewed");
  std::filesystem::copy_file(history + "-wal", history + ".renewed-wal");
  {
    auto copy = Database::Open(history + ".renewed", Database::Access::kWrite);
    ASSERT_TRUE(copy);
    ASSERT_TRUE(copy->Number("SELECT count(*) FROM state"));
    ASSERT_TRUE(copy->Checkpoint(true));
  }
  std::filesystem::remove(history);
  next_sync_fails = true;
  Tell(1);
  (void)WaitForWords("can be written to again");
  EXPECT_EQ(Seqs(directory_.file("disk/store")), (std::vector<uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
}

TEST_F(RecorderTest, ASecondStoreOfWhichNotAllCanBeReadIsKept) {
  Tell(500);
  ASSERT_TRUE(recorder_->Finish(10'000'000'000));
  const uint64_t ruined = RuinARowOfTheSecond();
  PlugIn();
  const std::string words = WaitForWords("can be written to again");
  EXPECT_THAT(words, testing::HasSubstr("499 notifications that were kept in memory are in it now"));
  EXPECT_THAT(words, testing::HasSubstr("what else was kept cannot be read: "));
  EXPECT_THAT(words, testing::EndsWith("it lies in " + unread() + " now"));
  EXPECT_TRUE(std::filesystem::exists(unread() + "/history.db"));
  EXPECT_FALSE(std::filesystem::exists(directory_.file("second")));
  Tell(1);
  ASSERT_TRUE(recorder_->Finish(10'000'000'000));
  std::vector<uint64_t> expected(501);
  std::iota(expected.begin(), expected.end(), 1);
  std::erase(expected, ruined);
  EXPECT_EQ(Seqs(directory_.file("disk/store")), expected);
}

TEST_F(RecorderTest, ASecondStoreThatCannotBeReadForNowIsReadLater) {
  Tell(500);
  ASSERT_TRUE(recorder_->Finish(10'000'000'000));
  FailReadings(3);
  PlugIn();
  EXPECT_THAT(WaitForWords("cannot be read for now"), testing::HasSubstr(directory_.file("second")));
  Tell(500);
  (void)WaitForWords("can be written to again");
  ASSERT_TRUE(recorder_->Finish(10'000'000'000));
  EXPECT_EQ(readings_that_fail, 0);
  EXPECT_FALSE(std::filesystem::exists(directory_.file("second")));
  EXPECT_FALSE(std::filesystem::exists(unread()));
  std::vector<uint64_t> expected(1000);
  std::iota(expected.begin(), expected.end(), 1);
  EXPECT_EQ(Seqs(directory_.file("disk/store")), expected);
}

TEST_F(RecorderTest, ASecondStoreThatCanNeverBeReadIsKeptAndTheStoreGoesOn) {
  Tell(500);
  ASSERT_TRUE(recorder_->Finish(10'000'000'000));
  FailReadings(1'000'000);
  PlugIn();
  EXPECT_THAT(WaitForWords("can be written to again"), testing::EndsWith("it lies in " + unread() + " now"));
  FailReadings(0);
  Tell(1);
  ASSERT_TRUE(recorder_->Finish(10'000'000'000));
  EXPECT_EQ(Seqs(directory_.file("disk/store")), std::vector<uint64_t>{501});
  EXPECT_EQ(Seqs(unread()).size(), 500U);
}

TEST_F(RecorderTest, ASecondStoreOfAnEarlierDaemonThatCannotBeOpenedIsKeptAndNoNumberIsGivenTwice) {
  PlugIn();
  Tell(10);
  (void)WaitForWords("can be written to again");
  recorder_.reset();
  std::filesystem::create_directory(directory_.file("second"));
  std::ofstream(directory_.file("second/history.db"));
  sqlite3* newer = nullptr;
  ASSERT_EQ(sqlite3_open(directory_.file("second/history.db").c_str(), &newer), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(newer, "PRAGMA user_version=99", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(newer);
  Start();
  EXPECT_THAT(WaitForWords("what an earlier daemon kept"), testing::EndsWith("it lies in " + unread() + " now"));
  EXPECT_TRUE(std::filesystem::exists(unread() + "/history.db"));
  EXPECT_EQ(recorder_->last_seq(), std::nullopt);
  EXPECT_EQ(recorder_->cursors(), "10");
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

// Each opening finds it; who reads the log is told once.
TEST(RecorderForAGroup, ThatTheFilesCannotBeGivenToStoresAllTheSameAndSaysItOnce) {
  const WithoutChown without;
  const TestDirectory directory;
  auto journal = Journal::Open(directory.file("journal"), {.ring_bytes = 1 << 20, .state_bytes = 4096});
  ASSERT_TRUE(journal);
  const std::shared_ptr<Journal> shared = std::move(*journal);
  auto started = Recorder::Start({.store = {.directory = directory.file("store"), .group = 4242},
                                  .second = {.directory = directory.file("second"), .group = 4242},
                                  .host = kTestHost},
                                 shared);
  ASSERT_TRUE(started);
  Recorder& recorder = **started;
  const auto tell = [&](uint64_t seq) {
    std::string bytes;
    AppendStream(TestNotification(seq, "disk", 1), kTestHost, bytes);
    ASSERT_TRUE(shared->Append(seq, bytes));
    ASSERT_TRUE(shared->Commit(""));
    recorder.Committed(1);
    ASSERT_TRUE(recorder.Finish(10'000'000'000));
  };
  tell(1);
  std::vector<std::string> words = recorder.TakeWords();
  ASSERT_EQ(words.size(), 1U);
  EXPECT_THAT(words[0], testing::HasSubstr("add SupplementaryGroups=4242 to the unit"));
  recorder.SetLimits(uint64_t{1} << 30, 3600, 4242);
  tell(2);
  EXPECT_THAT(recorder.TakeWords(), testing::IsEmpty());
  recorder.SetLimits(uint64_t{1} << 30, 3600, 4343);
  tell(3);
  words = recorder.TakeWords();
  ASSERT_EQ(words.size(), 1U);
  EXPECT_THAT(words[0], testing::HasSubstr("add SupplementaryGroups=4343 to the unit"));
  EXPECT_EQ(Seqs(directory.file("store")), (std::vector<uint64_t>{1, 2, 3}));
  EXPECT_FALSE(std::filesystem::exists(directory.file("second")));
}

TEST(RecorderForAGroup, GivesItTheFilesAtOnceWhenItIsAnother) {
  if (::geteuid() != 0) GTEST_SKIP() << "not root: files cannot be given to other groups";
  const TestDirectory directory;
  auto journal = Journal::Open(directory.file("journal"), {.ring_bytes = 1 << 20, .state_bytes = 4096});
  ASSERT_TRUE(journal);
  const std::shared_ptr<Journal> shared = std::move(*journal);
  auto recorder = Recorder::Start({.store = {.directory = directory.file("store")},
                                   .second = {.directory = directory.file("second")},
                                   .host = kTestHost},
                                  shared);
  ASSERT_TRUE(recorder);
  const auto has_group = [&](gid_t group) {
    const uint64_t until_ns = BoottimeNowNs() + 10'000'000'000;
    while (GroupOf(directory.file("store/history.db-wal")) != group && BoottimeNowNs() < until_ns)
      std::this_thread::yield();
    return GroupOf(directory.file("store/history.db")) == group && GroupOf(directory.file("store")) == group;
  };
  EXPECT_TRUE(has_group(::getegid()));
  (*recorder)->SetLimits(uint64_t{1} << 30, 3600, 4242);
  EXPECT_TRUE(has_group(4242));
  (*recorder)->SetLimits(uint64_t{1} << 30, 3600, std::nullopt);
  EXPECT_TRUE(has_group(::getegid()));
}

}  // namespace
}  // namespace fsherald
