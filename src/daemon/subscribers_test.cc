// SPDX-License-Identifier: MIT
// Against a client that speaks the protocol by hand.
#include "daemon/subscribers.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "daemon/peer.h"
#include "notify/test_notification.h"
#include "protocol/packet.h"

namespace fsherald {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr FilesystemKey kA{1};
constexpr FilesystemKey kB{2};
constexpr uint32_t kNobody = 65534;

// What came to a client.
struct Came {
  std::vector<int> answers;  // their errors
  std::string text;          // of the last answer
  std::vector<Told> told;
  bool hung_up = false;
};

class Client {
 public:
  explicit Client(const std::string& dir) : socket_(std::move(*protocol::Connect(dir, protocol::kSubscribeSocket))) {}

  template <typename T>
  void Send(const T& message, std::span<const int> descriptors = {}) {
    EXPECT_TRUE(protocol::Send(socket_.get(), std::as_bytes(std::span(&message, 1)), descriptors));
  }

  void Open(const std::string& name = "") {
    protocol::Open open{.head = {protocol::kOpen, sizeof open}};
    std::ranges::copy(name, open.name);
    Send(open);
  }
  void Mark(protocol::MarkOp op, protocol::MarkTarget target, const std::string& name = "", int fd = -1) {
    protocol::Mark mark{.head = {protocol::kMark, sizeof mark}, .op = op, .target = target, .uid = UINT32_MAX};
    std::strcpy(mark.type, "test");
    std::ranges::copy(name, mark.name);
    Send(mark, fd < 0 ? std::span<const int>() : std::span<const int>(&fd, 1));
  }
  void Acknowledge(uint64_t seq) { Send(protocol::Acknowledge{{protocol::kAcknowledge, 16}, seq}); }
  void Close() { Send(protocol::Close{{protocol::kClose, 8}}); }

  // One packet, if there is one.
  bool Receive(Came& came) {
    Result<protocol::Packet> packet = protocol::Receive(socket_.get());
    if (!packet && packet.error().code == EAGAIN) return false;
    if (!packet || packet->bytes.empty()) {
      came.hung_up = true;
      return false;
    }
    Bytes tail;
    if (const auto answer = protocol::As<protocol::Answer>(*packet, protocol::kAnswer, &tail)) {
      came.answers.push_back(answer->error);
      came.text = {reinterpret_cast<const char*>(tail.data()), tail.size()};
    } else if (protocol::As<protocol::Notifications>(*packet, protocol::kNotifications, &tail)) {
      EXPECT_LE(packet->bytes.size(), 32768);
      std::ranges::move(ToldIn(tail), std::back_inserter(came.told));
    }
    return true;
  }

 private:
  Fd socket_;
};

class SubscribersTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string path = testing::TempDir() + "fsherald.XXXXXX";
    ASSERT_NE(::mkdtemp(path.data()), nullptr);
    dir_ = path;
    ASSERT_EQ(::chmod(path.c_str(), 0755), 0);
    Start({.group = ::getgid(), .ring_bytes = 16384});
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  void Start(Subscribers::Options options) {
    subscribers_.reset();
    auto opened =
        Subscribers::Open(options, Host{}, std::move(*Listen(dir_, protocol::kSubscribeSocket)),
                          {.resolve_descriptor = [this](int fd, pid_t peer) { return ResolveDescriptor(fd, peer); },
                           .resolve_name = [this](const std::string& type, const std::string& name, uint32_t,
                                                  uid_t) { return ResolveName(type, name); },
                           .describe = [] { return std::string("watching all\n"); },
                           .marks_changed = [this] { ++marks_changed_; }});
    ASSERT_TRUE(opened);
    subscribers_ = std::move(*opened);
  }

  Result<FilesystemKey> ResolveDescriptor(int fd, pid_t peer) {
    struct stat status {};
    EXPECT_EQ(::fstat(fd, &status), 0);
    resolved_inode_ = status.st_ino;
    resolved_peer_ = peer;
    return kA;
  }
  Result<FilesystemKey> ResolveName(const std::string& type, const std::string& name) {
    if (name == "a" && type == "test") return kA;
    if (name == "b" && type == "test") return kB;
    return Error{"no source covers " + name, EOPNOTSUPP};
  }

