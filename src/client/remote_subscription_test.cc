// SPDX-License-Identifier: MIT
// Against a daemon that speaks the protocol by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <future>
#include <thread>

#include "client/subscription.h"
#include "notify/test_notification.h"
#include "protocol/packet.h"

namespace fsherald {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr MarkRequest kMarkAll{.op = protocol::kAdd, .target = protocol::kOnAll};

// The daemon's end of one connection.
class Peer {
 public:
  explicit Peer(Fd socket) : socket_(std::move(socket)) {}

  // The next request's type.
  uint32_t Receive() {
    pollfd waiting{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&waiting, 1, 10'000), 1);
    Result<protocol::Packet> packet = protocol::Receive(socket_.get());
    if (!packet || packet->bytes.empty()) return 0;
    packet_ = std::move(*packet);
    return ByteReader(packet_.bytes).Read<protocol::Head>()->type;
  }
  template <typename T>
  T Last() {
    return *ByteReader(packet_.bytes).Read<T>();
  }
  size_t descriptors() const { return packet_.descriptors.size(); }

  void Send(protocol::Type type, std::string_view body) {
    const protocol::Head head{.type = type, .bytes = static_cast<uint32_t>(sizeof head + body.size())};
    std::string packet(reinterpret_cast<const char*>(&head), sizeof head);
    packet += body;
    EXPECT_TRUE(protocol::Send(socket_.get(), std::as_bytes(std::span(packet))));
  }
  void Answer(int32_t error, std::string_view text = "") {
    std::string body(reinterpret_cast<const char*>(&error), sizeof error);
    body += std::string(4, '\0');
    body += text;
    Send(protocol::kAnswer, body);
  }
  void Tell(std::initializer_list<uint64_t> sequences) {
    std::string body;
    for (uint64_t seq : sequences) AppendStream(TestNotification(seq, "sda"), {}, body);
    Send(protocol::kNotifications, body);
  }

 private:
  Fd socket_;
  protocol::Packet packet_;
};

class RemoteSubscriptionTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = testing::TempDir() + "fsherald.XXXXXX";
    ASSERT_NE(::mkdtemp(dir_.data()), nullptr);
  }
  void TearDown() override {
    if (daemon_.joinable()) daemon_.join();
    std::filesystem::remove_all(dir_);
  }

