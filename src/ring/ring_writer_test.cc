// SPDX-License-Identifier: MIT
#include "ring/ring_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <atomic>
#include <cerrno>
#include <deque>
#include <functional>
#include <thread>

#include "base/fd.h"
#include "ring/test_ring.h"

namespace fsherald::ring {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What a signal handler calls while a test lives.
std::function<void()>* on_signal = nullptr;

class SignalHandler {
 public:
  SignalHandler(int signal, std::function<void()> function) : signal_(signal), function_(std::move(function)) {
    on_signal = &function_;
    struct sigaction action {};
    action.sa_handler = [](int) { (*on_signal)(); };
    action.sa_flags = SA_RESTART;
    ::sigaction(signal_, &action, &before_);
  }
  ~SignalHandler() {
    ::sigaction(signal_, &before_, nullptr);
    on_signal = nullptr;
  }

 private:
  int signal_;
  std::function<void()> function_;
  struct sigaction before_ {};
};

TEST(RingWriterTest, RecordsComeInTheOrderInWhichTheyWereSubmitted) {
  const TestSegment segment;
  RingWriter writer(segment.span(), -1);
  EXPECT_EQ(SubmitText(writer, "one"), Submitted::kWhole);
  EXPECT_EQ(SubmitText(writer, ""), Submitted::kWhole);
  EXPECT_EQ(SubmitText(writer, "three"), Submitted::kWhole);
  RingReader reader = OpenReader(segment);
  EXPECT_THAT(ReadTexts(reader), ElementsAre("one", "", "three"));
  EXPECT_EQ(reader.counted(), 0u);
}

TEST(RingWriterTest, ASlotThatDoesNotFitAtTheEndBeginsAtTheFront) {
  const TestSegment segment;
  RingWriter writer(segment.span(), -1);
  RingReader reader = OpenReader(segment);
  const std::string most(4080, 'a');  // a slot of 4096: three leave 4096 to the end
  for (int i = 0; i < 3; ++i) EXPECT_EQ(SubmitText(writer, most), Submitted::kWhole);
  EXPECT_EQ(SubmitText(writer, std::string(16, 'b')), Submitted::kWhole);  // 4064 to the end
  EXPECT_EQ(ReadTexts(reader).size(), 4u);
  reader.Release();
  EXPECT_EQ(SubmitText(writer, most), Submitted::kWhole);
  EXPECT_EQ(segment.lane(1).head.load(), 16384u + 4096u);
  EXPECT_THAT(ReadTexts(reader), ElementsAre(most));
  EXPECT_FALSE(reader.broken());
}

TEST(RingWriterTest, EverySizeAtEveryOffsetComesWhole) {
  const TestSegment segment;
  RingWriter writer(segment.span(), -1);
  RingReader reader = OpenReader(segment);
  for (size_t bytes = 0; bytes <= kMaxRecordBytes; ++bytes) {
    const std::string text(bytes, static_cast<char>('a' + bytes % 26));
    ASSERT_EQ(SubmitText(writer, text), Submitted::kWhole);
    ASSERT_THAT(ReadTexts(reader), ElementsAre(text));
    reader.Release();
  }
}

TEST(RingWriterTest, WhatFindsNoRoomGoesIntoTheCellAndTheRestIsCounted) {
  const TestSegment segment;
  RingWriter writer(segment.span(), -1);
  RingReader reader = OpenReader(segment);
  const std::string most(4080, 'a');
  for (int i = 0; i < 4; ++i) EXPECT_EQ(SubmitText(writer, most), Submitted::kWhole);
  EXPECT_EQ(SubmitText(writer, "first without room"), Submitted::kInCell);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(SubmitText(writer, "more"), Submitted::kCounted);
  EXPECT_EQ(writer.counted(), 5u);
  EXPECT_THAT(ReadTexts(reader), ElementsAre(most, most, most, most, "first without room"));
  EXPECT_EQ(reader.counted(), 5u);
  EXPECT_EQ(SubmitText(writer, "not before it is given back"), Submitted::kCounted);
  reader.Release();
  EXPECT_EQ(SubmitText(writer, "there is room again"), Submitted::kWhole);
  EXPECT_THAT(ReadTexts(reader), ElementsAre("there is room again"));
  EXPECT_EQ(reader.counted(), 1u);
}

TEST(RingWriterTest, TheCellTakesTheLargestRecord) {
  const TestSegment segment;
  RingWriter writer(segment.span(), -1);
  RingReader reader = OpenReader(segment);
  while (SubmitText(writer, std::string(kMaxRecordBytes, 'x')) == Submitted::kWhole) {
  }
  EXPECT_THAT(ReadTexts(reader), testing::Each(std::string(kMaxRecordBytes, 'x')));
}

TEST(RingWriterTest, TooBigARecordChangesNothing) {
  const TestSegment segment;
  RingWriter writer(segment.span(), -1);
  bool filled = false;
  EXPECT_EQ(writer.Submit(kMaxRecordBytes + 1, [&](std::byte*) { filled = true; }), Submitted::kTooBig);
  EXPECT_EQ(writer.Submit(SIZE_MAX, [&](std::byte*) { filled = true; }), Submitted::kTooBig);
  EXPECT_FALSE(filled);
  RingReader reader = OpenReader(segment);
  EXPECT_THAT(ReadTexts(reader), IsEmpty());
  EXPECT_EQ(reader.counted(), 0u);
}

TEST(RingWriterTest, AHandlersRecordIsPublishedWithTheOneThatItInterrupted) {
  const TestSegment segment;
  RingWriter writer(segment.span(), -1);
  RingReader reader = OpenReader(segment);
  const SignalHandler handler(SIGUSR1, [&] { EXPECT_EQ(SubmitText(writer, "handler's"), Submitted::kWhole); });
  writer.Submit(11, [&](std::byte* to) {
    std::memcpy(to, "inter", 5);
    ::raise(SIGUSR1);
    EXPECT_THAT(ReadTexts(reader), IsEmpty());
    std::memcpy(to + 5, "rupted", 6);
  });
  EXPECT_THAT(ReadTexts(reader), ElementsAre("interrupted", "handler's"));
  SubmitText(writer, "next");
  EXPECT_THAT(ReadTexts(reader), ElementsAre("next"));
}

// A handler is a call in the middle of another; a sanitizer delays real signals.
TEST(RingWriterTest, SubmissionsNestAsHandlersDoAndFillTheRing) {
  const TestSegment segment;
  RingWriter writer(segment.span(), -1);
  RingReader reader = OpenReader(segment);
  std::vector<Submitted> results;
  int depth = 0;
  // Each is interrupted by the next in the middle of its slot; of 4096 four have room.
  const std::function<void()> submit = [&] {
    results.push_back(writer.Submit(4080, [&](std::byte* to) {
      std::memset(to, 'a' + depth, 4080);
      ++depth;
      submit();
    }));
  };
  submit();
  // The innermost returns first: there was no room for it, nor in the cell, which the one below it had not yet filled.
  EXPECT_THAT(results, ElementsAre(Submitted::kCounted, Submitted::kInCell, Submitted::kWhole, Submitted::kWhole,
                                   Submitted::kWhole, Submitted::kWhole));
  EXPECT_THAT(ReadTexts(reader), ElementsAre(std::string(4080, 'a'), std::string(4080, 'b'), std::string(4080, 'c'),
                                             std::string(4080, 'd'), std::string(4080, 'e')));
  EXPECT_EQ(reader.counted(), 1u);
}

TEST(RingWriterTest, HandlersOfRealTimersLoseNothing) {
  const TestSegment segment;
  RingWriter writer(segment.span(), -1);
  RingReader reader = OpenReader(segment);
  std::atomic<uint64_t> handled = 0;
  const SignalHandler handler(SIGALRM, [&] {
    const uint64_t number = 1'000'000'000 + handled.fetch_add(1, std::memory_order_relaxed);
    writer.Submit(sizeof number, [&](std::byte* to) { std::memcpy(to, &number, sizeof number); });
  });
  const itimerval often = {{0, 20}, {0, 20}};
  ::setitimer(ITIMER_REAL, &often, nullptr);
  uint64_t told = 0, counted = 0, submitted = 0, last = 0, last_handled = 0;
  const auto read = [&] {
    while (auto record = reader.Next()) {
      uint64_t number = 0;
      ASSERT_EQ(record->payload.size(), sizeof number);
      std::memcpy(&number, record->payload.data(), sizeof number);
      uint64_t& before = number >= 1'000'000'000 ? last_handled : last;
      EXPECT_LT(before, number + (record->from_cell ? 1 : 0));
      before = std::max(before, number);
      ++told;
    }
    counted += reader.counted();
    reader.Release();
  };
  while (handled.load(std::memory_order_relaxed) < 200) {
    ++submitted;
    writer.Submit(sizeof submitted, [&](std::byte* to) { std::memcpy(to, &submitted, sizeof submitted); });
    if (submitted % 100 == 0) read();
  }
  const itimerval never = {};
  ::setitimer(ITIMER_REAL, &never, nullptr);
  read();
  EXPECT_EQ(told + counted, submitted + handled);
}

TEST(RingWriterTest, AThreadTakesTheLaneOfOneThatHasEnded) {
  const TestSegment segment(3);
  RingWriter writer(segment.span(), -1);
  RingReader reader = OpenReader(segment);
  for (int i = 0; i < 20; ++i) {
    std::jthread([&] { SubmitText(writer, std::to_string(i)); }).join();
    const auto record = reader.Next();
    ASSERT_TRUE(record);
    EXPECT_EQ(TextOf(*record), std::to_string(i));
    EXPECT_EQ(record->lane, i == 0 ? 1u : i == 1 ? 2u : record->lane);
    EXPECT_NE(record->lane, 0u);
  }
}

TEST(RingWriterTest, WhoDiesInTheMiddleOfASlotBlocksNobody) {
  const TestSegment segment;  // one lane for all that have one of their own
  RingReader reader = OpenReader(segment);
  const pid_t child = ::fork();
  if (child == 0) {
    RingWriter writer(segment.span(), -1);
    SubmitText(writer, "whole");
    writer.Submit(100, [&](std::byte* to) {
      std::memset(to, 'x', 50);
      ::kill(::getpid(), SIGKILL);
    });
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_THAT(ReadTexts(reader), ElementsAre("whole"));
  RingWriter writer(segment.span(), -1);
  EXPECT_EQ(SubmitText(writer, "after it"), Submitted::kWhole);
  const auto record = reader.Next();
  ASSERT_TRUE(record);
  EXPECT_EQ(TextOf(*record), "after it");
  EXPECT_EQ(record->lane, 1u);
  EXPECT_EQ(reader.Next(), std::nullopt);
}

TEST(RingWriterTest, WhoDiesInTheCellLeavesTheRestToBeCounted) {
  const TestSegment segment;
  RingReader reader = OpenReader(segment);
  const pid_t child = ::fork();
  if (child == 0) {
    RingWriter writer(segment.span(), -1);
    while (writer.Submit(4080, [&](std::byte*) {
      if (segment.header().cell.state.load() == kWriting) ::kill(::getpid(), SIGKILL);
    }) == Submitted::kWhole) {
    }
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  RingWriter writer(segment.span(), -1);
  EXPECT_EQ(SubmitText(writer, std::string(100, 'x')), Submitted::kCounted);
  EXPECT_EQ(ReadTexts(reader).size(), 4u);
  EXPECT_EQ(reader.counted(), 1u);
}

TEST(RingWriterTest, ThreadsThatFindNoLaneShareOne) {
  constexpr int kThreads = 4;
  constexpr uint64_t kEach = 2000;
  const TestSegment segment(2);
  RingWriter writer(segment.span(), -1);
  RingReader reader = OpenReader(segment);
  SubmitText(writer, "we have lane 1, and live on");
  EXPECT_EQ(ReadTexts(reader).size(), 1u);
  std::atomic<uint64_t> whole = 0, in_cell = 0, only_counted = 0;
  std::atomic<int> running = kThreads;
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (uint64_t n = 0; n < kEach; ++n) {
        const Submitted result = SubmitText(writer, "shared");
        (result == Submitted::kWhole ? whole : result == Submitted::kInCell ? in_cell : only_counted) += 1;
      }
      --running;
    });
  }
  uint64_t told = 0, from_cell = 0, counted = 0;
  for (bool last = false; !last;) {
    last = running == 0;
    while (auto record = reader.Next()) {
      EXPECT_EQ(TextOf(*record), "shared");
      EXPECT_EQ(record->lane, 0u);
      ++(record->from_cell ? from_cell : told);
    }
    counted += reader.counted();
    reader.Release();
  }
  EXPECT_EQ(told, whole);
  EXPECT_EQ(from_cell, in_cell);
  EXPECT_EQ(counted, only_counted);
  EXPECT_EQ(told + from_cell + counted, kThreads * kEach);
}

