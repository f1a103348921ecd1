// SPDX-License-Identifier: MIT
// A group that the daemon holds.
#include <poll.h>
#include <sys/epoll.h>
#include <time.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/clock.h"
#include "base/poller.h"
#include "client/readable_flag.h"
#include "client/subscription.h"
#include "fsherald/record.h"
#include "protocol/packet.h"

namespace fsherald {
namespace {

constexpr uint64_t kPatienceNs = 5'000'000'000;  // with a daemon that does not answer
constexpr int kAttempts = 3;                     // with daemons that end without an answer

Error Gone() { return Error{"the daemon is gone", ECONNRESET}; }
Error Silent() { return Error{"the daemon does not answer", ETIMEDOUT}; }

template <typename T>
Bytes BytesOf(const T& message) {
  return std::as_bytes(std::span(&message, 1));
}

template <typename T>
protocol::Head HeadOf(protocol::Type type) {
  return {.type = type, .bytes = sizeof(T)};
}

// The first notification's length; 0: these are no notifications.
size_t FirstLength(Bytes bytes) {
  const auto metadata = ByteReader(bytes).Read<fsherald_metadata>();
  if (!metadata || metadata->event_len < sizeof *metadata || metadata->event_len > bytes.size()) return 0;
  return metadata->event_len;
}

bool AreWhole(Bytes bytes) {
  while (!bytes.empty()) {
    const size_t length = FirstLength(bytes);
    if (length == 0) return false;
    bytes = bytes.subspan(length);
  }
  return true;
}

class RemoteSubscription final : public Subscription {
 public:
  RemoteSubscription(Fd socket, Poller poller, ReadableFlag buffered_flag, bool is_named)
      : socket_(std::move(socket)),
        poller_(std::move(poller)),
        buffered_flag_(std::move(buffered_flag)),
        is_named_(is_named) {}

  Status Open(const std::string& group_name, std::optional<uint64_t> since);
  Result<std::string> Clear(int fd, const std::string& name, const std::string& reason);

  Status Mark(const MarkRequest& request) override;
  int fd() const override { return poller_.fd(); }
  Result<size_t> Read(std::span<std::byte> to, size_t most) override;
  Status Acknowledge(uint64_t seq) override;
  void Close() override;
  std::string Describe() const override { return description_; }
  bool has_daemon() const override { return true; }

 private:
  enum class Came { kNothing, kNotifications, kAnswer };
  struct Answered {
    int code = 0;
    std::string text;
  };

  Status Send(Bytes packet, std::span<const int> descriptors = {});
  Result<std::string> Ask(Bytes packet, std::span<const int> descriptors = {});
  Came Receive();
  Came TakePacket(const protocol::Packet& packet);
  bool Wait(short events, uint64_t deadline_ns);
  size_t TakeBuffered(std::span<std::byte> to, size_t& most);

