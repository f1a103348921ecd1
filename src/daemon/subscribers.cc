// SPDX-License-Identifier: MIT
#include "daemon/subscribers.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <map>

#include "base/clock.h"
#include "base/poller.h"
#include "daemon/peer.h"
#include "daemon/subscriber.h"

namespace fsherald {
namespace {

constexpr int kConnectionsPerRound = 16;
constexpr int kRequestsPerRound = 16;       // of one connection
constexpr size_t kMaxUnopened = 64;         // connections of one user that have not asked for a group yet
constexpr uint64_t kPauseNs = 100'000'000;  // before the next try where the process has no more descriptors

// A group, with or without a reader.
struct HeldGroup : Group {
  explicit HeldGroup(uint32_t ring_bytes) : Group(ring_bytes) {}
  uid_t uid = 0;
  std::string name;  // empty: it ends with its reader
  Subscriber* reader = nullptr;
  uint64_t keep_until_ns = 0;  // boot time; without a reader
  bool is_of_since = false;    // it was opened with a number: it has marked all, and nothing else
  bool is_live = true;         // false: its reader is being told of what was
};

}  // namespace

class Subscribers::Impl {
 public:
  Impl(Options options, Host host, Fd listener, Callbacks callbacks, Poller poller)
      : options_(options),
        callbacks_(std::move(callbacks)),
        listener_(std::move(listener)),
        poller_(std::move(poller)),
        groups_(std::move(host)) {}

  Status Listen() { return poller_.Add(listener_.get(), EPOLLIN); }
  int fd() const { return poller_.fd(); }
  void Pump();
  void Deliver(const Notification& notification, std::span<const FilesystemKey> keys);
  void Resume();
  void Forget(FilesystemKey key) { groups_.Forget(key); }
  bool IsMarked(FilesystemKey key) const { return groups_.IsMarked(key); }
  void SetGroup(std::optional<gid_t> group) { options_.group = group; }
  size_t attached() const;
  size_t groups() const { return held_.size(); }

 private:
  void Accept();
  void Take(Fd socket);
  void Serve(Subscriber& subscriber);
  bool TakeRequests(Subscriber& subscriber);
  bool Handle(Subscriber& subscriber, OpenRequest& request, std::span<Fd> descriptors);
  bool Handle(Subscriber& subscriber, MarksRequest& request, std::span<Fd> descriptors);
  bool Handle(Subscriber& subscriber, AcknowledgeRequest& request, std::span<Fd> descriptors);
  bool Handle(Subscriber& subscriber, CloseRequest& request, std::span<Fd> descriptors);
  bool Handle(Subscriber& subscriber, ClearRequest& request, std::span<Fd> descriptors);
  Status MayOpen(const Subscriber& subscriber, const OpenRequest& request) const;
  Result<HeldGroup*> GroupFor(const Subscriber& subscriber, const OpenRequest& request);
  void SendTo(Subscriber& subscriber);
  Status ChangeMarks(Group& group, const MarksRequest& request, std::span<Fd> descriptors, const Peer& peer);
  void EndConnection(Subscriber& subscriber);
  void EndGroup(HeldGroup& group);
  void EndForsaken(uint64_t now_ns);
  void Watch(const Subscriber& subscriber);
  void SetAlarm();

  Options options_;
  Callbacks callbacks_;
  Fd listener_;
  Poller poller_;
  Groups groups_;
  std::map<HeldGroup*, std::unique_ptr<HeldGroup>> held_;
  struct Connection {
    std::unique_ptr<Subscriber> subscriber;
    uint32_t watched_events = 0;
  };
  std::map<int, Connection> connections_;    // by descriptor
  std::optional<uint64_t> accept_again_ns_;  // the listener is not watched until then
  std::vector<Group*> given_;                // kept for its memory
};

void Subscribers::Impl::Pump() {
  const uint64_t now_ns = BoottimeNowNs();
  if (accept_again_ns_ && now_ns >= *accept_again_ns_) {
    accept_again_ns_.reset();
    (void)Listen();
  }
  for (int fd : poller_.Ready()) {
    if (fd == listener_.get()) Accept();
    else if (auto found = connections_.find(fd); found != connections_.end()) Serve(*found->second.subscriber);
  }
  EndForsaken(now_ns);
  SetAlarm();
}

void Subscribers::Impl::Accept() {
  for (int i = 0; i < kConnectionsPerRound; ++i) {
    Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket) {
      Take(std::move(socket));
      continue;
    }
    if (errno == ECONNABORTED || errno == EINTR) continue;
    if (errno == EAGAIN) return;
    // No descriptors or no memory: whoever waits is taken when there are some again; until then the listener is always ready.
    poller_.Remove(listener_.get());
    accept_again_ns_ = BoottimeNowNs() + kPauseNs;
    return;
  }
}

