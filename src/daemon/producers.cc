// SPDX-License-Identifier: MIT
#include "daemon/producers.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/poller.h"
#include "daemon/peer.h"
#include "daemon/producer.h"
#include "daemon/producer_offer.h"
#include "daemon/quota.h"
#include "mount/descriptor_mount.h"
#include "protocol/packet.h"

namespace fsherald {
namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr uint32_t kTurn = 16;             // records of one producer, or of one user, between looks at the others
constexpr uint64_t kRestNs = 10 * kMs;     // of a user beyond the quota, and of who wakes us too often
constexpr uint32_t kWakesBeforeRest = 20;  // in kRestNs
constexpr uint32_t kAcceptsBeforeRest = 32;
constexpr int kAcceptsAtOnce = 2;          // some 30 us each; between them whoever reports has his turn
constexpr uint32_t kOffersPerSecond = 20;  // of one user; at once as many as attach again when we come
constexpr uint32_t kOffersAtOnce = 100;
constexpr size_t kMaxWaiting = 128;       // connections that have not offered yet, of all users
constexpr size_t kMaxFilesystems = 1024;  // of one user: each costs memory for as long as the daemon lives

struct User {
  explicit User(uint32_t per_second)
      : notifications(per_second, std::max(1U, per_second / 10)), offers(kOffersPerSecond, kOffersAtOnce) {}

  uint32_t reporters = 0;
  uint64_t memory_bytes = 0;
  Quota notifications;
  Quota offers;
  std::set<std::string> filesystems;
  uint32_t turn = 0;  // what is left of it in this round
};

// Who has connected and not offered yet.
struct Caller {
  Fd socket;
  Peer peer;
};

struct Member {
  std::unique_ptr<Producer> producer;
  User* user;
  WakeLimit wakes{kWakesBeforeRest, kRestNs};
  bool is_wanted = true;
  // kUnwanted: nobody has marked it; its ring is not read, its eventfd not listened to.
  enum { kAsleep, kActive, kResting, kUnwanted } state = kActive;
  uint64_t rests_until_ns = 0;
};

}  // namespace

class Producers::Impl {
 public:
  Impl(Options options, Fd listener, UserFilesystems& filesystems, Handler handler)
      : options_(std::move(options)),
        listener_(std::move(listener)),
        filesystems_(filesystems),
        handler_(std::move(handler)) {}

  Status Arm();
  int fd() const { return poller_.fd(); }
  void Pump();
  void MarksChanged();
  void Finish();
  void SetGroup(std::optional<gid_t> group) { options_.group = group; }
  const std::vector<Producer::Progress>& unreleased() const { return options_.unreleased; }
  size_t attached() const { return members_.size(); }
  uint64_t refused() const { return refused_; }

 private:
  using Members = std::map<const Producer*, Member>;

  void Accept(uint64_t now_ns);
  void Greet(Fd socket, uint64_t now_ns);
  void Hear(int socket, uint64_t now_ns);
  bool TakeOffer(Caller& caller, uint64_t now_ns);
  Status Attach(Caller& caller, protocol::Packet& packet, uint64_t now_ns);
  Status CheckQuota(const User& user, const Peer& peer, uint64_t memory_bytes) const;
  Result<Producer::Identity> Identify(const JudgedOffer& offer, protocol::Packet& packet, const Peer& peer, User& user);
  Status Remember(User& user, const Peer& peer, std::string filesystem);
  void Reply(int socket, const Status& status);

  void Woken(Member& member, uint64_t now_ns);
  void HungUp(Member& member);
  void Activate(Member& member);
  void Listen(Member& member);
  void Park(Member& member);
  void EndRests(uint64_t now_ns);
  void Rest(Member& member, uint64_t until_ns);
  void Serve(uint64_t now_ns);
  bool ServeOne(Member& member, uint64_t now_ns);
  void LetGo(Member& member);
  void SetAlarm();

  bool IsWanted(const Producer& producer) const { return !options_.is_wanted || options_.is_wanted(producer.keys()); }
  User& UserOf(const Peer& peer) { return users_.try_emplace(peer.uid, options_.max_per_second).first->second; }