  // Until nothing moves any more.
  Came Receive(Client& client) {
    Came came;
    do {
      while (client.Receive(came)) {
      }
      Pump();
    } while (client.Receive(came));
    return came;
  }
  void Pump() {
    for (int i = 0; i < 8; ++i) subscribers_->Pump();
  }

  Client Subscribe(const std::string& name = "", bool all = false) {
    Client client(dir_);
    client.Open(name);
    if (all) client.Mark(protocol::kAdd, protocol::kOnAll);
    const Came came = Receive(client);
    EXPECT_EQ(came.answers.size(), all ? 2 : 1);
    return client;
  }

  void Deliver(uint64_t seq, FilesystemKey key, uint64_t errors = 1) {
    subscribers_->Deliver(TestNotification(seq, "disk" + std::to_string(key.value), errors), std::span(&key, 1));
  }
  static Told ErrorOf(uint64_t seq, FilesystemKey key) { return {seq, "disk" + std::to_string(key.value), 1, false}; }

  std::string dir_;
  std::unique_ptr<Subscribers> subscribers_;
  ino_t resolved_inode_ = 0;
  pid_t resolved_peer_ = 0;
  int marks_changed_ = 0;
};

TEST_F(SubscribersTest, OpenIsAnsweredWithWhatTheDaemonWatches) {
  Client client(dir_);
  client.Open();
  const Came came = Receive(client);
  EXPECT_THAT(came.answers, ElementsAre(0));
  EXPECT_EQ(came.text, "watching all\n");
  EXPECT_EQ(subscribers_->attached(), 1);
}

TEST_F(SubscribersTest, WhatIsMarkedIsToldAtOnceAndNothingElse) {
  Client client = Subscribe();
  client.Mark(protocol::kAdd, protocol::kOnName, "a");
  EXPECT_THAT(Receive(client).answers, ElementsAre(0));
  EXPECT_TRUE(subscribers_->IsMarked(kA));
  EXPECT_FALSE(subscribers_->IsMarked(kB));
  Deliver(1, kA);
  Deliver(2, kB);
  Deliver(3, kA);
  Came came;
  while (client.Receive(came)) {
  }
  EXPECT_THAT(came.told, ElementsAre(ErrorOf(1, kA), ErrorOf(3, kA)));
}

TEST_F(SubscribersTest, ADescriptorIsResolvedForTheProcessThatSentIt) {
  Client client = Subscribe();
  Fd fd(::open(dir_.c_str(), O_PATH | O_CLOEXEC));
  struct stat status {};
  ASSERT_EQ(::fstat(fd.get(), &status), 0);
  client.Mark(protocol::kAdd, protocol::kOnDescriptor, "", fd.get());
  EXPECT_THAT(Receive(client).answers, ElementsAre(0));
  EXPECT_EQ(resolved_inode_, status.st_ino);
  EXPECT_EQ(resolved_peer_, ::getpid());
  EXPECT_TRUE(subscribers_->IsMarked(kA));
}

TEST_F(SubscribersTest, MarksAreRemovedAndFlushed) {
  Client client = Subscribe();
  client.Mark(protocol::kRemove, protocol::kOnName, "a");
  client.Mark(protocol::kRemove, protocol::kOnAll);
  client.Mark(protocol::kAdd, protocol::kOnName, "a");
  client.Mark(protocol::kRemove, protocol::kOnName, "a");
  client.Mark(protocol::kAdd, protocol::kOnName, "b");
  client.Mark(protocol::kAdd, protocol::kOnAll);
  client.Mark(protocol::kFlush, protocol::kOnAll);
  EXPECT_THAT(Receive(client).answers, ElementsAre(ENOENT, ENOENT, 0, 0, 0, 0, 0));
  EXPECT_FALSE(subscribers_->IsMarked(kA));
  EXPECT_FALSE(subscribers_->IsMarked(kB));
  EXPECT_EQ(marks_changed_, 5);
}

TEST_F(SubscribersTest, WhatNoSourceCoversIsSaidInASentence) {
  Client client = Subscribe();
  client.Mark(protocol::kAdd, protocol::kOnName, "c");
  const Came came = Receive(client);
  EXPECT_THAT(came.answers, ElementsAre(EOPNOTSUPP));
  EXPECT_THAT(came.text, HasSubstr("no source covers c"));
}