// Who may not subscribe is told so when he asks.
void Subscribers::Impl::Take(Fd socket) {
  Result<Peer> peer = PeerOf(socket.get());
  if (!peer) return;
  const uid_t uid = peer->uid;
  const auto unopened = std::ranges::count_if(connections_, [uid](const auto& entry) {
    return entry.second.subscriber->group() == nullptr && entry.second.subscriber->peer().uid == uid;
  });
  if (uid != 0 && static_cast<size_t>(unopened) >= kMaxUnopened) return;
  const int fd = socket.get();
  const bool may_subscribe = IsAllowed(*peer, options_.group);
  Connection connection{.subscriber = std::make_unique<Subscriber>(std::move(socket), std::move(*peer), may_subscribe),
                        .watched_events = EPOLLIN};
  if (!poller_.Add(fd, EPOLLIN)) return;
  connections_.emplace(fd, std::move(connection));
}

void Subscribers::Impl::Serve(Subscriber& subscriber) {
  const bool goes_on = TakeRequests(subscriber);
  SendTo(subscriber);
  if (goes_on) Watch(subscriber);
  else EndConnection(subscriber);
}

// Who has been told all that was is given what comes from here on: nothing is delivered in between.
void Subscribers::Impl::SendTo(Subscriber& subscriber) {
  subscriber.Send();
  auto* group = static_cast<HeldGroup*>(subscriber.group());
  if (group == nullptr || group->is_live || subscriber.is_replaying()) return;
  group->is_live = true;
  groups_.MarkAll(*group);
  if (callbacks_.marks_changed) callbacks_.marks_changed();
}

void Subscribers::Impl::Resume() {
  for (auto& [fd, connection] : connections_) {
    if (!connection.subscriber->is_replaying()) continue;
    SendTo(*connection.subscriber);
    Watch(*connection.subscriber);
  }
}

// False: the connection is to end.
bool Subscribers::Impl::TakeRequests(Subscriber& subscriber) {
  for (int i = 0; i < kRequestsPerRound && !subscriber.has_unsent_answer(); ++i) {
    auto received = subscriber.Receive();
    if (std::holds_alternative<Subscriber::Nothing>(received)) return true;
    if (std::holds_alternative<Subscriber::Ended>(received)) return false;
    auto& [what, descriptors] = std::get<Subscriber::Request>(received);
    const auto handle = [&](auto& request) { return Handle(subscriber, request, descriptors); };
    if (!std::visit(handle, what)) return false;
  }
  return true;
}

bool Subscribers::Impl::Handle(Subscriber& subscriber, OpenRequest& request, std::span<Fd>) {
  if (subscriber.group() != nullptr) return false;
  Result<HeldGroup*> group = GroupFor(subscriber, request);
  if (!group) {
    subscriber.Answer(group.error(), group.error().what);
    return false;
  }
  (*group)->reader = &subscriber;
  subscriber.Attach(*group, !request.name.empty(), request.since ? callbacks_.replay(*request.since) : nullptr);
  subscriber.Answer({}, callbacks_.describe());
  return true;
}