  Options options_;
  Fd listener_;
  UserFilesystems& filesystems_;
  Handler handler_;
  Poller poller_;
  ProducerClock clock_;
  WakeLimit accepts_{kAcceptsBeforeRest, kRestNs};
  std::optional<uint64_t> listener_rests_until_ns_;
  std::map<uid_t, User> users_;
  std::map<int, Caller> callers_;     // by socket
  std::deque<int> callers_in_order_;  // may name some that are gone
  Members members_;
  std::map<int, Member*> by_fd_;  // by connection and by eventfd
  std::deque<Member*> active_;
  std::vector<Member*> resting_;
  uint64_t refused_ = 0;
};

Status Producers::Impl::Arm() {
  auto poller = Poller::Open();
  if (!poller) return poller.error();
  poller_ = std::move(*poller);
  return poller_.Add(listener_.get(), EPOLLIN);
}

void Producers::Impl::Pump() {
  const uint64_t now_ns = BoottimeNowNs();
  for (int fd : poller_.Ready()) {
    if (fd == listener_.get()) {
      Accept(now_ns);
    } else if (const auto found = by_fd_.find(fd); found == by_fd_.end()) {
      Hear(fd, now_ns);
    } else if (fd == found->second->producer->eventfd()) {
      Woken(*found->second, now_ns);
    } else {
      HungUp(*found->second);
    }
  }
  EndRests(now_ns);
  Serve(now_ns);
  SetAlarm();
}

// Where there are no descriptors left, the listener would be ready for ever: it rests too.
void Producers::Impl::Accept(uint64_t now_ns) {
  for (int left = kAcceptsAtOnce; accepts_.Wake(now_ns); --left) {
    if (left == 0) return;
    Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ECONNABORTED)) return;
    if (!socket) break;
    Greet(std::move(socket), now_ns);
  }
  poller_.Remove(listener_.get());
  listener_rests_until_ns_ = std::max(accepts_.EndNs(), now_ns + kMs);
}

// An honest one has sent its offer already. Of those that have not, the first to come are the first to go.
void Producers::Impl::Greet(Fd socket, uint64_t now_ns) {
  auto peer = PeerOf(socket.get());
  if (!peer) return;
  Caller caller{.socket = std::move(socket), .peer = std::move(*peer)};
  if (TakeOffer(caller, now_ns)) return;
  while (callers_.size() >= kMaxWaiting) {
    poller_.Remove(callers_in_order_.front());
    callers_.erase(callers_in_order_.front());
    callers_in_order_.pop_front();
  }
  const int fd = caller.socket.get();
  if (!poller_.Add(fd, EPOLLIN)) return;
  callers_.emplace(fd, std::move(caller));
  callers_in_order_.push_back(fd);
}

void Producers::Impl::Hear(int socket, uint64_t now_ns) {
  const auto found = callers_.find(socket);
  if (found == callers_.end()) return;
  Caller caller = std::move(found->second);
  poller_.Remove(socket);
  callers_.erase(found);
  std::erase(callers_in_order_, socket);
  TakeOffer(caller, now_ns);
}

// False: it has not come yet. The offer is read before it is refused: a socket that is closed with something unread gives the
// other side no answer, but an error. Descriptors are taken only of who may report: to close one may mean to wait for him.
bool Producers::Impl::TakeOffer(Caller& caller, uint64_t now_ns) {
  using protocol::Descriptors;
  const bool may_report = IsAllowed(caller.peer, options_.group);
  auto packet = protocol::Receive(caller.socket.get(), may_report ? Descriptors::kTaken : Descriptors::kRefused);
  if (!packet && packet.error().code == EAGAIN) return false;
  if (packet && packet->bytes.empty()) return true;  // gone again
  const int socket = caller.socket.get();
  const Status attached = packet ? Attach(caller, *packet, now_ns) : Error{packet.error().what, EINVAL};
  if (!attached) {
    ++refused_;
    Reply(socket, attached);
  }
  return true;
}