  // Runs `script` with the first connection, in a thread; with the one behind `ended` others, which end without an answer.
  void Daemon(std::function<void(Peer&)> script, int ended = 0) {
    const std::string path = dir_ + "/subscribe";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    listener_.Reset(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(listener_.get(), 1), 0);
    daemon_ = std::thread([this, script = std::move(script), ended] {
      for (int i = 0; i < ended; ++i) {
        Peer peer(Fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
        EXPECT_EQ(peer.Receive(), protocol::kOpen);
      }
      Peer peer(Fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
      EXPECT_EQ(peer.Receive(), protocol::kOpen);
      script(peer);
    });
  }

  std::unique_ptr<Subscription> Subscribe(const std::string& name = "") {
    auto subscription = SubscribeToDaemon(dir_, name);
    EXPECT_TRUE(subscription) << subscription.error().ToString();
    return subscription ? std::move(*subscription) : nullptr;
  }

  static bool IsReadable(const Subscription& subscription, int timeout_ms = 0) {
    pollfd waiting{.fd = subscription.fd(), .events = POLLIN, .revents = 0};
    return ::poll(&waiting, 1, timeout_ms) == 1;
  }
  static std::vector<uint64_t> Read(Subscription& subscription, size_t most = SIZE_MAX) {
    std::vector<std::byte> buffer(65536);
    Result<size_t> bytes = subscription.Read(buffer, most);
    std::vector<uint64_t> sequences;
    if (!bytes) return sequences;
    for (const Told& told : ToldIn(std::span(buffer).first(*bytes))) sequences.push_back(told.seq);
    return sequences;
  }
  static int ErrorOfRead(Subscription& subscription, size_t size = 65536) {
    std::vector<std::byte> buffer(size);
    Result<size_t> bytes = subscription.Read(buffer);
    return bytes ? 0 : bytes.error().code;
  }

  std::string dir_;
  Fd listener_;
  std::thread daemon_;
};

TEST_F(RemoteSubscriptionTest, WhereNoDaemonIsItSaysSo) {
  EXPECT_EQ(SubscribeToDaemon(dir_, "").error().code, ECONNREFUSED);
}

TEST_F(RemoteSubscriptionTest, TheAnswerSaysWhatIsWatched) {
  Daemon([](Peer& peer) {
    EXPECT_STREQ(peer.Last<protocol::Open>().name, "store");
    peer.Answer(0, "watching 3 file systems\n");
    peer.Receive();
  });
  auto subscription = Subscribe("store");
  EXPECT_EQ(subscription->Describe(), "watching 3 file systems\n");
  EXPECT_TRUE(subscription->has_daemon());
  EXPECT_FALSE(IsReadable(*subscription));
  EXPECT_EQ(ErrorOfRead(*subscription), EAGAIN);
}

TEST_F(RemoteSubscriptionTest, ARefusalHasTheDaemonsSentence) {
  Daemon([](Peer& peer) { peer.Answer(EPERM, "only root may subscribe"); });
  auto subscription = SubscribeToDaemon(dir_, "");
  EXPECT_EQ(subscription.error().code, EPERM);
  EXPECT_EQ(subscription.error().what, "only root may subscribe");
}

TEST_F(RemoteSubscriptionTest, ADaemonThatEndsBeforeItAnswersIsNone) {
  Daemon([this](Peer&) { listener_.Reset(); });
  EXPECT_EQ(SubscribeToDaemon(dir_, "").error().code, ECONNREFUSED);
}

TEST_F(RemoteSubscriptionTest, TheNextDaemonBehindTheSameSocketAnswersInsteadOfOneThatEnds) {
  Daemon(
      [](Peer& peer) {
        peer.Answer(0, "the next\n");
        peer.Receive();
      },
      1);
  auto subscription = Subscribe();
  ASSERT_NE(subscription, nullptr);
  EXPECT_EQ(subscription->Describe(), "the next\n");
}

TEST_F(RemoteSubscriptionTest, WhoTakesConnectionsAndAnswersNobodyIsNotAskedForEver) {
  Daemon([](Peer&) {}, 2);
  EXPECT_EQ(SubscribeToDaemon(dir_, "").error().code, ECONNRESET);
}

TEST_F(RemoteSubscriptionTest, WhatComesIsReadInPartsAndTheDescriptorSaysWhatIsLeft) {
  Daemon([](Peer& peer) {
    peer.Answer(0);
    peer.Tell({1, 2, 3});
    peer.Tell({4});
    peer.Receive();
  });
  auto subscription = Subscribe();
  ASSERT_TRUE(IsReadable(*subscription, 10'000));
  EXPECT_THAT(Read(*subscription, 1), ElementsAre(1));
  EXPECT_TRUE(IsReadable(*subscription));
  EXPECT_EQ(ErrorOfRead(*subscription, 40), EINVAL);
  std::vector<uint64_t> rest;
  while (rest.size() < 3) {
    ASSERT_TRUE(IsReadable(*subscription, 10'000));
    for (uint64_t seq : Read(*subscription)) rest.push_back(seq);
  }
  EXPECT_THAT(rest, ElementsAre(2, 3, 4));
  EXPECT_FALSE(IsReadable(*subscription));
  EXPECT_EQ(ErrorOfRead(*subscription), EAGAIN);
}

TEST_F(RemoteSubscriptionTest, NotificationsThatComeBeforeTheAnswerAreKept) {
  Daemon([](Peer& peer) {
    peer.Answer(0);
    EXPECT_EQ(peer.Receive(), protocol::kMark);
    EXPECT_EQ(peer.Last<protocol::Mark>().op, protocol::kAdd);
    EXPECT_EQ(peer.Last<protocol::Mark>().target, protocol::kOnAll);
    peer.Tell({1, 2});
    peer.Tell({3});
    peer.Answer(0);
    peer.Receive();
  });
  auto subscription = Subscribe();
  ASSERT_TRUE(subscription->Mark(kMarkAll));
  EXPECT_TRUE(IsReadable(*subscription));  // at once: nothing is left in the socket
  EXPECT_THAT(Read(*subscription), ElementsAre(1, 2, 3));
  EXPECT_FALSE(IsReadable(*subscription));
}

TEST_F(RemoteSubscriptionTest, AMarkHasItsDescriptorItsNameAndItsRefusal) {
  Daemon([](Peer& peer) {
    peer.Answer(0);
    EXPECT_EQ(peer.Receive(), protocol::kMark);
    EXPECT_EQ(peer.descriptors(), 1);
    peer.Answer(0);
    EXPECT_EQ(peer.Receive(), protocol::kMark);
    EXPECT_EQ(peer.descriptors(), 0);
    EXPECT_STREQ(peer.Last<protocol::Mark>().type, "mydb");
    EXPECT_STREQ(peer.Last<protocol::Mark>().name, "orders");
    EXPECT_EQ(peer.Last<protocol::Mark>().uid, 1000);
    peer.Answer(ENOENT, "there is no such mark");
    peer.Receive();
  });
  auto subscription = Subscribe();
  EXPECT_TRUE(subscription->Mark({.op = protocol::kAdd, .target = protocol::kOnDescriptor, .fd = STDIN_FILENO}));
  const Status removed = subscription->Mark(
      {.op = protocol::kRemove, .target = protocol::kOnName, .type = "mydb", .name = "orders", .uid = 1000});
  EXPECT_EQ(removed.error(), (Error{"there is no such mark", ENOENT}));
  EXPECT_EQ(subscription->Mark({.op = protocol::kAdd, .target = protocol::kOnDescriptor, .fd = -1}).error().code,
            EBADF);
}

TEST_F(RemoteSubscriptionTest, WhenTheDaemonIsGoneFirstAllIsReadAndThenItIsSaid) {
  std::promise<void> acknowledged;
  Daemon([&acknowledged](Peer& peer) {
    peer.Answer(0);
    acknowledged.get_future().wait();
    peer.Tell({1});
    peer.Tell({2});
  });
  auto subscription = Subscribe("store");
  ASSERT_TRUE(subscription->Acknowledge(7));  // the daemon ends with this unread: the socket is reset
  acknowledged.set_value();
  daemon_.join();
  EXPECT_THAT(Read(*subscription, 1), ElementsAre(1));
  EXPECT_EQ(subscription->Mark(kMarkAll).error().code, ECONNRESET);
  EXPECT_TRUE(IsReadable(*subscription));
  EXPECT_THAT(Read(*subscription), ElementsAre(2));
  EXPECT_TRUE(IsReadable(*subscription));
  EXPECT_EQ(ErrorOfRead(*subscription), ECONNRESET);
  EXPECT_EQ(subscription->Acknowledge(9).error().code, ECONNRESET);
}

TEST_F(RemoteSubscriptionTest, OnlyANamedGroupAcknowledgesAndIsClosedByItsReader) {
  Daemon([](Peer& peer) {
    peer.Answer(0);
    EXPECT_EQ(peer.Receive(), protocol::kAcknowledge);
    EXPECT_EQ(peer.Last<protocol::Acknowledge>().seq, 41);
    EXPECT_EQ(peer.Receive(), protocol::kClose);
  });
  auto subscription = Subscribe("store");
  EXPECT_TRUE(subscription->Acknowledge(41));
  subscription->Close();
}

TEST_F(RemoteSubscriptionTest, WithoutANameNothingIsAcknowledged) {
  Daemon([](Peer& peer) {
    peer.Answer(0);
    EXPECT_EQ(peer.Receive(), 0);  // hung up
  });
  auto subscription = Subscribe();
  EXPECT_TRUE(subscription->Acknowledge(41));
}

TEST_F(RemoteSubscriptionTest, WhatIsNoNotificationEndsIt) {
  Daemon([](Peer& peer) {
    peer.Answer(0);
    peer.Tell({1});
    peer.Send(protocol::kNotifications, std::string(24, '\xff'));
    peer.Receive();
  });
  auto subscription = Subscribe();
  std::vector<uint64_t> told;
  int error = 0;
  while (error == 0) {
    ASSERT_TRUE(IsReadable(*subscription, 10'000));
    for (uint64_t seq : Read(*subscription)) told.push_back(seq);
    error = ErrorOfRead(*subscription);
    if (error == EAGAIN) error = 0;
  }
  EXPECT_EQ(error, ECONNRESET);
  EXPECT_THAT(told, ElementsAre(1));
}

}  // namespace
}  // namespace fsherald
