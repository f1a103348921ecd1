// SPDX-License-Identifier: MIT
// The two ends of the subscribe socket against each other: libfsherald's (client/) and the daemon's.
#include "client/subscription.h"

#include <fsherald/fsherald.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <mutex>
#include <thread>

#include "daemon/peer.h"
#include "daemon/subscribers.h"
#include "notify/test_notification.h"
#include "protocol/messages.h"

namespace fsherald {
namespace {

using testing::ElementsAre;

constexpr FilesystemKey kA{1};
constexpr FilesystemKey kB{2};
constexpr MarkRequest kMarkAll{.op = protocol::kAdd, .target = protocol::kOnAll};

// A daemon of a thread.
class Daemon {
 public:
  explicit Daemon(const std::string& dir) : stop_(::eventfd(0, EFD_CLOEXEC)) {
    auto opened = Subscribers::Open({.group = ::getgid(), .ring_bytes = 65536}, Host{},
                                    std::move(*Listen(dir, protocol::kSubscribeSocket)),
                                    {.resolve_descriptor = [](int, pid_t) { return Result<FilesystemKey>(kA); },
                                     .resolve_name = [](const std::string&, const std::string&, uint32_t,
                                                        uid_t) { return Result<FilesystemKey>(kB); },
                                     .describe = [] { return std::string("watching all\n"); }});
    EXPECT_TRUE(opened);
    subscribers_ = std::move(*opened);
    thread_ = std::thread([this] { Run(); });
  }
  ~Daemon() {
    EXPECT_EQ(::eventfd_write(stop_.get(), 1), 0);
    thread_.join();
  }

  void Deliver(uint64_t seq, FilesystemKey key, uint64_t errors = 1) {
    std::lock_guard lock(mutex_);
    subscribers_->Deliver(TestNotification(seq, "disk" + std::to_string(key.value), errors), std::span(&key, 1));
  }

  // Waits until so many groups have a reader.
  void WaitForAttached(size_t count) {
    for (;;) {
      std::lock_guard lock(mutex_);
      if (subscribers_->attached() == count) return;
      pollfd waiting{.fd = subscribers_->fd(), .events = POLLIN, .revents = 0};
      ASSERT_EQ(::poll(&waiting, 1, 10'000), 1);
      subscribers_->Pump();
    }
  }

 private:
  void Run() {
    std::array<pollfd, 2> waiting{pollfd{.fd = subscribers_->fd(), .events = POLLIN, .revents = 0},
                                  pollfd{.fd = stop_.get(), .events = POLLIN, .revents = 0}};
    while (::poll(waiting.data(), waiting.size(), -1) >= 0 && waiting[1].revents == 0) {
      std::lock_guard lock(mutex_);
      subscribers_->Pump();
    }
  }

  Fd stop_;
  std::mutex mutex_;
  std::unique_ptr<Subscribers> subscribers_;
  std::thread thread_;
};

class SubscriptionTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = testing::TempDir() + "fsherald.XXXXXX";
    ASSERT_NE(::mkdtemp(dir_.data()), nullptr);
    daemon_ = std::make_unique<Daemon>(dir_);
  }
  void TearDown() override {
    daemon_.reset();
    std::filesystem::remove_all(dir_);
  }

  std::unique_ptr<Subscription> Subscribe(const std::string& name = "") {
    auto subscription = SubscribeToDaemon(dir_, name);
    EXPECT_TRUE(subscription) << subscription.error().ToString();
    return subscription ? std::move(*subscription) : nullptr;
  }

