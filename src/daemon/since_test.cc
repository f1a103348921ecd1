// SPDX-License-Identifier: MIT
// A subscriber that asks for all since a number, from libfsherald's end to the store: what is told goes on all the while.
#include <fsherald/fsherald.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <mutex>
#include <thread>

#include "base/clock.h"
#include "client/subscription.h"
#include "daemon/peer.h"
#include "daemon/recorder.h"
#include "daemon/replays.h"
#include "daemon/subscribers.h"
#include "notify/test_notification.h"
#include "protocol/messages.h"
#include "store/test_history.h"

namespace fsherald {
namespace {

constexpr FilesystemKey kKey{1};

// A daemon of a thread: journal, recorder, replays and subscribers, as the broker has them.
class Daemon {
 public:
  explicit Daemon(const TestDirectory& directory) : stop_(::eventfd(0, EFD_CLOEXEC)) {
    auto journal = Journal::Open(directory.file("journal"), {.ring_bytes = 65536, .state_bytes = 4096});
    EXPECT_TRUE(journal);
    journal_ = std::move(*journal);
    Recorder::Options options{.store = {.directory = directory.file("store")},
                              .second = {.directory = directory.file("second")},
                              .host = kTestHost,
                              .group_ns = 100'000};
    auto recorder = Recorder::Start(options, journal_);
    EXPECT_TRUE(recorder);
    recorder_ = std::move(*recorder);
    told_ = std::max(recorder_->last_seq().value_or(0), journal_->last_seq());
    auto replays = Replays::Start({.store = options.store.directory,
                                   .second = options.second.directory,
                                   .host = kTestHost,
                                   .told = [this] { return told_; },
                                   .unstored = [] { return std::vector<const Notification*>(); }},
                                  journal_);
    EXPECT_TRUE(replays);
    replays_ = std::move(*replays);
    OpenSubscribers(directory.path());
    thread_ = std::thread([this] { Run(); });
  }
  ~Daemon() {
    EXPECT_EQ(::eventfd_write(stop_.get(), 1), 0);
    thread_.join();
    EXPECT_TRUE(recorder_->Finish(10'000'000'000));
  }

  // Commits and delivers the next number. False: the journal is full for now.
  bool Tell() {
    std::lock_guard lock(mutex_);
    Notification notification = TestNotification(told_ + 1, "disk");
    notification.utc_ns = UtcNowNs();  // nothing is too old for the store
    std::string bytes;
    AppendStream(notification, kTestHost, bytes);
    if (!journal_->Append(told_ + 1, bytes)) return false;
    ++told_;
    EXPECT_TRUE(journal_->Commit(""));
    subscribers_->Deliver(notification, std::span(&kKey, 1));
    recorder_->Committed(1);
    return true;
  }
  void Tell(uint64_t count) {
    while (count > 0) count -= Tell() ? 1 : 0;
  }

 private:
  void OpenSubscribers(const std::string& dir) {
    auto opened =
        Subscribers::Open({.group = ::getgid()}, kTestHost, std::move(*Listen(dir, protocol::kSubscribeSocket)),
                          {.resolve_descriptor = [](int, pid_t) { return Result<FilesystemKey>(kKey); },
                           .resolve_name = [](const std::string&, const std::string&, uint32_t,
                                              uid_t) { return Result<FilesystemKey>(kKey); },
                           .describe = [] { return std::string("watching all\n"); },
                           .replay = [this](uint64_t since) { return replays_->Begin(since); }});
    EXPECT_TRUE(opened);
    subscribers_ = std::move(*opened);
  }
  void Run() {
    std::array<pollfd, 3> waiting{pollfd{.fd = subscribers_->fd(), .events = POLLIN, .revents = 0},
                                  pollfd{.fd = replays_->fd(), .events = POLLIN, .revents = 0},
                                  pollfd{.fd = stop_.get(), .events = POLLIN, .revents = 0}};
    while (::poll(waiting.data(), waiting.size(), -1) >= 0 && waiting[2].revents == 0) {
      std::lock_guard lock(mutex_);
      if (waiting[0].revents != 0) subscribers_->Pump();
      if (waiting[1].revents == 0) continue;
      replays_->Pump();
      subscribers_->Resume();
    }
  }

  Fd stop_;
  std::mutex mutex_;
  uint64_t told_ = 0;
  std::shared_ptr<Journal> journal_;
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<Replays> replays_;
  std::unique_ptr<Subscribers> subscribers_;
  std::thread thread_;
};

class SinceTest : public testing::Test {
 protected:
  void SetUp() override { daemon_ = std::make_unique<Daemon>(directory_); }

  std::unique_ptr<Subscription> Since(uint64_t since, const std::string& name = "") {
    auto subscription = SubscribeToDaemon(directory_.path(), name, since);
    EXPECT_TRUE(subscription) << subscription.error().ToString();
    return subscription ? std::move(*subscription) : nullptr;
  }

  // Reads on until number `last` has come: each number above `position` once, in order.
  static void ExpectEach(Subscription& subscription, uint64_t& position, uint64_t last) {
    std::vector<std::byte> buffer(65536);
    while (position < last) {
      pollfd waiting{.fd = subscription.fd(), .events = POLLIN, .revents = 0};
      ASSERT_EQ(::poll(&waiting, 1, 10'000), 1) << "nothing came in ten seconds after number " << position;
      Result<size_t> bytes = subscription.Read(buffer);
      if (!bytes && bytes.error().code == EAGAIN) continue;
      ASSERT_TRUE(bytes) << bytes.error().ToString();
      for (const Told& one : ToldIn(std::span(buffer).first(*bytes))) {
        ASSERT_FALSE(one.is_gap) << one;
        ASSERT_EQ(one.seq, ++position);
      }
    }
  }

  TestDirectory directory_;
  std::unique_ptr<Daemon> daemon_;
};

TEST_F(SinceTest, OfThousandsEachIsToldOnceWhileMoreAreDelivered) {
  constexpr uint64_t kBefore = 8000;
  constexpr uint64_t kMeanwhile = 12'000;
  daemon_->Tell(kBefore);
  std::thread flood([this] { daemon_->Tell(kMeanwhile); });
  std::vector<std::thread> readers;
  for (uint64_t since : {0, 1, 4000, 7999, 8000})
    readers.emplace_back([this, since] {
      auto subscription = Since(since);
      uint64_t position = since;
      ASSERT_NO_FATAL_FAILURE(ExpectEach(*subscription, position, kBefore + kMeanwhile));
    });
  for (std::thread& reader : readers) reader.join();
  flood.join();
}

TEST_F(SinceTest, WhoComesAgainWithHisLastNumberMissesNothingWhoeverEnds) {
  constexpr uint64_t kAll = 6000;
  uint64_t position = 0;
  std::thread flood([this] { daemon_->Tell(kAll / 2); });
  for (uint64_t last = 100; last < kAll / 2; last += 100) {
    auto subscription = Since(position);
    ASSERT_NO_FATAL_FAILURE(ExpectEach(*subscription, position, last));
  }
  flood.join();
  daemon_.reset();
  daemon_ = std::make_unique<Daemon>(directory_);
  std::thread more([this] { daemon_->Tell(kAll / 2); });
  auto subscription = Since(position);
  ASSERT_NO_FATAL_FAILURE(ExpectEach(*subscription, position, kAll));
  more.join();
}

TEST_F(SinceTest, WhatRetentionHasTakenSinceIsToldByItsCount) {
  daemon_->Tell(6000);
  daemon_.reset();
  {
    auto store = Store::Open({.directory = directory_.file("store"), .max_age_s = 1}, nullptr);
    ASSERT_TRUE(store);
    while (*(*store)->Retain(UtcNowNs() / 1'000'000'000 + 10)) continue;
  }
  daemon_ = std::make_unique<Daemon>(directory_);
  daemon_->Tell(1);
  auto subscription = Since(100);
  std::vector<std::byte> buffer(65536);
  std::vector<Notification> all;
  while (all.size() < 2) {
    pollfd waiting{.fd = subscription->fd(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(::poll(&waiting, 1, 10'000), 1);
    const Result<size_t> bytes = subscription->Read(buffer);
    if (!bytes && bytes.error().code == EAGAIN) continue;
    ASSERT_TRUE(bytes) << bytes.error().ToString();
    for (Bytes rest = std::span(buffer).first(*bytes); !rest.empty();) {
      auto parsed = ParseStream(rest);
      ASSERT_TRUE(parsed);
      rest = rest.subspan(parsed->bytes);
      all.push_back(std::move(parsed->notification));
    }
  }
  ASSERT_EQ(all.size(), 2U);
  ASSERT_TRUE(all[0].gap);
  EXPECT_EQ(all[0].gap->count, 5900U);
  EXPECT_TRUE(all[0].gap->exact);
  EXPECT_EQ(all[1].seq, 6001U);
}

TEST_F(SinceTest, AGroupWithANameIsReplacedAndThenGoesOnAsAnyOther) {
  {
    auto first = SubscribeToDaemon(directory_.path(), "store");
    ASSERT_TRUE(first);
    ASSERT_TRUE((*first)->Mark({.op = protocol::kAdd, .target = protocol::kOnAll}));
    daemon_->Tell(10);
    EXPECT_EQ(SubscribeToDaemon(directory_.path(), "store", 0).error().code, EBUSY);
  }
  uint64_t position = 0;
  {
    auto second = Since(0, "store");
    ASSERT_NO_FATAL_FAILURE(ExpectEach(*second, position, 10));
    daemon_->Tell(10);
    ASSERT_NO_FATAL_FAILURE(ExpectEach(*second, position, 20));
    ASSERT_TRUE(second->Acknowledge(15));
  }
  daemon_->Tell(10);
  position = 15;
  auto third = SubscribeToDaemon(directory_.path(), "store");
  ASSERT_TRUE(third);
  ASSERT_NO_FATAL_FAILURE(ExpectEach(**third, position, 30));
}

TEST_F(SinceTest, ItTellsOfAllFileSystemsAndTakesNoOtherMarks) {
  auto subscription = Since(0);
  EXPECT_TRUE(subscription->Mark({.op = protocol::kAdd, .target = protocol::kOnAll}));
  for (const MarkRequest& request :
       {MarkRequest{.op = protocol::kRemove, .target = protocol::kOnAll}, MarkRequest{.op = protocol::kFlush},
        MarkRequest{.target = protocol::kOnName, .type = "t", .name = "n"}})
    EXPECT_EQ(subscription->Mark(request).error().code, EOPNOTSUPP);
  daemon_->Tell(1);
  uint64_t position = 0;
  ASSERT_NO_FATAL_FAILURE(ExpectEach(*subscription, position, 1));
}

TEST_F(SinceTest, WhoDoesNotReadInHisReplayMissesNothing) {
  daemon_->Tell(5000);
  auto subscription = Since(0);
  daemon_->Tell(15'000);  // more than his ring would hold
  uint64_t position = 0;
  ASSERT_NO_FATAL_FAILURE(ExpectEach(*subscription, position, 20'000));
}

TEST_F(SinceTest, AProgramInCSaysItByAnOption) {
  daemon_->Tell(3);
  fsherald_monitor_options options{};
  options.size = sizeof options;
  options.flags = FSHERALD_MONITOR_SINCE;
  options.runtime_dir = directory_.path().c_str();
  options.since = 2;
  fsherald_monitor* monitor = nullptr;
  ASSERT_EQ(fsherald_monitor_open(&monitor, &options), 0);
  pollfd waiting{.fd = fsherald_monitor_fd(monitor), .events = POLLIN, .revents = 0};
  const fsherald_notification* notification = nullptr;
  ASSERT_EQ(::poll(&waiting, 1, 10'000), 1);
  ASSERT_EQ(fsherald_monitor_next(monitor, &notification), 1);
  EXPECT_EQ(notification->seq, 3);
  fsherald_monitor_close(monitor);

  options.flags = FSHERALD_MONITOR_SINCE | FSHERALD_MONITOR_NO_DAEMON;
  EXPECT_EQ(fsherald_monitor_open(&monitor, &options), -EINVAL);
  options.flags = 0;
  EXPECT_EQ(fsherald_monitor_open(&monitor, &options), -EINVAL) << "a number, and nobody asks for it";
  options.flags = FSHERALD_MONITOR_SINCE;
  options.runtime_dir = "/nowhere";
  EXPECT_EQ(fsherald_monitor_open(&monitor, &options), -ECONNREFUSED);
}

}  // namespace
}  // namespace fsherald