Status Subscribers::Impl::MayOpen(const Subscriber& subscriber, const OpenRequest& request) const {
  if (!IsAllowed(subscriber.peer(), options_.group))
    return Error{"only root, and members of the group that the daemon was told, may subscribe", EPERM};
  if (request.since && !callbacks_.replay)
    return Error{"this daemon keeps no history (it runs with --no-store): it can tell only what comes", EOPNOTSUPP};
  return {};
}

Result<HeldGroup*> Subscribers::Impl::GroupFor(const Subscriber& subscriber, const OpenRequest& request) {
  if (Status may = MayOpen(subscriber, request); !may) return may.error();
  const uid_t uid = subscriber.peer().uid;
  size_t of_user = 0;
  HeldGroup* found = nullptr;
  for (const auto& [group, owner] : held_) {
    if (group->uid != uid) continue;
    ++of_user;
    if (!request.name.empty() && group->name == request.name) found = group;
  }
  if (found != nullptr && found->reader != nullptr) return Error{"the group " + request.name + " has a reader", EBUSY};
  if (found != nullptr && !request.since) {
    found->Rewind();
    return found;
  }
  if (found != nullptr) EndGroup(*found);  // what it holds, the history has
  else if (uid != 0 && of_user >= options_.max_groups)
    return Error{"this user has " + std::to_string(of_user) + " groups, and may not have more", EDQUOT};
  auto owner = std::make_unique<HeldGroup>(options_.ring_bytes);
  HeldGroup* group = owner.get();
  group->uid = uid;
  group->name = request.name;
  group->is_of_since = request.since.has_value();
  group->is_live = !group->is_of_since;
  held_.emplace(group, std::move(owner));
  return group;
}

bool Subscribers::Impl::Handle(Subscriber& subscriber, MarksRequest& request, std::span<Fd> descriptors) {
  if (subscriber.group() == nullptr) return false;
  Status changed = ChangeMarks(*subscriber.group(), request, descriptors, subscriber.peer());
  if (changed && callbacks_.marks_changed) callbacks_.marks_changed();
  subscriber.Answer(changed, changed ? "" : changed.error().what);
  return true;
}

Status Subscribers::Impl::ChangeMarks(Group& group, const MarksRequest& request, std::span<Fd> descriptors,
                                      const Peer& peer) {
  if (static_cast<HeldGroup&>(group).is_of_since) {
    if (request.op == protocol::kAdd && request.target == protocol::kOnAll) return {};
    return Error{"who asks for what was since a number is told of all file systems: pick from what is told",
                 EOPNOTSUPP};
  }
  if (request.op == protocol::kFlush) {
    groups_.Flush(group);
    return {};
  }
  const bool is_add = request.op == protocol::kAdd;
  if (request.target == protocol::kOnAll) {
    if (!is_add) return groups_.UnmarkAll(group);
    groups_.MarkAll(group);
    return {};
  }
  Result<FilesystemKey> key = request.target == protocol::kOnDescriptor
                                  ? callbacks_.resolve_descriptor(descriptors.front().get(), peer.pid)
                                  : callbacks_.resolve_name(request.type, request.name, request.uid, peer.uid);
  if (!key) return key.error();
  return is_add ? groups_.Mark(group, *key) : groups_.Unmark(group, *key);
}

// Of those without a group, too. Who may not send descriptors has none here (protocol/packet.h).
bool Subscribers::Impl::Handle(Subscriber& subscriber, ClearRequest& request, std::span<Fd> descriptors) {
  Result<std::string> cleared = Error{"only root may clear the state of a file system", EPERM};
  const bool has_target = !request.name.empty() || !descriptors.empty();
  if (subscriber.peer().uid == 0 && callbacks_.clear && has_target)
    cleared = callbacks_.clear(request, descriptors.empty() ? -1 : descriptors.front().get(), subscriber.peer());
  subscriber.Answer(cleared ? Status() : Status(cleared.error()), cleared ? *cleared : cleared.error().what);
  return true;
}

bool Subscribers::Impl::Handle(Subscriber& subscriber, AcknowledgeRequest& request, std::span<Fd>) {
  if (subscriber.group() == nullptr) return false;
  subscriber.group()->Acknowledge(request.seq);
  return true;
}

