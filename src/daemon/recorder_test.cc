// SPDX-License-Identifier: MIT
#include "daemon/recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <unistd.h>

#include <filesystem>
#include <thread>

#include "base/clock.h"
#include "notify/test_notification.h"
#include "store/history.h"
#include "store/test_history.h"

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