TEST(RingWriterTest, AThreadHasOneLaneInEachOfManyRings) {
  std::deque<TestSegment> segments;
  std::deque<RingWriter> writers;
  for (int i = 0; i < 40; ++i) writers.emplace_back(segments.emplace_back(4).span(), -1);
  for (int round = 0; round < 3; ++round)
    for (RingWriter& writer : writers) EXPECT_EQ(SubmitText(writer, std::to_string(round)), Submitted::kWhole);
  for (const TestSegment& segment : segments) {
    RingReader reader = OpenReader(segment);
    for (const char* text : {"0", "1", "2"}) {
      const auto record = reader.Next();
      ASSERT_TRUE(record);
      EXPECT_EQ(TextOf(*record), text);
      EXPECT_EQ(record->lane, 1u);
    }
  }
}

class RingWakeTest : public testing::TestWithParam<bool> {
 protected:
  RingWakeTest() { EXPECT_TRUE(RegisterForMembarrier()); }

  uint64_t Wakes() {
    uint64_t count = 0;
    return ::read(wake_.get(), &count, sizeof count) == sizeof count ? count : 0;
  }

  const TestSegment segment_{4, kMinLaneBytes, GetParam()};
  const Fd wake_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  RingWriter writer_{segment_.span(), wake_.get()};
  RingReader reader_ = OpenReader(segment_);
};