  // Reads until `enough` says so.
  template <typename Enough>
  static std::vector<Told> ReadUntil(Subscription& subscription, Enough enough) {
    std::vector<Told> told;
    std::vector<std::byte> buffer(8192);
    while (!enough(told)) {
      pollfd waiting{.fd = subscription.fd(), .events = POLLIN, .revents = 0};
      if (::poll(&waiting, 1, 10'000) != 1) {
        ADD_FAILURE() << "nothing came in ten seconds";
        break;
      }
      Result<size_t> bytes = subscription.Read(buffer);
      if (!bytes && bytes.error().code == EAGAIN) continue;
      EXPECT_TRUE(bytes) << bytes.error().ToString();
      if (!bytes) break;
      for (const Told& one : ToldIn(std::span(buffer).first(*bytes))) told.push_back(one);
    }
    return told;
  }
  static std::vector<uint64_t> Sequences(Subscription& subscription, size_t count) {
    std::vector<uint64_t> sequences;
    for (const Told& one : ReadUntil(subscription, [count](const auto& told) { return told.size() >= count; }))
      sequences.push_back(one.seq);
    return sequences;
  }

  std::string dir_;
  std::unique_ptr<Daemon> daemon_;
};

TEST_F(SubscriptionTest, AChildThatClosesItsParentsMonitorEndsNoGroup) {
  const fsherald_monitor_options options{
      .size = sizeof options, .flags = 0, .reserved = 0, .name = "kept", .runtime_dir = dir_.c_str(), .since = 0};
  fsherald_monitor* monitor = nullptr;
  ASSERT_EQ(fsherald_monitor_open(&monitor, &options), 0);
  ASSERT_EQ(fsherald_mark_all(monitor, FSHERALD_MARK_ADD), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    fsherald_monitor_close(monitor);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  // Answered behind whatever the child may have sent.
  EXPECT_EQ(fsherald_mark_path(monitor, FSHERALD_MARK_ADD, "/"), 0);
  daemon_->Deliver(1, kA);
  pollfd waiting{.fd = fsherald_monitor_fd(monitor), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&waiting, 1, 10'000), 1);
  const fsherald_notification* told = nullptr;
  ASSERT_EQ(fsherald_monitor_next(monitor, &told), 1);
  EXPECT_EQ(told->seq, 1U);
  fsherald_monitor_close(monitor);
}

TEST_F(SubscriptionTest, FromTheReturnOfAMarkOnErrorsAreTold) {
  auto subscription = Subscribe();
  EXPECT_EQ(subscription->Describe(), "watching all\n");
  daemon_->Deliver(1, kA);
  ASSERT_TRUE(subscription->Mark({.op = protocol::kAdd, .target = protocol::kOnDescriptor, .fd = STDIN_FILENO}));
  daemon_->Deliver(2, kA);
  daemon_->Deliver(3, kB);
  ASSERT_TRUE(subscription->Mark({.op = protocol::kAdd, .target = protocol::kOnName, .type = "t", .name = "n"}));
  daemon_->Deliver(4, kB);
  EXPECT_THAT(Sequences(*subscription, 2), ElementsAre(2, 4));
}

TEST_F(SubscriptionTest, NothingIsLostUncountedWhileMarksAndNotificationsCross) {
  auto subscription = Subscribe();
  ASSERT_TRUE(subscription->Mark(kMarkAll));
  constexpr uint64_t kFlood = 50'000;
  std::thread flood([this] {
    for (uint64_t seq = 1; seq <= kFlood; ++seq) daemon_->Deliver(seq, seq % 3 == 0 ? kB : kA, 2);
  });
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(subscription->Mark({.op = protocol::kAdd, .target = protocol::kOnDescriptor, .fd = STDIN_FILENO}));
    EXPECT_TRUE(subscription->Mark({.op = protocol::kRemove, .target = protocol::kOnDescriptor, .fd = STDIN_FILENO}));
  }
  uint64_t errors = 0;
  size_t seen = 0;
  uint64_t last = 0;
  ReadUntil(*subscription, [&](const std::vector<Told>& told) {
    for (; seen < told.size(); ++seen) {
      errors += told[seen].errors;
      if (told[seen].is_gap) continue;
      EXPECT_GT(told[seen].seq, last);
      last = told[seen].seq;
    }
    return errors >= kFlood * 2;
  });
  flood.join();
  EXPECT_EQ(errors, kFlood * 2);
}

TEST_F(SubscriptionTest, AnAcknowledgementForEachNotificationBlocksNeitherSide) {
  auto subscription = Subscribe("store");
  ASSERT_TRUE(subscription->Mark(kMarkAll));
  constexpr uint64_t kFlood = 20'000;
  std::thread flood([this] {
    for (uint64_t seq = 1; seq <= kFlood; ++seq) daemon_->Deliver(seq, kA);
  });
  uint64_t errors = 0;
  size_t seen = 0;
  ReadUntil(*subscription, [&](const std::vector<Told>& told) {
    for (; seen < told.size(); ++seen) {
      errors += told[seen].errors;
      EXPECT_TRUE(subscription->Acknowledge(told[seen].seq));
    }
    return errors >= kFlood;
  });
  flood.join();
  EXPECT_EQ(errors, kFlood);
}

TEST_F(SubscriptionTest, AfterItsReadersDeathANamedGroupTellsWhatWasNotAcknowledgedAndNothingTwice) {
  {
    auto first = Subscribe("store");
    ASSERT_TRUE(first->Mark(kMarkAll));
    for (uint64_t seq = 1; seq <= 6; ++seq) daemon_->Deliver(seq, kA);
    ASSERT_EQ(Sequences(*first, 6).size(), 6);
    ASSERT_TRUE(first->Acknowledge(4));
    for (uint64_t seq = 7; seq <= 300; ++seq) daemon_->Deliver(seq, kA);
  }
  daemon_->WaitForAttached(0);
  daemon_->Deliver(301, kA);
  auto second = Subscribe("store");
  const std::vector<uint64_t> sequences = Sequences(*second, 297);
  ASSERT_EQ(sequences.size(), 297);
  EXPECT_EQ(sequences.front(), 5);
  EXPECT_EQ(sequences.back(), 301);
  EXPECT_EQ(SubscribeToDaemon(dir_, "store").error().code, EBUSY);
}

TEST_F(SubscriptionTest, CloseEndsANamedGroup) {
  auto first = Subscribe("store");
  ASSERT_TRUE(first->Mark(kMarkAll));
  daemon_->Deliver(1, kA);
  first->Close();
  first.reset();
  daemon_->WaitForAttached(0);
  auto second = Subscribe("store");
  std::vector<std::byte> buffer(8192);
  EXPECT_EQ(second->Read(buffer).error().code, EAGAIN);
  EXPECT_EQ(second->Mark({.op = protocol::kRemove, .target = protocol::kOnAll}).error().code, ENOENT);
}

TEST_F(SubscriptionTest, WithTheDaemonTheSubscriptionIsGone) {
  auto subscription = Subscribe();
  ASSERT_TRUE(subscription->Mark(kMarkAll));
  daemon_->Deliver(1, kA);
  daemon_.reset();
  EXPECT_THAT(Sequences(*subscription, 1), ElementsAre(1));
  std::vector<std::byte> buffer(8192);
  EXPECT_EQ(subscription->Read(buffer).error().code, ECONNRESET);
}

TEST_F(SubscriptionTest, AProgramInCSubscribesByTheSameWay) {
  const fsherald_monitor_options options{.size = sizeof options,
                                         .flags = FSHERALD_MONITOR_ONLY_DAEMON,
                                         .reserved = 0,
                                         .name = "store",
                                         .runtime_dir = dir_.c_str()};
  fsherald_monitor* monitor = nullptr;
  ASSERT_EQ(fsherald_monitor_open(&monitor, &options), 0);
  EXPECT_EQ(fsherald_monitor_has_daemon(monitor), 1);
  fsherald_monitor* second = nullptr;
  EXPECT_EQ(fsherald_monitor_open(&second, &options), -EBUSY);
  ASSERT_EQ(fsherald_mark_name(monitor, FSHERALD_MARK_ADD, "t", "n", static_cast<uid_t>(-1)), 0);
  const fsherald_notification* notification = nullptr;
  EXPECT_EQ(fsherald_monitor_next(monitor, &notification), 0);
  daemon_->Deliver(7, kB, 3);
  pollfd waiting{.fd = fsherald_monitor_fd(monitor), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&waiting, 1, 10'000), 1);
  ASSERT_EQ(fsherald_monitor_next(monitor, &notification), 1);
  EXPECT_EQ(notification->seq, 7);
  EXPECT_EQ(notification->count, 3);
  EXPECT_STREQ(notification->device, "disk2");
  EXPECT_EQ(fsherald_monitor_acknowledge(monitor, 7), 0);
  daemon_.reset();
  EXPECT_EQ(fsherald_monitor_next(monitor, &notification), -ECONNRESET);
  fsherald_monitor_close(monitor);
}

}  // namespace
}  // namespace fsherald
