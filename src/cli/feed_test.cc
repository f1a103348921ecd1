// SPDX-License-Identifier: MIT
#include "cli/feed.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <span>
#include <thread>

#include "daemon/peer.h"
#include "notify/test_notification.h"
#include "protocol/packet.h"
#include "record/stream.h"

namespace fsherald {
namespace {

// A packet of the subscribe socket.
template <typename Message>
std::vector<std::byte> PacketOf(protocol::Type type, std::string_view tail = {}) {
  Message message{};
  message.head = {.type = type, .bytes = static_cast<uint32_t>(sizeof message + tail.size())};
  std::vector<std::byte> packet(message.head.bytes);
  std::memcpy(packet.data(), &message, sizeof message);
  std::ranges::copy(std::as_bytes(std::span(tail)), packet.begin() + sizeof message);
  return packet;
}

// Waits until it has room, or can be read. False: the other side is gone.
bool WaitFor(int socket, short events) {
  pollfd fd{.fd = socket, .events = events, .revents = 0};
  return ::poll(&fd, 1, 10'000) == 1 && (fd.revents & POLLHUP) == 0;
}

// A daemon that says yes to the first two requests, and then tells without end.
void Flood(int listener) {
  if (!WaitFor(listener, POLLIN)) return;
  const Fd socket(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  for (int i = 0; i < 2 && WaitFor(socket.get(), POLLIN); ++i)
    if (protocol::Receive(socket.get())) (void)protocol::Send(socket.get(), PacketOf<protocol::Answer>(protocol::kAnswer));
  std::string bytes;
  for (uint64_t seq = 1; bytes.size() < 30'000; ++seq) AppendStream(TestNotification(seq, "disk"), Host{}, bytes);
  const auto packet = PacketOf<protocol::Notifications>(protocol::kNotifications, bytes);
  while (WaitFor(socket.get(), POLLOUT)) (void)protocol::Send(socket.get(), packet);
}

TEST(FeedTest, AFloodThatNeverEndsKeepsNobodyFromPrintingOrFromEndingUs) {
  std::string dir = testing::TempDir() + "fsherald.XXXXXX";
  ASSERT_NE(::mkdtemp(dir.data()), nullptr);
  const Fd listener = std::move(*Listen(dir, protocol::kSubscribeSocket));
  std::thread daemon([&] { Flood(listener.get()); });
  uint64_t told = 0;
  auto feed = Feed::Open({.runtime_dir = dir}, [&](const Notification&) { ++told; });
  ASSERT_TRUE(feed);
  constexpr uint64_t kPumpedAtOnce = 1000;  // more than 64 KiB hold
  for (int i = 0; i < 100; ++i) {
    pollfd fd{.fd = (*feed)->fd(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(::poll(&fd, 1, 10'000), 1);
    told = 0;
    ASSERT_TRUE((*feed)->Pump());
    EXPECT_LE(told, kPumpedAtOnce);
  }
  told = 0;
  (*feed)->Finish();
  EXPECT_GT(told, 0U);
  feed->reset();
  daemon.join();
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace fsherald