INSTANTIATE_TEST_SUITE_P(Fences, RingWakeTest, testing::Bool(),
                         [](const auto& fences) { return fences.param ? "Own" : "ByMembarrier"; });

TEST_P(RingWakeTest, OnlyASleeperIsWokenAndOnce) {
  SubmitText(writer_, "nobody sleeps");
  EXPECT_EQ(Wakes(), 0u);
  EXPECT_EQ(ReadTexts(reader_).size(), 1u);
  ASSERT_TRUE(reader_.Sleep());
  EXPECT_EQ(Wakes(), 0u);
  SubmitText(writer_, "wakes it");
  SubmitText(writer_, "it is awake");
  EXPECT_EQ(Wakes(), 1u);
  reader_.Awake();
  SubmitText(writer_, "it is awake");
  EXPECT_EQ(Wakes(), 0u);
  EXPECT_EQ(ReadTexts(reader_).size(), 3u);
}

TEST_P(RingWakeTest, WhatIsOnlyCountedWakesToo) {
  while (SubmitText(writer_, std::string(4080, 'x')) != Submitted::kCounted) {
  }
  ReadTexts(reader_);
  EXPECT_EQ(reader_.counted(), 1u);
  ASSERT_TRUE(reader_.Sleep());
  EXPECT_EQ(SubmitText(writer_, "counted: nothing was given back"), Submitted::kCounted);
  EXPECT_EQ(Wakes(), 1u);
}

