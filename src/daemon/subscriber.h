// SPDX-License-Identifier: MIT
// Subscriber: one connection of the subscribe socket: requests in, answers and notifications out, as much as the socket takes.
// What the requests mean is for Subscribers to say.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "daemon/peer.h"
#include "daemon/replays.h"
#include "daemon/subscribe_request.h"
#include "notify/group.h"

namespace fsherald {

// One thread.
class Subscriber {
 public:
  // Of notifications and of texts; half of what the socket holds, which for one that does not read is all that it costs besides
  // its group.
  static constexpr size_t kMaxPacketBytes = 32768;

  // `may_subscribe`: else his descriptors are not taken (protocol/packet.h).
  Subscriber(Fd socket, Peer peer, bool may_subscribe);

  struct Nothing {};  // now
  struct Ended {};    // the peer has hung up, or sent what is no request
  struct Request {
    SubscribeRequest what;
    std::vector<Fd> descriptors;
  };
  // The next request. Ended only after all that the peer had sent was returned.
  std::variant<Nothing, Ended, Request> Receive();

  // Its group, from now on; must outlive it. Without a name, what is handed to the socket is acknowledged. `replay` may be null;
  // else it is sent first.
  void Attach(Group* group, bool is_named, std::unique_ptr<Replay> replay);
  Group* group() const { return group_; }
  // Not all of the replay was taken.
  bool is_replaying() const { return replay_ != nullptr; }

  void Answer(const Status& status, std::string_view text);

  // Sends what there is.
  void Send();
  // The socket had no room when it was last tried.
  bool is_blocked() const { return is_blocked_; }

  // An answer waits for room in the socket: take no more requests.
  bool has_unsent_answer() const { return answers_ > 0; }

  // What to wait for (EPOLLIN, EPOLLOUT).
  uint32_t wanted_events() const;

  int fd() const { return socket_.get(); }
  const Peer& peer() const { return peer_; }

 private:
  bool TakeFromReplay();
  bool TakeFromGroup();
  void PutNotifications(Bytes notifications);

  Fd socket_;
  Peer peer_;
  protocol::Descriptors descriptors_;
  Group* group_ = nullptr;
  bool is_named_ = false;
  std::unique_ptr<Replay> replay_;
  std::deque<std::vector<std::byte>> unsent_;  // at most one of them has notifications
  size_t answers_ = 0;                         // of unsent_
  bool is_blocked_ = false;
  bool is_gone_ = false;  // nobody reads any more what is sent; what he sent before is still read
};

}  // namespace fsherald