void Producers::Impl::Reply(int socket, const Status& status) {
  const std::string text = status ? "" : status.error().ToString();
  const protocol::Answer answer{
      .head = {.type = protocol::kAnswer, .bytes = static_cast<uint32_t>(sizeof(protocol::Answer) + text.size())},
      .error = status ? 0 : (status.error().code == 0 ? EINVAL : status.error().code),
      .reserved = 0};
  std::vector<std::byte> packet(sizeof answer + text.size());
  std::memcpy(packet.data(), &answer, sizeof answer);
  std::memcpy(packet.data() + sizeof answer, text.data(), text.size());
  (void)protocol::Send(socket, packet);  // who does not take it is told by the end of the connection
}

Status Producers::Impl::Attach(Caller& caller, protocol::Packet& packet, uint64_t now_ns) {
  const Peer& peer = caller.peer;
  if (!IsAllowed(peer, options_.group))
    return Error{
        "reports are taken from root" + std::string(options_.group ? " and the daemon's group for reports"
                                                                   : " only: the daemon has no group for reports"),
        EPERM};
  User& user = UserOf(peer);
  if (peer.uid != 0) {
    if (user.offers.Available(now_ns) == 0) return Error{"too many offers a second of this user", EAGAIN};
    user.offers.Take(1);
  }
  const OfferedDescriptors descriptors = DescribeDescriptors(packet, options_.proc_root);
  const auto offer = JudgeOffer(packet, descriptors, KernelTypes(options_.proc_root));
  if (!offer) return offer.error();
  if (Status checked = CheckQuota(user, peer, descriptors.bytes); !checked) return checked;
  auto identity = Identify(*offer, packet, peer, user);
  if (!identity) return identity.error();
  auto memory = SharedMemory::Map(packet.descriptors[0].get(), descriptors.bytes);
  if (!memory) return memory.error();
  const int connection = caller.socket.get();
  const int eventfd = packet.descriptors[1].get();
  auto made =
      Producer::Make(std::move(*identity), std::move(*memory), std::move(packet.descriptors[1]), options_.proc_root);
  if (!made) return made.error();
  (*made)->SetBeforeRelease(descriptors.inode, options_.before_release);
  std::erase_if(options_.unreleased, [&](const Producer::Progress& progress) {
    if (progress.ring != descriptors.inode) return false;
    (*made)->GiveBack(progress);
    return true;
  });
  if (Status added = poller_.Add(connection, EPOLLIN); !added) return Error{added.error().what, EAGAIN};
  if (Status added = poller_.Add(eventfd, EPOLLIN | EPOLLET); !added) {
    poller_.Remove(connection);
    return Error{added.error().what, EAGAIN};
  }
  Reply(connection, {});
  (*made)->Connect(std::move(caller.socket));
  ++user.reporters;
  user.memory_bytes += descriptors.bytes;
  const Producer* key = made->get();
  Member& member = members_.emplace(key, Member{.producer = std::move(*made), .user = &user}).first->second;
  by_fd_[connection] = by_fd_[eventfd] = &member;
  member.is_wanted = IsWanted(*member.producer);
  Activate(member);
  return {};
}

Status Producers::Impl::CheckQuota(const User& user, const Peer& peer, uint64_t memory_bytes) const {
  if (peer.uid == 0) return {};
  if (user.reporters >= options_.max_reporters)
    return Error{"this user has " + std::to_string(user.reporters) + " reporters already, and may have no more",
                 EDQUOT};
  if (user.memory_bytes + memory_bytes > options_.max_memory_bytes)
    return Error{"this user's reporters have " + std::to_string(user.memory_bytes) +
                     " bytes of memory already, and may have " + std::to_string(options_.max_memory_bytes),
                 EDQUOT};
  return {};
}

