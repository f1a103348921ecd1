// SPDX-License-Identifier: MIT
#include "daemon/subscriber.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace fsherald {
namespace {

// Doubled by the kernel (socket(7)), and so room for a packet however its memory is counted.
constexpr int kSendBufferBytes = 65536;

template <typename T>
void Put(std::vector<std::byte>& packet, const T& head) {
  std::memcpy(packet.data(), &head, sizeof head);
}

bool IsAnswer(const std::vector<std::byte>& packet) {
  return ByteReader(packet).Read<protocol::Head>()->type == protocol::kAnswer;
}

}  // namespace

Subscriber::Subscriber(Fd socket, Peer peer, bool may_subscribe)
    : socket_(std::move(socket)),
      peer_(std::move(peer)),
      descriptors_(may_subscribe ? protocol::Descriptors::kTaken : protocol::Descriptors::kRefused) {
  // Where it fails the socket keeps the system's default: it works all the same.
  (void)::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDBUF, &kSendBufferBytes, sizeof kSendBufferBytes);
}

std::variant<Subscriber::Nothing, Subscriber::Ended, Subscriber::Request> Subscriber::Receive() {
  Result<protocol::Packet> packet = protocol::Receive(socket_.get(), descriptors_);
  if (!packet && packet.error().code == ECONNRESET) {
    // He closed without reading all. The socket says so once, and only then gives what he had sent before.
    packet = protocol::Receive(socket_.get(), descriptors_);
  }
  if (!packet && packet.error().code == EAGAIN) return Nothing{};
  if (!packet || packet->bytes.empty()) return Ended{};
  std::optional<SubscribeRequest> request = JudgeSubscribeRequest(*packet);
  if (!request) return Ended{};
  return Request{.what = std::move(*request), .descriptors = std::move(packet->descriptors)};
}

void Subscriber::Attach(Group* group, bool is_named, std::unique_ptr<Replay> replay) {
  group_ = group;
  is_named_ = is_named;
  replay_ = std::move(replay);
}

void Subscriber::Answer(const Status& status, std::string_view text) {
  if (is_gone_) return;
  text = text.substr(0, kMaxPacketBytes - sizeof(protocol::Answer));
  std::vector<std::byte> packet(sizeof(protocol::Answer) + text.size());
  const int code = status ? 0 : status.error().code;
  Put(packet, protocol::Answer{.head = {protocol::kAnswer, static_cast<uint32_t>(packet.size())},
                               .error = status || code != 0 ? code : EOPNOTSUPP,
                               .reserved = 0});
  std::ranges::copy(std::as_bytes(std::span(text)), packet.begin() + sizeof(protocol::Answer));
  unsent_.push_back(std::move(packet));
  ++answers_;
}

void Subscriber::Send() {
  if (is_gone_) return;
  is_blocked_ = false;
  while (!unsent_.empty() || TakeFromReplay() || TakeFromGroup()) {
    if (Status sent = protocol::Send(socket_.get(), unsent_.front()); !sent) {
      if (sent.error().code == EAGAIN) {
        is_blocked_ = true;
        return;
      }
      is_gone_ = true;
      unsent_.clear();
      answers_ = 0;
      return;
    }
    if (IsAnswer(unsent_.front())) --answers_;
    unsent_.pop_front();
  }
}

bool Subscriber::TakeFromReplay() {
  if (!replay_) return false;
  std::string notifications;
  if (replay_->Read(kMaxPacketBytes - sizeof(protocol::Head), notifications) == Replay::Came::kAll) replay_.reset();
  if (notifications.empty()) return false;
  PutNotifications(std::as_bytes(std::span(notifications)));
  return true;
}

bool Subscriber::TakeFromGroup() {
  if (group_ == nullptr || !group_->has_unread()) return false;
  std::array<std::byte, kMaxPacketBytes> buffer;
  const size_t bytes = group_->Read(std::span(buffer).subspan(sizeof(protocol::Head)));
  if (bytes == 0) return false;
  PutNotifications(Bytes(buffer).subspan(sizeof(protocol::Head), bytes));
  // The packet leaves before all that comes later; if it does not, the group ends with the connection.
  if (!is_named_) group_->AcknowledgeAll();
  return true;
}

void Subscriber::PutNotifications(Bytes notifications) {
  std::vector<std::byte> packet(sizeof(protocol::Head) + notifications.size());
  Put(packet, protocol::Head{.type = protocol::kNotifications, .bytes = static_cast<uint32_t>(packet.size())});
  std::ranges::copy(notifications, packet.begin() + sizeof(protocol::Head));
  unsent_.push_back(std::move(packet));
}

uint32_t Subscriber::wanted_events() const {
  uint32_t events = is_blocked_ ? EPOLLOUT : 0U;
  if (!has_unsent_answer()) events |= EPOLLIN;
  return events;
}

}  // namespace fsherald
