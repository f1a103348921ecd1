// SPDX-License-Identifier: MIT
#include "daemon/journal.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

namespace fsherald {
namespace {

class JournalTest : public testing::Test {
 protected:
  JournalTest() {
    std::string name = testing::TempDir() + "fsherald-journal-XXXXXX";
    directory_ = ::mkdtemp(name.data());
    path_ = directory_ + "/journal";
  }
  ~JournalTest() override { std::filesystem::remove_all(directory_); }

  std::unique_ptr<Journal> Open(Journal::Options options = {.ring_bytes = 4096, .state_bytes = 4096}) {
    auto journal = Journal::Open(path_, options);
    EXPECT_TRUE(journal) << journal.error().ToString();
    return std::move(*journal);
  }
  static std::vector<std::string> Texts(const std::vector<Bytes>& all) {
    std::vector<std::string> texts;
    for (Bytes bytes : all) texts.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return texts;
  }
  using Strings = std::vector<std::string>;
  std::string directory_;
  std::string path_;
};

TEST_F(JournalTest, WhatWasCommittedIsWhatTheNextFinds) {
  {
    auto journal = Open();
    EXPECT_EQ(journal->state(), "");
    EXPECT_TRUE(journal->Append(1, "one"));
    EXPECT_TRUE(journal->Append(2, "two"));
    EXPECT_TRUE(journal->Commit("after two"));
    EXPECT_TRUE(journal->Append(3, "three"));
  }
  auto journal = Open();
  EXPECT_FALSE(journal->was_refused());
  EXPECT_EQ(journal->state(), "after two");
  EXPECT_EQ(journal->last_seq(), 2U);
  const Journal::Batch batch = journal->Take(10);
  EXPECT_EQ(Texts(batch.notifications), (Strings{"one", "two"}));
  EXPECT_EQ(batch.last_seq, 2U);
  EXPECT_EQ(batch.state, "after two");
}

TEST_F(JournalTest, WhatWasNotCommittedIsWrittenOverByTheNext) {
  {
    auto journal = Open();
    EXPECT_TRUE(journal->Append(1, "lost"));
  }
  auto journal = Open();
  EXPECT_TRUE(journal->Append(1, "kept"));
  EXPECT_TRUE(journal->Commit("s"));
  EXPECT_EQ(Texts(journal->Take(10).notifications), Strings{"kept"});
}

TEST_F(JournalTest, WhatIsStoredIsNotTakenAgainAndOnlyTheLastBatchHasTheState) {
  auto journal = Open();
  for (uint64_t seq = 1; seq <= 3; ++seq) EXPECT_TRUE(journal->Append(seq, std::to_string(seq)));
  EXPECT_TRUE(journal->Commit("s"));
  Journal::Batch batch = journal->Take(2);
  EXPECT_EQ(Texts(batch.notifications), (Strings{"1", "2"}));
  EXPECT_FALSE(batch.state);
  EXPECT_EQ(Texts(journal->Take(2).notifications), (Strings{"1", "2"}));
  journal->Stored(batch);
  batch = journal->Take(2);
  EXPECT_EQ(Texts(batch.notifications), Strings{"3"});
  EXPECT_EQ(batch.state, "s");
  journal->Stored(batch);
  EXPECT_FALSE(journal->has_waiting());
}

TEST_F(JournalTest, GoesRoundItsRingManyTimesAndSaysWhenItIsFull) {
  auto journal = Open();
  uint64_t seq = 0;
  uint64_t stored = 0;
  for (int round = 0; round < 100; ++round) {
    while (journal->Append(seq + 1, std::string(seq * 37 % 500, 'x') + std::to_string(seq + 1))) ++seq;
    EXPECT_TRUE(journal->Commit(std::to_string(seq)));
    for (Journal::Batch batch = journal->Take(3); !batch.notifications.empty(); batch = journal->Take(3)) {
      for (const std::string& text : Texts(batch.notifications)) {
        ++stored;
        EXPECT_TRUE(text.ends_with(std::to_string(stored))) << text;
      }
      journal->Stored(batch);
    }
    EXPECT_EQ(stored, seq);
  }
  EXPECT_GT(seq, 500U);
}

TEST_F(JournalTest, WhatWasStoredStaysReadableUntilOthersNeedItsPlace) {
  auto journal = Open();
  EXPECT_EQ(journal->kept_after_seq(), 0);
  uint64_t seq = 0;
  uint64_t kept = 0;
  std::mt19937 random(1);
  for (int round = 0; round < 1000; ++round) {
    const std::string text = std::to_string(seq + 1) + std::string(random() % 300, 'x');
    ASSERT_TRUE(journal->Append(++seq, text));
    ASSERT_TRUE(journal->Commit(""));
    journal->Stored(journal->Take(10));
    ASSERT_GE(journal->kept_after_seq(), kept);
    kept = journal->kept_after_seq();
    uint64_t next = kept + 1;
    uint64_t at = 0;
    while (const auto one = journal->Next(at, next - 1)) {
      ASSERT_EQ(one->seq, next);
      ASSERT_TRUE(Texts({one->bytes})[0].starts_with(std::to_string(next))) << next;
      at = one->next;
      ++next;
    }
    ASSERT_EQ(next, seq + 1);
  }
  EXPECT_GT(kept, 500);
  EXPECT_LT(kept, seq);
  journal.reset();
  EXPECT_EQ(Open()->kept_after_seq(), seq) << "an earlier process's, of which nothing waits";
}

TEST_F(JournalTest, WhatAnEarlierProcessLeftWaitingIsReadable) {
  {
    auto journal = Open();
    for (uint64_t seq = 1; seq <= 4; ++seq) EXPECT_TRUE(journal->Append(seq, std::to_string(seq)));
    EXPECT_TRUE(journal->Commit(""));
    journal->Stored(journal->Take(2));
  }
  auto journal = Open();
  EXPECT_EQ(journal->kept_after_seq(), 2);
  EXPECT_EQ(journal->Next(0, 0)->seq, 3);
  EXPECT_EQ(journal->Next(0, 3)->seq, 4);
  EXPECT_FALSE(journal->Next(0, 4));
}

std::string StateOf(size_t bytes) {
  std::string state;
  while (state.size() < bytes) state += std::to_string(state.size()) + ' ';
  state.resize(bytes);
  return state;
}

TEST_F(JournalTest, ForAStateThatIsTooLargeForItsPlaceTheFileGrowsAndShrinksAgain) {
  {
    auto journal = Open();
    const size_t before = std::filesystem::file_size(path_);
    uint64_t seq = 0;
    for (const size_t bytes : {100, 5000, 70'000, 300'000, 1'000'000, 6000, 4096, 10, 2'000'000, 10, 10}) {
      ++seq;
      EXPECT_TRUE(journal->Append(seq, std::to_string(seq)));
      ASSERT_TRUE(journal->Commit(StateOf(bytes)));
      EXPECT_EQ(journal->state(), StateOf(bytes)) << bytes;
      const Journal::Batch batch = journal->Take(10);
      EXPECT_EQ(batch.state, StateOf(bytes)) << bytes;
      EXPECT_EQ(Texts(batch.notifications), Strings{std::to_string(seq)});
      journal->Stored(batch);
    }
    EXPECT_EQ(std::filesystem::file_size(path_), before) << "all are small again";
    EXPECT_TRUE(journal->Append(++seq, "last"));
    EXPECT_TRUE(journal->Commit(StateOf(500'000)));
    (void)journal->Append(++seq, "not committed");
  }
  for (const size_t bytes : {500'000, 800'000, 10, 10}) {  // each a process of its own
    auto journal = Open();
    EXPECT_FALSE(journal->was_refused());
    EXPECT_EQ(journal->last_seq(), 12U);
    EXPECT_EQ(Texts(journal->Take(10).notifications), Strings{"last"});
    if (bytes == 500'000) {
      EXPECT_EQ(journal->state(), StateOf(bytes));
    }
    EXPECT_TRUE(journal->Commit(StateOf(bytes)));
    EXPECT_EQ(journal->state(), StateOf(bytes));
    EXPECT_EQ(Open()->state(), StateOf(bytes));
  }
}

TEST_F(JournalTest, ALargeStateThatIsCutOffIsNotBelieved) {
  {
    auto journal = Open();
    EXPECT_TRUE(journal->Commit(StateOf(70'000)));
  }
  std::filesystem::resize_file(path_, std::filesystem::file_size(path_) - 70'000);
  auto journal = Open();
  EXPECT_TRUE(journal->was_refused());
  EXPECT_EQ(journal->state(), "");
}

TEST_F(JournalTest, AStateThatIsTooLargeChangesNothing) {
  auto journal = Open({.ring_bytes = 4096, .state_bytes = 4096, .max_state_bytes = 4999});
  EXPECT_TRUE(journal->Append(1, "one"));
  EXPECT_TRUE(journal->Commit("small"));
  const Status refused = journal->Commit(std::string(5000, 'x'));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ENOSPC);
  EXPECT_EQ(journal->state(), "small");
}

TEST_F(JournalTest, AnythingElseInItsPlaceIsBegunAnewAndSaid) {
  std::ofstream(path_) << "this is no journal";
  EXPECT_TRUE(Open()->was_refused());
  EXPECT_FALSE(Open()->was_refused());
  EXPECT_TRUE(Open({.ring_bytes = 8192, .state_bytes = 4096})->was_refused());
}

TEST_F(JournalTest, DamagedPositionsAreNotBelieved) {
  for (size_t offset = 0; offset < 192; ++offset) {
    std::filesystem::remove(path_);
    {
      auto journal = Open();
      EXPECT_TRUE(journal->Append(1, "one"));
      EXPECT_TRUE(journal->Commit(offset % 2 == 0 ? "state" : StateOf(5000)));
    }
    {
      std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(static_cast<std::streamoff>(offset));
      file.put(static_cast<char>(0xfe));
    }
    auto journal = Open();
    (void)journal->state();
    (void)journal->Take(10);
    EXPECT_TRUE(journal->Append(2, "two"));
    EXPECT_TRUE(journal->Commit("next"));
    EXPECT_EQ(journal->state(), "next");
  }
}

TEST_F(JournalTest, OfAProcessThatIsKilledEachCommitIsThereOrIsNot) {
  for (int round = 0; round < 20; ++round) {
    std::filesystem::remove(path_);
    (void)Open();
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      auto journal = Journal::Open(path_, {.ring_bytes = 4096, .state_bytes = 4096});
      for (uint64_t seq = 1;; ++seq) {
        if (!(*journal)->Append(seq, std::to_string(seq))) {
          (*journal)->Stored((*journal)->Take(100));
          --seq;
          continue;
        }
        (void)(*journal)->Commit(std::to_string(seq) + std::string(seq % 7 < 3 ? seq * 1000 % 9000 : 0, ' '));
        if (seq == static_cast<uint64_t>(100 + round * 50) && ::write(ready[1], "x", 1) != 1) ::_exit(1);
      }
    }
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(ready[0]);
    ::close(ready[1]);
    auto journal = Open();
    EXPECT_FALSE(journal->was_refused());
    const std::string state = journal->state();
    EXPECT_EQ(state.substr(0, state.find(' ')), std::to_string(journal->last_seq()));
    for (Journal::Batch batch = journal->Take(1000); !batch.notifications.empty(); batch = journal->Take(1000)) {
      EXPECT_EQ(Texts(batch.notifications).back(), std::to_string(journal->last_seq()));
      journal->Stored(batch);
    }
  }
}

}  // namespace
}  // namespace fsherald