// The descriptor of a mount is closed at once: it would keep it from being unmounted.
Result<Producer::Identity> Producers::Impl::Identify(const JudgedOffer& offer, protocol::Packet& packet,
                                                     const Peer& peer, User& user) {
  Producer::Identity identity{.peer = peer};
  if (!offer.of_mount) {
    if (Status known = Remember(user, peer, offer.type + '\0' + offer.name); !known) return known.error();
    identity.filesystem.type = offer.type;
    identity.filesystem.device = offer.name;
    identity.keys = {filesystems_.OfName(offer.type, offer.name, peer.uid),
                     filesystems_.OfName(offer.type, offer.name, UserFilesystems::kAnyUid)};
    return identity;
  }
  auto mount = FindMountOf(packet.descriptors[2].get(), peer.pid, options_.proc_root);
  packet.descriptors[2].Reset();
  if (!mount) return Error{mount.error().what, EPERM};
  if (Status may = JudgeMount(*mount, peer); !may) return may.error();
  if (Status known = Remember(user, peer, ToString(mount->dev) + '#' + std::to_string(mount->mount_id)); !known)
    return known.error();
  identity.filesystem.type = mount->type;
  identity.filesystem.device = mount->source;
  identity.filesystem.dev = mount->dev;
  if (auto points = MountPointsOf(mount->dev, options_.proc_root)) identity.filesystem.mounts = std::move(*points);
  const auto& points = identity.filesystem.mounts;
  if (std::ranges::find(points, mount->mount_point) != points.end()) identity.mount_point = mount->mount_point;
  else if (!points.empty()) identity.mount_point = points.front();
  identity.keys = {filesystems_.OfMount(mount->dev, mount->mount_ids)};
  return identity;
}

Status Producers::Impl::Remember(User& user, const Peer& peer, std::string filesystem) {
  if (peer.uid == 0 || user.filesystems.contains(filesystem)) return {};
  if (user.filesystems.size() >= kMaxFilesystems)
    return Error{"this user has reported for " + std::to_string(kMaxFilesystems) + " file systems already", EDQUOT};
  user.filesystems.insert(std::move(filesystem));
  return {};
}

void Producers::Impl::Woken(Member& member, uint64_t now_ns) {
  if (!member.wakes.Wake(now_ns)) {
    if (member.state == Member::kResting || member.state == Member::kUnwanted) return;
    std::erase(active_, &member);
    return Rest(member, member.wakes.EndNs());
  }
  if (member.state == Member::kAsleep) Activate(member);
}

// Whatever it is that has come: after its offer a reporter has nothing more to say.
void Producers::Impl::HungUp(Member& member) {
  const int connection = member.producer->connection();
  poller_.Remove(connection);
  by_fd_.erase(connection);
  member.producer->End();
  if (member.state == Member::kAsleep || member.state == Member::kUnwanted) Activate(member);
}

void Producers::Impl::Activate(Member& member) {
  member.state = Member::kActive;
  active_.push_back(&member);
}

// What has come meanwhile is read too.
void Producers::Impl::Listen(Member& member) {
  (void)poller_.Add(member.producer->eventfd(), EPOLLIN | EPOLLET);
  Activate(member);
}

void Producers::Impl::MarksChanged() {
  for (auto& [producer, member] : members_) {
    member.is_wanted = IsWanted(*producer);
    if (member.is_wanted && member.state == Member::kUnwanted) Listen(member);
  }
  SetAlarm();
}

// It is not asked to wake us, and who does so all the same is not heard.
void Producers::Impl::Rest(Member& member, uint64_t until_ns) {
  poller_.Remove(member.producer->eventfd());
  member.state = Member::kResting;
  member.rests_until_ns = until_ns;
  resting_.push_back(&member);
}

// It may have been asked to wake us: once it does, for nobody to hear.
void Producers::Impl::Park(Member& member) {
  poller_.Remove(member.producer->eventfd());
  member.state = Member::kUnwanted;
}

void Producers::Impl::EndRests(uint64_t now_ns) {
  if (listener_rests_until_ns_ && *listener_rests_until_ns_ <= now_ns) {
    listener_rests_until_ns_.reset();
    (void)poller_.Add(listener_.get(), EPOLLIN);
  }
  std::erase_if(resting_, [&](Member* member) {
    if (member->rests_until_ns > now_ns) return false;
    Listen(*member);
    return true;
  });
}

