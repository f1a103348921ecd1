// SPDX-License-Identifier: MIT
#include "protocol/packet.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace fsherald::protocol {
namespace {

class PacketTest : public testing::Test {
 protected:
  PacketTest() {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    here_.Reset(fds[0]);
    there_.Reset(fds[1]);
  }
  Fd here_, there_;
};

template <typename T>
Bytes BytesOf(const T& message) {
  return std::as_bytes(std::span(&message, 1));
}

TEST_F(PacketTest, ComesWithItsDescriptors) {
  const Acknowledge sent{.head = {.type = kAcknowledge, .bytes = sizeof(Acknowledge)}, .seq = 7};
  ASSERT_TRUE(Send(here_.get(), BytesOf(sent), std::array{STDIN_FILENO, here_.get()}));
  auto packet = Receive(there_.get());
  ASSERT_TRUE(packet);
  auto received = As<Acknowledge>(*packet, kAcknowledge);
  ASSERT_TRUE(received);
  EXPECT_EQ(received->seq, 7U);
  ASSERT_EQ(packet->descriptors.size(), 2U);
  EXPECT_NE(::fcntl(packet->descriptors[0].get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(PacketTest, ComesWithoutDescriptorsThatAreRefused) {
  const Head sent{.type = kClose, .bytes = sizeof(Head)};
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK), 0);
  const Fd reader(pipe[0]);
  ASSERT_TRUE(Send(here_.get(), BytesOf(sent), std::array{pipe[1]}));
  ::close(pipe[1]);
  const auto packet = Receive(there_.get(), Descriptors::kRefused);
  ASSERT_TRUE(packet);
  EXPECT_TRUE(As<Close>(*packet, kClose));
  EXPECT_TRUE(packet->descriptors.empty());
  char byte = 0;
  EXPECT_EQ(::read(reader.get(), &byte, 1), 0) << "nobody has the other end any more";
}

TEST_F(PacketTest, OfAnotherTypeOrLengthIsNotTheMessage) {
  const Acknowledge sent{.head = {.type = kAcknowledge, .bytes = sizeof(Acknowledge)}, .seq = 7};
  ASSERT_TRUE(Send(here_.get(), BytesOf(sent)));
  auto packet = Receive(there_.get());
  ASSERT_TRUE(packet);
  EXPECT_FALSE(As<Acknowledge>(*packet, kClose));
  EXPECT_FALSE(As<Mark>(*packet, kAcknowledge));
  EXPECT_FALSE(As<Close>(*packet, kAcknowledge));
  Bytes tail;
  EXPECT_TRUE(As<Close>(*packet, kAcknowledge, &tail));
  EXPECT_EQ(tail.size(), 8U);
}

TEST_F(PacketTest, ThatLiesAboutItsLengthIsRefused) {
  const Head lies{.type = kClose, .bytes = 9};
  ASSERT_TRUE(Send(here_.get(), BytesOf(lies)));
  auto packet = Receive(there_.get());
  ASSERT_FALSE(packet);
  EXPECT_EQ(packet.error().code, EBADMSG);
}

TEST_F(PacketTest, ShorterThanAHeadIsRefused) {
  ASSERT_TRUE(Send(here_.get(), BytesOf('x')));
  EXPECT_EQ(Receive(there_.get()).error().code, EBADMSG);
}

TEST_F(PacketTest, TooManyDescriptorsAreRefusedAndClosed) {
  const Head head{.type = kClose, .bytes = sizeof(Head)};
  // By hand: Send has no room for so many.
  iovec part{.iov_base = const_cast<Head*>(&head), .iov_len = sizeof head};
  const std::array<int, 8> descriptors{0, 0, 0, 0, 0, 0, 0, 0};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof descriptors)> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof descriptors);
  std::memcpy(CMSG_DATA(header), descriptors.data(), sizeof descriptors);
  ASSERT_GT(::sendmsg(here_.get(), &message, 0), 0);

  const int next_free = Fd(::dup(0)).get();
  EXPECT_EQ(Receive(there_.get()).error().code, EBADMSG);
  EXPECT_EQ(Fd(::dup(0)).get(), next_free);
}

TEST_F(PacketTest, NoneYetIsEagainAndAClosedPeerIsAnEmptyPacket) {
  EXPECT_EQ(Receive(there_.get()).error().code, EAGAIN);
  here_.Reset();
  auto packet = Receive(there_.get());
  ASSERT_TRUE(packet);
  EXPECT_TRUE(packet->bytes.empty());
}

TEST(ConnectTest, NoSocketMeansRefused) {
  EXPECT_EQ(Connect("/nonexistent", kReportSocket).error().code, ECONNREFUSED);
}

TEST(ConnectTest, ADirectoryWithTooLongANameIsRefusedWithASentence) {
  auto fd = Connect(std::string(120, 'x'), kReportSocket);
  ASSERT_FALSE(fd);
  EXPECT_EQ(fd.error().code, ENAMETOOLONG);
}

TEST(TextTest, OfAnArrayEndsAtItsFirstNul) {
  const char whole[4] = {'a', 'b', 0, 'c'};
  const char open[2] = {'a', 'b'};
  EXPECT_EQ(Text(whole), "ab");
  EXPECT_EQ(Text(open), std::nullopt);
}

}  // namespace
}  // namespace fsherald::protocol