  Fd socket_;
  Poller poller_;  // of the socket, and of buffered_flag_
  ReadableFlag buffered_flag_;
  bool is_named_;
  bool is_gone_ = false;  // nothing more comes
  std::string description_;
  std::vector<std::byte> buffered_;  // whole notifications; those before buffered_taken_ are gone
  size_t buffered_taken_ = 0;
  std::optional<Answered> answer_;
  size_t answers_overdue_ = 0;  // nobody waits for them any more
};

Status RemoteSubscription::Open(const std::string& group_name, std::optional<uint64_t> since) {
  protocol::Open open{.head = HeadOf<protocol::Open>(protocol::kOpen)};
  protocol::OpenSince open_since{.head = HeadOf<protocol::OpenSince>(protocol::kOpenSince), .since = since.value_or(0)};
  std::ranges::copy(group_name, open.name);
  std::ranges::copy(group_name, open_since.name);
  Result<std::string> description = Ask(since ? BytesOf(open_since) : BytesOf(open));
  buffered_flag_.Set(buffered_taken_ < buffered_.size());  // of a replay something may have come by now
  if (!description) return description.error();
  description_ = std::move(*description);
  return {};
}

Result<std::string> RemoteSubscription::Clear(int fd, const std::string& name, const std::string& reason) {
  if (name.size() > protocol::kMaxClearNameBytes) return Error{"a name has at most 255 bytes", EINVAL};
  if (reason.empty() || reason.size() > protocol::kMaxReasonBytes)
    return Error{"a reason has from 1 to 255 bytes", EINVAL};
  protocol::Clear clear{.head = HeadOf<protocol::Clear>(protocol::kClear),
                        .target = fd >= 0 ? protocol::kOnDescriptor : protocol::kOnName};
  std::ranges::copy(name, clear.name);
  std::ranges::copy(reason, clear.reason);
  return Ask(BytesOf(clear), fd >= 0 ? std::span<const int>(&fd, 1) : std::span<const int>());
}

Status RemoteSubscription::Mark(const MarkRequest& request) {
  if (request.type.size() > protocol::kMaxNameBytes || request.name.size() > protocol::kMaxNameBytes)
    return Error{"type and name of a file system have at most 31 bytes", EINVAL};
  protocol::Mark mark{
      .head = HeadOf<protocol::Mark>(protocol::kMark), .op = request.op, .target = request.target, .uid = request.uid};
  std::ranges::copy(request.type, mark.type);
  std::ranges::copy(request.name, mark.name);
  const bool on_descriptor = request.op != protocol::kFlush && request.target == protocol::kOnDescriptor;
  Result<std::string> answer =
      Ask(BytesOf(mark), on_descriptor ? std::span<const int>(&request.fd, 1) : std::span<const int>());
  // Notifications may have come before the answer.
  buffered_flag_.Set(buffered_taken_ < buffered_.size());
  if (!answer) return answer.error();
  return {};
}

Result<size_t> RemoteSubscription::Read(std::span<std::byte> to, size_t most) {
  size_t bytes = 0;
  for (;;) {
    bytes += TakeBuffered(to.subspan(bytes), most);
    const bool has_more = buffered_taken_ < buffered_.size();
    if (has_more || most == 0 || bytes == to.size() || Receive() != Came::kNotifications) break;
  }
  const bool has_more = buffered_taken_ < buffered_.size();
  buffered_flag_.Set(has_more);
  if (bytes > 0) return bytes;
  if (has_more || to.empty()) return Error{"the buffer has no room for a notification", EINVAL};
  if (is_gone_) return Gone();
  return Error{"there is nothing to read", EAGAIN};
}

Status RemoteSubscription::Acknowledge(uint64_t seq) {
  if (!is_named_) return {};
  Status sent = Send(BytesOf(protocol::Acknowledge{HeadOf<protocol::Acknowledge>(protocol::kAcknowledge), seq}));
  buffered_flag_.Set(buffered_taken_ < buffered_.size());
  return sent;
}

void RemoteSubscription::Close() {
  if (is_named_) (void)Send(BytesOf(protocol::Close{HeadOf<protocol::Close>(protocol::kClose)}));
  is_gone_ = true;
}

// Waits where the socket is full, and takes what comes in the meantime: the daemon may wait for just that.
Status RemoteSubscription::Send(Bytes packet, std::span<const int> descriptors) {
  if (is_gone_) return Gone();
  const uint64_t deadline_ns = BoottimeNowNs() + kPatienceNs;
  for (;;) {
    Status sent = protocol::Send(socket_.get(), packet, descriptors);
    if (sent) return {};
    const int code = sent.error().code;
    if (code == EPIPE || code == ECONNRESET || code == ENOTCONN) return Gone();
    if (code != EAGAIN) return sent;
    if (!Wait(POLLIN | POLLOUT, deadline_ns)) return Silent();
    while (Receive() != Came::kNothing) {
    }
  }
}

// A request that is answered; its text.
Result<std::string> RemoteSubscription::Ask(Bytes packet, std::span<const int> descriptors) {
  answer_.reset();
  // What refuses us, and closes, may have answered before we ask: then the answer says more than the failure to send.
  Status sent = Send(packet, descriptors);
  if (!sent && sent.error().code != ECONNRESET) return sent.error();
  const uint64_t deadline_ns = BoottimeNowNs() + kPatienceNs;
  while (!answer_) {
    if (Receive() != Came::kNothing) continue;
    if (is_gone_) return Gone();
    if (!Wait(POLLIN, deadline_ns)) {
      ++answers_overdue_;
      return Silent();
    }
  }
  if (answer_->code != 0) return Error{std::move(answer_->text), answer_->code};
  return std::move(answer_->text);
}

// Takes one packet.
RemoteSubscription::Came RemoteSubscription::Receive() {
  if (is_gone_) return Came::kNothing;
  Result<protocol::Packet> packet = protocol::Receive(socket_.get());
  if (!packet && packet.error().code == ECONNRESET) {
    // The daemon ended with something of ours unread. The socket says so once, and only then gives what it had sent before.
    packet = protocol::Receive(socket_.get());
  }
  if (packet && !packet->bytes.empty()) return TakePacket(*packet);
  if (packet || packet.error().code != EAGAIN) is_gone_ = true;
  return Came::kNothing;
}

RemoteSubscription::Came RemoteSubscription::TakePacket(const protocol::Packet& packet) {
  Bytes tail;
  if (protocol::As<protocol::Notifications>(packet, protocol::kNotifications, &tail) && AreWhole(tail)) {
    buffered_.insert(buffered_.end(), tail.begin(), tail.end());
    return Came::kNotifications;
  }
  const auto answer = protocol::As<protocol::Answer>(packet, protocol::kAnswer, &tail);
  if (answer && answers_overdue_ > 0) {
    --answers_overdue_;
    return Came::kAnswer;
  }
  if (answer && !answer_) {
    answer_ = {.code = answer->error, .text = {reinterpret_cast<const char*>(tail.data()), tail.size()}};
    return Came::kAnswer;
  }
  is_gone_ = true;  // this is no daemon of ours
  return Came::kNothing;
}

// Until poll(2) says something of the socket; false: not before the deadline.
bool RemoteSubscription::Wait(short events, uint64_t deadline_ns) {
  pollfd waiting{.fd = socket_.get(), .events = events, .revents = 0};
  for (;;) {
    const uint64_t now_ns = BoottimeNowNs();
    if (now_ns >= deadline_ns) return false;
    const int ready = ::poll(&waiting, 1, static_cast<int>((deadline_ns - now_ns) / 1'000'000 + 1));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

size_t RemoteSubscription::TakeBuffered(std::span<std::byte> to, size_t& most) {
  const Bytes rest = Bytes(buffered_).subspan(buffered_taken_);
  size_t bytes = 0;
  for (; most > 0 && bytes < rest.size(); --most) {
    const size_t length = FirstLength(rest.subspan(bytes));
    if (length > to.size() - bytes) break;
    bytes += length;
  }
  if (bytes > 0) std::memcpy(to.data(), rest.data(), bytes);
  buffered_taken_ += bytes;
  if (buffered_taken_ == buffered_.size()) {
    buffered_.clear();
    buffered_taken_ = 0;
  }
  return bytes;
}

// Waits while the daemon has more connections before it than it has taken.
Result<Fd> ConnectPatiently(const std::string& runtime_dir) {
  const uint64_t deadline_ns = BoottimeNowNs() + kPatienceNs;
  for (;;) {
    Result<Fd> socket = protocol::Connect(runtime_dir, protocol::kSubscribeSocket);
    if (socket || socket.error().code != EAGAIN) return socket;
    if (BoottimeNowNs() >= deadline_ns) return Silent();
    const timespec pause{.tv_sec = 0, .tv_nsec = 10'000'000};
    (void)::nanosleep(&pause, nullptr);  // nothing that poll(2) could wait for
  }
}

Result<std::unique_ptr<RemoteSubscription>> ConnectTo(const std::string& runtime_dir, bool is_named) {
  Result<Fd> socket = ConnectPatiently(runtime_dir);
  if (!socket) return socket.error();
  Result<Poller> poller = Poller::Open();
  if (!poller) return poller.error();
  Result<ReadableFlag> flag = ReadableFlag::Open();
  if (!flag) return flag.error();
  for (int fd : {socket->get(), flag->fd()})
    if (Status added = poller->Add(fd, EPOLLIN); !added) return added.error();
  return std::make_unique<RemoteSubscription>(std::move(*socket), std::move(*poller), std::move(*flag), is_named);
}

}  // namespace

Result<std::unique_ptr<Subscription>> SubscribeToDaemon(const std::string& runtime_dir, const std::string& group_name,
                                                        std::optional<uint64_t> since) {
  if (group_name.size() > protocol::kMaxGroupNameBytes)
    return Error{"the name of a group has at most 63 bytes", EINVAL};
  // A daemon that is just ending may still take the connection. Then there is none any more, or the next one, behind the same
  // socket, takes ours.
  for (int attempt = 1;; ++attempt) {
    auto subscription = ConnectTo(runtime_dir, !group_name.empty());
    if (!subscription) return subscription.error();
    Status opened = (*subscription)->Open(group_name, since);
    if (opened) return std::unique_ptr<Subscription>(std::move(*subscription));
    if (opened.error().code != ECONNRESET || attempt == kAttempts) return opened.error();
  }
}

Result<std::string> ClearHealth(const std::string& runtime_dir, int fd, const std::string& name,
                                const std::string& reason) {
  auto connection = ConnectTo(runtime_dir, false);
  if (!connection) return connection.error();
  return (*connection)->Clear(fd, name, reason);
}

}  // namespace fsherald
