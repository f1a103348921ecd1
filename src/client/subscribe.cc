// SPDX-License-Identifier: MIT
// The C functions of the subscribe half. No exception leaves them, and errno stays the caller's.
#include <fcntl.h>
#include <fsherald/fsherald.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <new>
#include <optional>

#include "base/fd.h"
#include "client/decode.h"
#include "client/options.h"
#include "client/subscription.h"
#include "protocol/packet.h"

struct fsherald_monitor {
  std::unique_ptr<fsherald::Subscription> subscription;
  fsherald::DecodedNotification decoded;
  // A child of fork(2) has the same connection, and the sources' descriptors without their threads: what it did with them, it
  // would do to its parent.
  const pid_t process = ::getpid();
  bool is_ours() const { return ::getpid() == process; }
};

namespace {

using namespace fsherald;

// Calls `function`, which returns what the C function returns.
template <typename Function>
auto Guarded(Function&& function) -> decltype(function()) {
  const int kept_errno = errno;
  decltype(function()) result = -EIO;
  try {
    result = function();
  } catch (const std::bad_alloc&) {
    result = -ENOMEM;
  } catch (...) {  // none is known; the caller's stack is not ours to unwind
  }
  errno = kept_errno;
  return result;
}

int CodeOf(const Error& error) { return error.code != 0 ? -error.code : -EIO; }
int CodeOf(const Status& status) { return status ? 0 : CodeOf(status.error()); }

// 0, or what is wrong with it.
int Check(const fsherald_monitor* monitor) {
  if (monitor == nullptr) return -EINVAL;
  return monitor->is_ours() ? 0 : -ESTALE;
}

std::optional<fsherald_monitor_options> Known(const fsherald_monitor_options* given) {
  if (given == nullptr) return fsherald_monitor_options{};
  return KnownOptions(*given, offsetof(fsherald_monitor_options, name));
}

Result<std::unique_ptr<Subscription>> Subscribe(const fsherald_monitor_options& options) {
  const std::string name = options.name != nullptr ? options.name : "";
  constexpr uint32_t kNeedsDaemon = FSHERALD_MONITOR_ONLY_DAEMON | FSHERALD_MONITOR_SINCE;
  const bool needs_daemon = !name.empty() || (options.flags & kNeedsDaemon) != 0;
  if ((options.flags & FSHERALD_MONITOR_NO_DAEMON) == 0) {
    std::optional<uint64_t> since;
    if ((options.flags & FSHERALD_MONITOR_SINCE) != 0) since = options.since;
    auto subscription = SubscribeToDaemon(protocol::RuntimeDir(options.runtime_dir), name, since);
    if (subscription || needs_daemon || subscription.error().code != ECONNREFUSED) return subscription;
  }
  return SubscribeLocally();
}

int Open(fsherald_monitor** monitor, const fsherald_monitor_options* given) {
  const std::optional<fsherald_monitor_options> options = Known(given);
  if (monitor == nullptr || !options || options->reserved != 0) return -EINVAL;
  constexpr uint32_t kKnownFlags = FSHERALD_MONITOR_NO_DAEMON | FSHERALD_MONITOR_ONLY_DAEMON | FSHERALD_MONITOR_SINCE;
  const bool without_daemon = (options->flags & FSHERALD_MONITOR_NO_DAEMON) != 0;
  if ((options->flags & ~kKnownFlags) != 0) return -EINVAL;
  if (without_daemon && options->flags != FSHERALD_MONITOR_NO_DAEMON) return -EINVAL;
  if (options->since != 0 && (options->flags & FSHERALD_MONITOR_SINCE) == 0) return -EINVAL;
  if (options->name != nullptr && (without_daemon || *options->name == '\0')) return -EINVAL;
  auto subscription = Subscribe(*options);
  if (!subscription) return CodeOf(subscription.error());
  *monitor = new fsherald_monitor{.subscription = std::move(*subscription), .decoded = {}};
  return 0;
}

int Mark(fsherald_monitor* monitor, int op, MarkRequest request) {
  if (const int wrong = Check(monitor); wrong != 0) return wrong;
  if (op != FSHERALD_MARK_ADD && op != FSHERALD_MARK_REMOVE) return -EINVAL;
  request.op = op == FSHERALD_MARK_ADD ? protocol::kAdd : protocol::kRemove;
  return CodeOf(monitor->subscription->Mark(request));
}

int MarkPath(fsherald_monitor* monitor, int op, const char* path) {
  if (path == nullptr) return -EINVAL;
  const Fd fd(::open(path, O_PATH | O_CLOEXEC));
  if (!fd) return -errno;
  return Mark(monitor, op, {.target = protocol::kOnDescriptor, .fd = fd.get()});
}

bool IsName(const char* text) {
  return text != nullptr && *text != '\0' && ::strnlen(text, protocol::kMaxNameBytes + 1) <= protocol::kMaxNameBytes;
}

int MarkName(fsherald_monitor* monitor, int op, const char* type, const char* name, uid_t uid) {
  if (!IsName(type) || !IsName(name)) return -EINVAL;
  return Mark(monitor, op, {.target = protocol::kOnName, .type = type, .name = name, .uid = uid});
}

int Next(fsherald_monitor* monitor, const fsherald_notification** notification) {
  if (const int wrong = Check(monitor); wrong != 0) return wrong;
  if (notification == nullptr) return -EINVAL;
  std::array<std::byte, FSHERALD_MAX_NOTIFICATION_BYTES> buffer;
  for (;;) {
    const Result<size_t> bytes = monitor->subscription->Read(buffer, 1);
    if (!bytes) return bytes.error().code == EAGAIN ? 0 : CodeOf(bytes.error());
    // What a daemon of a later version says otherwise than this library reads it is passed over; fsherald_monitor_read has it.
    if (monitor->decoded.Decode(std::span(buffer).first(*bytes))) break;
  }
  *notification = &monitor->decoded.get();
  return 1;
}

}  // namespace