// Ends the group, also one with a name.
bool Subscribers::Impl::Handle(Subscriber& subscriber, CloseRequest&, std::span<Fd>) {
  if (auto* group = static_cast<HeldGroup*>(subscriber.group())) group->name.clear();
  return false;
}

void Subscribers::Impl::EndConnection(Subscriber& subscriber) {
  if (auto* group = static_cast<HeldGroup*>(subscriber.group())) {
    group->reader = nullptr;
    // What a replay had not told yet is not in the group: the next reader asks for it by its number.
    if (group->name.empty() || !group->is_live) EndGroup(*group);
    else group->keep_until_ns = BoottimeNowNs() + options_.keep_named_ns;
  }
  const int fd = subscriber.fd();
  poller_.Remove(fd);
  connections_.erase(fd);
}

void Subscribers::Impl::EndGroup(HeldGroup& group) {
  groups_.Remove(group);
  held_.erase(&group);
  if (callbacks_.marks_changed) callbacks_.marks_changed();
}

void Subscribers::Impl::EndForsaken(uint64_t now_ns) {
  std::vector<HeldGroup*> forsaken;
  for (const auto& [group, owner] : held_)
    if (group->reader == nullptr && now_ns >= group->keep_until_ns) forsaken.push_back(group);
  for (HeldGroup* group : forsaken) EndGroup(*group);
}

// Waits for what the subscriber waits for.
void Subscribers::Impl::Watch(const Subscriber& subscriber) {
  Connection& connection = connections_.at(subscriber.fd());
  const uint32_t events = subscriber.wanted_events();
  if (events == connection.watched_events) return;
  poller_.Remove(subscriber.fd());
  (void)poller_.Add(subscriber.fd(), events);
  connection.watched_events = events;
}

void Subscribers::Impl::SetAlarm() {
  std::optional<uint64_t> next_ns = accept_again_ns_;
  for (const auto& [group, owner] : held_)
    if (group->reader == nullptr) next_ns = std::min(next_ns.value_or(UINT64_MAX), group->keep_until_ns);
  poller_.SetAlarm(next_ns);
}

void Subscribers::Impl::Deliver(const Notification& notification, std::span<const FilesystemKey> keys) {
  given_.clear();
  groups_.Deliver(notification, keys, given_);
  for (Group* group : given_) {
    Subscriber* reader = static_cast<HeldGroup*>(group)->reader;
    if (reader == nullptr || reader->is_blocked()) continue;
    reader->Send();
    Watch(*reader);
  }
}

size_t Subscribers::Impl::attached() const {
  return static_cast<size_t>(
      std::ranges::count_if(held_, [](const auto& entry) { return entry.first->reader != nullptr; }));
}

Subscribers::Subscribers(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Subscribers::~Subscribers() = default;

Result<std::unique_ptr<Subscribers>> Subscribers::Open(Options options, Host host, Fd listener, Callbacks callbacks) {
  Result<Poller> poller = Poller::Open();
  if (!poller) return poller.error();
  auto impl =
      std::make_unique<Impl>(options, std::move(host), std::move(listener), std::move(callbacks), std::move(*poller));
  if (Status listening = impl->Listen(); !listening) return listening.error();
  return std::unique_ptr<Subscribers>(new Subscribers(std::move(impl)));
}

int Subscribers::fd() const { return impl_->fd(); }
void Subscribers::Pump() { impl_->Pump(); }
void Subscribers::Deliver(const Notification& notification, std::span<const FilesystemKey> keys) {
  impl_->Deliver(notification, keys);
}
void Subscribers::Resume() { impl_->Resume(); }
void Subscribers::Forget(FilesystemKey key) { impl_->Forget(key); }
bool Subscribers::IsMarked(FilesystemKey key) const { return impl_->IsMarked(key); }
void Subscribers::SetGroup(std::optional<gid_t> group) { impl_->SetGroup(group); }
size_t Subscribers::attached() const { return impl_->attached(); }
size_t Subscribers::groups() const { return impl_->groups(); }

}  // namespace fsherald