TEST_F(SubscribersTest, ASlowReaderIsToldTheFirstOfEachAndHowManyItMissedExactly) {
  Client slow = Subscribe("", true);
  Client quick = Subscribe("", true);
  uint64_t quick_told = 0;
  const uint64_t flood = 20'000;
  for (uint64_t seq = 1; seq <= flood; ++seq) {
    Deliver(seq, kA, 3);
    if (seq % 50 == 0) quick_told += Receive(quick).told.size();
  }
  Deliver(flood + 1, kB);
  Deliver(flood + 2, kB);
  EXPECT_EQ(quick_told, flood);

  const std::vector<Told> told = Receive(slow).told;
  uint64_t of_a = 0;
  uint64_t gaps = 0;
  uint64_t last = 0;
  for (const Told& one : told) {
    if (one.device == "disk1") of_a += one.errors;
    if (one.is_gap) ++gaps;
    else EXPECT_GT(one.seq, last);
    if (!one.is_gap) last = one.seq;
  }
  EXPECT_EQ(of_a, flood * 3);
  EXPECT_GE(gaps, 1);
  EXPECT_LT(told.size(), 2000);
  EXPECT_NE(std::ranges::find(told, ErrorOf(flood + 1, kB)), told.end());

  Deliver(flood + 3, kA);
  EXPECT_THAT(Receive(slow).told, ElementsAre(ErrorOf(flood + 3, kA)));
}

TEST_F(SubscribersTest, ANamedGroupTellsItsNextReaderWhatWasNotAcknowledged) {
  {
    Client first = Subscribe("store", true);
    for (uint64_t seq = 1; seq <= 4; ++seq) Deliver(seq, kA);
    ASSERT_EQ(Receive(first).told.size(), 4);
    first.Acknowledge(2);
    Deliver(5, kA);  // never received
  }
  Pump();
  EXPECT_EQ(subscribers_->attached(), 0);
  Deliver(6, kA);
  Client second(dir_);
  second.Open("store");
  EXPECT_THAT(Receive(second).told, ElementsAre(ErrorOf(3, kA), ErrorOf(4, kA), ErrorOf(5, kA), ErrorOf(6, kA)));
  second.Acknowledge(6);
  Deliver(7, kA);
  EXPECT_THAT(Receive(second).told, ElementsAre(ErrorOf(7, kA)));
}

TEST_F(SubscribersTest, ANamedGroupWithoutAReaderCollectsAndThenCounts) {
  { Client first = Subscribe("store", true); }
  Pump();
  for (uint64_t seq = 1; seq <= 1000; ++seq) Deliver(seq, kA);
  Client second(dir_);
  second.Open("store");
  uint64_t errors = 0;
  const std::vector<Told> told = Receive(second).told;
  for (const Told& one : told) errors += one.errors;
  EXPECT_EQ(errors, 1000);
  EXPECT_TRUE(told.back().is_gap);
}

TEST_F(SubscribersTest, WhereNoHistoryIsKeptWhoAsksSinceANumberIsToldSo) {
  Client client(dir_);
  client.Send(protocol::OpenSince{.head = {protocol::kOpenSince, sizeof(protocol::OpenSince)}, .since = 1});
  const Came came = Receive(client);
  EXPECT_THAT(came.answers, ElementsAre(EOPNOTSUPP));
  EXPECT_THAT(came.text, HasSubstr("--no-store"));
  EXPECT_TRUE(came.hung_up);
  EXPECT_EQ(subscribers_->groups(), 0);
}

TEST_F(SubscribersTest, AGroupHasOneReader) {
  Client first = Subscribe("store");
  Client second(dir_);
  second.Open("store");
  const Came came = Receive(second);
  EXPECT_THAT(came.answers, ElementsAre(EBUSY));
  EXPECT_THAT(came.text, HasSubstr("store"));
  EXPECT_TRUE(came.hung_up);
  EXPECT_EQ(subscribers_->groups(), 1);
}

TEST_F(SubscribersTest, CloseEndsANamedGroupAlsoWithMuchUnread) {
  {
    Client client = Subscribe("store", true);
    for (uint64_t seq = 1; seq <= 1000; ++seq) Deliver(seq, kA);
    client.Close();
  }
  Pump();
  EXPECT_EQ(subscribers_->groups(), 0);
  EXPECT_FALSE(subscribers_->IsMarked(kA));
}