// Each that has something has its turn; of one user's all together have one.
void Producers::Impl::Serve(uint64_t now_ns) {
  for (auto& [uid, user] : users_) user.turn = kTurn;
  for (size_t left = active_.size(); left > 0; --left) {
    Member* member = active_.front();
    active_.pop_front();
    if (ServeOne(*member, now_ns)) active_.push_back(member);
  }
}

// False: it is not active any more.
bool Producers::Impl::ServeOne(Member& member, uint64_t now_ns) {
  Producer& producer = *member.producer;
  User& user = *member.user;
  const bool has_quota = producer.peer().uid != 0;
  if (!member.is_wanted) {
    if (producer.has_ended()) LetGo(member);
    else Park(member);
    return false;
  }
  uint32_t limit = kTurn;
  if (has_quota) {
    const uint32_t available = user.notifications.Available(now_ns);
    if (available == 0) {
      Rest(member, now_ns + kRestNs);
      return false;
    }
    limit = std::min(user.turn, available);
    if (limit == 0) return true;
  }
  uint32_t told = 0;
  const Producer::Turn turn = producer.Read(limit, clock_, now_ns, handler_, told, refused_);
  if (has_quota) {
    user.notifications.Take(told);
    user.turn -= std::min(user.turn, told);
  }
  if (turn == Producer::Turn::kBroken) ++refused_;
  const bool is_done = producer.has_ended() && (turn == Producer::Turn::kAsleep || producer.is_beyond_its_end());
  if (turn == Producer::Turn::kBroken || is_done) {
    LetGo(member);
    return false;
  }
  if (turn == Producer::Turn::kMore) return true;
  member.state = Member::kAsleep;
  return false;
}

void Producers::Impl::LetGo(Member& member) {
  const Producer* producer = member.producer.get();
  for (int fd : {producer->connection(), producer->eventfd()}) {
    if (fd < 0) continue;
    poller_.Remove(fd);
    by_fd_.erase(fd);
  }
  --member.user->reporters;
  member.user->memory_bytes -= producer->memory_bytes();
  members_.erase(producer);
}

void Producers::Impl::SetAlarm() {
  if (!active_.empty()) return poller_.SetAlarm(1);
  std::optional<uint64_t> alarm_ns = listener_rests_until_ns_;
  for (const Member* member : resting_)
    if (!alarm_ns || member->rests_until_ns < *alarm_ns) alarm_ns = member->rests_until_ns;
  poller_.SetAlarm(alarm_ns);
}

void Producers::Impl::Finish() {
  const uint64_t now_ns = BoottimeNowNs();
  for (auto& [producer, member] : members_) {
    if (!member.is_wanted) continue;
    if (!member.producer->has_ended()) HungUp(member);
    uint32_t told = 0;
    while (!member.producer->is_beyond_its_end() &&
           member.producer->Read(kTurn, clock_, now_ns, handler_, told, refused_) == Producer::Turn::kMore) {
    }
  }
}

Result<std::unique_ptr<Producers>> Producers::Open(Options options, Fd listener, UserFilesystems& filesystems,
                                                   Handler handler) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(listener), filesystems, std::move(handler));
  if (Status armed = impl->Arm(); !armed) return armed.error();
  return std::unique_ptr<Producers>(new Producers(std::move(impl)));
}

Producers::Producers(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Producers::~Producers() = default;
int Producers::fd() const { return impl_->fd(); }
void Producers::Pump() { impl_->Pump(); }
void Producers::MarksChanged() { impl_->MarksChanged(); }
void Producers::Finish() { impl_->Finish(); }
void Producers::SetGroup(std::optional<gid_t> group) { impl_->SetGroup(group); }
const std::vector<Producer::Progress>& Producers::unreleased() const { return impl_->unreleased(); }
size_t Producers::attached() const { return impl_->attached(); }
uint64_t Producers::refused() const { return impl_->refused(); }

}  // namespace fsherald