TEST_P(RingWakeTest, NoWakeUpIsLostBetweenThreads) {
  constexpr int kRecords = 2000;
  std::jthread producer([&] {
    for (int i = 0; i < kRecords; ++i) {
      while (SubmitText(writer_, "x") == Submitted::kCounted) std::this_thread::yield();
      if (i % 7 == 0) std::this_thread::yield();
    }
  });
  int told = 0;
  while (told < kRecords) {
    while (reader_.Next()) ++told;
    reader_.counted();
    reader_.Release();
    if (told == kRecords || !reader_.Sleep()) continue;
    pollfd waiting = {.fd = wake_.get(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(::poll(&waiting, 1, 20'000), 1) << "asleep though there is something, after " << told;
    reader_.Awake();
    EXPECT_GE(Wakes(), 1u);  // one may be of a Sleep that found something at once
  }
}

TEST(RingWriterTest, ErrnoIsKept) {
  ASSERT_TRUE(RegisterForMembarrier());
  const TestSegment segment;
  const Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const uint64_t most = UINT64_MAX - 1;
  ASSERT_EQ(::write(wake.get(), &most, sizeof most), static_cast<ssize_t>(sizeof most));  // the next write is EAGAIN
  RingWriter writer(segment.span(), wake.get());
  RingReader reader = OpenReader(segment);
  ASSERT_TRUE(reader.Sleep());
  errno = ENOTTY;
  SubmitText(writer, "finds a lane and wakes");
  EXPECT_EQ(errno, ENOTTY);
  // Each of these looks for a lane that a dead thread has left: there is none, and tgkill(2) fails.
  std::jthread([&] {
    errno = EXDEV;
    SubmitText(writer, "shares");
    EXPECT_EQ(errno, EXDEV);
  }).join();
}

}  // namespace
}  // namespace fsherald::ring