TEST_F(SubscribersTest, AGroupWithoutANameEndsWithItsReader) {
  {
    Client client = Subscribe("", true);
    EXPECT_EQ(subscribers_->groups(), 1);
  }
  Pump();
  EXPECT_EQ(subscribers_->groups(), 0);
  EXPECT_FALSE(subscribers_->IsMarked(kA));
}

TEST_F(SubscribersTest, ANamedGroupWithoutAReaderEndsWhenItsTimeIsOver) {
  Start({.group = ::getgid(), .keep_named_ns = 1'000'000});
  { Client client = Subscribe("store"); }
  pollfd waiting{.fd = subscribers_->fd(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&waiting, 1, 10'000), 1);
  subscribers_->Pump();
  while (subscribers_->groups() > 0) {
    ASSERT_EQ(::poll(&waiting, 1, 10'000), 1);
    subscribers_->Pump();
  }
}

TEST_F(SubscribersTest, APacketThatIsNoRequestEndsItsConnectionAndNoOther) {
  Client good = Subscribe("", true);
  Client unknown = Subscribe();
  unknown.Send(protocol::Head{.type = 99, .bytes = 8});
  EXPECT_TRUE(Receive(unknown).hung_up);
  Client lying = Subscribe();
  lying.Send(protocol::Head{.type = protocol::kClose, .bytes = 9});
  EXPECT_TRUE(Receive(lying).hung_up);
  Client twice = Subscribe();
  twice.Open();
  EXPECT_TRUE(Receive(twice).hung_up);
  Client hasty(dir_);
  hasty.Mark(protocol::kAdd, protocol::kOnAll);
  EXPECT_TRUE(Receive(hasty).hung_up);
  EXPECT_EQ(subscribers_->groups(), 1);
  Deliver(1, kA);
  EXPECT_THAT(Receive(good).told, ElementsAre(ErrorOf(1, kA)));
}

TEST_F(SubscribersTest, ManyRequestsAtOnceAreAllAnswered) {
  Client client = Subscribe();
  for (int i = 0; i < 100; ++i) client.Mark(protocol::kAdd, protocol::kOnAll);
  EXPECT_EQ(Receive(client).answers.size(), 100);
}

// Connects as a user who is not root.
class UnprivilegedTest : public SubscribersTest {
 protected:
  Client Connect() {
    const bool is_root = ::geteuid() == 0;
    EXPECT_TRUE(!is_root || ::seteuid(kNobody) == 0);
    Client client(dir_);
    EXPECT_TRUE(!is_root || ::seteuid(0) == 0);
    return client;
  }
};

TEST_F(UnprivilegedTest, WhoIsNotAllowedIsToldSoAndGetsNothing) {
  Start({.group = std::nullopt});
  Client client = Connect();
  client.Open();
  const Came came = Receive(client);
  EXPECT_THAT(came.answers, ElementsAre(EPERM));
  EXPECT_THAT(came.text, HasSubstr("may subscribe"));
  EXPECT_TRUE(came.hung_up);
  EXPECT_EQ(subscribers_->groups(), 0);
}

TEST_F(UnprivilegedTest, AUserHasOnlySoManyGroupsThoseWithoutAReaderIncluded) {
  Start({.group = ::getegid(), .max_groups = 2});
  Client first = Connect();
  first.Open();
  EXPECT_THAT(Receive(first).answers, ElementsAre(0));
  {
    Client named = Connect();
    named.Open("store");
    EXPECT_THAT(Receive(named).answers, ElementsAre(0));
  }
  Pump();
  Client third = Connect();
  third.Open();
  const Came came = Receive(third);
  EXPECT_THAT(came.answers, ElementsAre(EDQUOT));
  EXPECT_THAT(came.text, HasSubstr("2 groups"));
  Client again = Connect();
  again.Open("store");
  EXPECT_THAT(Receive(again).answers, ElementsAre(0));
}

TEST_F(UnprivilegedTest, ConnectionsThatAskForNothingAreFew) {
  Start({.group = ::getegid()});
  std::vector<Client> idle;
  for (int i = 0; i < 65; ++i) {
    idle.push_back(Connect());
    Pump();
  }
  EXPECT_FALSE(Receive(idle[0]).hung_up);
  EXPECT_TRUE(Receive(idle[64]).hung_up);
}

}  // namespace
}  // namespace fsherald