extern "C" {

int fsherald_monitor_open(fsherald_monitor** monitor, const fsherald_monitor_options* options) {
  return Guarded([&] { return Open(monitor, options); });
}

void fsherald_monitor_close(fsherald_monitor* monitor) {
  if (Check(monitor) != 0) return;
  (void)Guarded([&] {
    monitor->subscription->Close();
    delete monitor;
    return 0;
  });
}

int fsherald_monitor_has_daemon(const fsherald_monitor* monitor) {
  return monitor != nullptr && monitor->subscription->has_daemon() ? 1 : 0;
}

int fsherald_mark_path(fsherald_monitor* monitor, fsherald_mark_op op, const char* path) {
  return Guarded([&] { return MarkPath(monitor, op, path); });
}

int fsherald_mark_fd(fsherald_monitor* monitor, fsherald_mark_op op, int fd) {
  return Guarded([&] { return fd < 0 ? -EBADF : Mark(monitor, op, {.target = protocol::kOnDescriptor, .fd = fd}); });
}

int fsherald_mark_name(fsherald_monitor* monitor, fsherald_mark_op op, const char* type, const char* name, uid_t uid) {
  return Guarded([&] { return MarkName(monitor, op, type, name, uid); });
}

int fsherald_mark_all(fsherald_monitor* monitor, fsherald_mark_op op) {
  return Guarded([&] { return Mark(monitor, op, {.target = protocol::kOnAll}); });
}

int fsherald_mark_flush(fsherald_monitor* monitor) {
  return Guarded([&] {
    const int wrong = Check(monitor);
    return wrong != 0 ? wrong : CodeOf(monitor->subscription->Mark({.op = protocol::kFlush}));
  });
}

int fsherald_monitor_fd(const fsherald_monitor* monitor) {
  return monitor != nullptr ? monitor->subscription->fd() : -EINVAL;
}

ssize_t fsherald_monitor_read(fsherald_monitor* monitor, void* buffer, size_t size) {
  return Guarded([&]() -> ssize_t {
    if (const int wrong = Check(monitor); wrong != 0) return wrong;
    if (buffer == nullptr && size > 0) return -EINVAL;
    const Result<size_t> bytes = monitor->subscription->Read({static_cast<std::byte*>(buffer), size});
    return bytes ? static_cast<ssize_t>(*bytes) : CodeOf(bytes.error());
  });
}

int fsherald_monitor_next(fsherald_monitor* monitor, const fsherald_notification** notification) {
  return Guarded([&] { return Next(monitor, notification); });
}

int fsherald_monitor_acknowledge(fsherald_monitor* monitor, uint64_t seq) {
  return Guarded([&] {
    const int wrong = Check(monitor);
    return wrong != 0 ? wrong : CodeOf(monitor->subscription->Acknowledge(seq));
  });
}

}  // extern "C"
