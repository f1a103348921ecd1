// SPDX-License-Identifier: MIT
#include "preload/rfc_group.h"

#include <fcntl.h>
#include <fsherald/fsherald.h>
#include <linux/kcmp.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "preload/mark_rules.h"
#include "preload/real.h"
#include "preload/signals_blocked.h"
#include "record/rfc.h"
#include "record/stream.h"
#include "source/fanotify_abi.h"

namespace fsherald::preload {
namespace {

// Of a group whose daemon has gone: it waits for another monitor twice as long each time, and its reader is told of the
// loss when there is one, or after a second without.
constexpr int kFirstRetryMs = 20;
constexpr int kLastRetryMs = 1000;
constexpr int kAttemptsUntilTold = 6;

int Fail(int code) {
  errno = code;
  return -1;
}

// The object that fanotify_mark names, without opening it.
Fd OpenObject(unsigned flags, int dirfd, const char* path) {
  int how = O_PATH | O_CLOEXEC;
  if ((flags & FAN_MARK_DONT_FOLLOW) != 0) how |= O_NOFOLLOW;
  if ((flags & FAN_MARK_ONLYDIR) != 0) how |= O_DIRECTORY;
  return Fd(openat(dirfd, path, how));
}

DeviceNumber DeviceOf(int fd) {
  struct statx stat {};
  if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &stat) != 0) return {};
  return {stat.stx_dev_major, stat.stx_dev_minor};
}

std::string PathOf(int fd) {
  char path[4096];
  const ssize_t bytes = readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path, sizeof path);
  return bytes > 0 ? std::string(path, static_cast<size_t>(bytes)) : std::string();
}

// Copies bytes into the parts of a readv, one behind the other.
class Scatter {
 public:
  explicit Scatter(std::span<const iovec> parts) : parts_(parts) {
    for (const iovec& part : parts) left_ += part.iov_len;
  }
  size_t left() const { return left_; }
  void Write(Bytes bytes) {
    left_ -= bytes.size();
    while (!bytes.empty()) {
      const iovec& part = parts_.front();
      const size_t now = std::min(bytes.size(), part.iov_len - used_);
      if (now > 0) std::memcpy(static_cast<std::byte*>(part.iov_base) + used_, bytes.data(), now);
      bytes = bytes.subspan(now);
      used_ += now;
      if (used_ == part.iov_len) {
        parts_ = parts_.subspan(1);
        used_ = 0;
      }
    }
  }

 private:
  std::span<const iovec> parts_;
  size_t used_ = 0;  // of the first part
  size_t left_ = 0;
};

// Closes the descriptors that the kernel's events have brought.
void CloseWhatEventsBring(std::span<const iovec> parts, size_t bytes) {
  std::vector<std::byte> all;
  for (const iovec& part : parts) {
    const auto* from = static_cast<const std::byte*>(part.iov_base);
    const size_t now = std::min(part.iov_len, bytes - all.size());
    all.insert(all.end(), from, from + now);
  }
  for (Bytes rest(all); rest.size() >= sizeof(fanotify_abi::Metadata);) {
    const auto event = *ByteReader(rest).Read<fanotify_abi::Metadata>();
    if (event.event_len < sizeof event || event.event_len > rest.size()) return;
    if (event.fd >= 0) Real().close(event.fd);
    // FAN_REPORT_PIDFD, which the RFC's flag is today, adds one record.
    ByteReader record(rest.subspan(sizeof event, event.event_len - sizeof event));
    const auto header = record.Read<fanotify_abi::InfoHeader>();
    const auto pidfd = record.Read<int32_t>();
    if (header && pidfd && header->type == fanotify_abi::kInfoTypePidfd && *pidfd >= 0) Real().close(*pidfd);
    rest = rest.subspan(event.event_len);
  }
}

}  // namespace

RfcGroup::~RfcGroup() { fsherald_monitor_close(monitor_); }

int RfcGroup::Mark(unsigned flags, uint64_t mask, int dirfd, const char* path) {
  if (const int code = CheckRfcMark(init_flags_, flags, mask); code != 0) return Fail(code);
  const SignalsBlocked blocked;  // by the monitor's threads too, which inherit it
  const std::lock_guard lock(monitor_mutex_);
  if ((flags & FAN_MARK_FLUSH) != 0) {
    if ((flags & FAN_MARK_FILESYSTEM) == 0) return 0;  // those of other kinds: there are none
    marked_.clear();
    const int code = monitor_ == nullptr ? 0 : fsherald_mark_flush(monitor_);
    return code < 0 && code != -ECONNRESET ? Fail(-code) : 0;
  }
  Fd object;
  if (path != nullptr) {
    object = OpenObject(flags, dirfd, path);
    if (!object) return -1;
  } else if (fcntl(dirfd, F_GETFD) < 0) {
    return -1;
  }
  return MarkDescriptor(path != nullptr ? object.get() : dirfd, (flags & FAN_MARK_REMOVE) != 0);
}

int RfcGroup::MarkDescriptor(int fd, bool remove) {
  const fsherald_mark_op op = remove ? FSHERALD_MARK_REMOVE : FSHERALD_MARK_ADD;
  int code = monitor_ == nullptr ? 0 : fsherald_mark_fd(monitor_, op, fd);
  if (code == -ECONNRESET) ReadMonitor();  // to its end
  if (monitor_ == nullptr) {
    if (remove) return marked_.erase(DeviceOf(fd)) > 0 ? 0 : Fail(ENOENT);
    if (code = OpenAnother(); code < 0) return Fail(-code);
    code = fsherald_mark_fd(monitor_, op, fd);
  }
  if (code < 0) return Fail(-code);
  if (remove) marked_.erase(DeviceOf(fd));
  else marked_[DeviceOf(fd)] = PathOf(fd);
  return 0;
}

int RfcGroup::OpenMonitor() {
  if (!queue_) queue_ = std::make_unique<EventQueue>();
  const fsherald_monitor_options options{
      .size = sizeof options, .flags = 0, .reserved = 0, .name = nullptr, .runtime_dir = nullptr};
  return fsherald_monitor_open(&monitor_, &options);
}

int RfcGroup::TakePlaceOf(int fd) {
  const int descriptor_flags = fcntl(fd, F_GETFD);
  const int status_flags = fcntl(fd, F_GETFL);
  if (descriptor_flags < 0 || status_flags < 0) return -1;
  if (!is_inherited_) KeepBefore(fd);
  Fd events(eventfd(0, EFD_SEMAPHORE | EFD_CLOEXEC | ((status_flags & O_NONBLOCK) != 0 ? EFD_NONBLOCK : 0)));
  if (!events) return -1;
  if (Real().dup3(events.get(), fd, (descriptor_flags & FD_CLOEXEC) != 0 ? O_CLOEXEC : 0) < 0) return -1;
  events_ = std::move(events);
  return 0;
}

void RfcGroup::KeepBefore(int fd) {
  Fd before(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  Fd bell(memfd_create("fsherald-rfc", MFD_CLOEXEC));
  if (!before || !bell) return;
  if (Real().fanotify_mark(before.get(), FAN_MARK_ADD, FAN_OPEN, bell.get(), nullptr) != 0) return;
  before_ = std::move(before);
  bell_ = std::move(bell);
}

// Who waits in read(2) and is woken finds that he is not to wait. It is emptied again: an event that waits already would swallow
// the next one of its kind, and that would wake nobody.
void RfcGroup::WakeThoseBefore() const {
  const int code = errno;
  if (!before_ || fcntl(before_.get(), F_SETFL, O_NONBLOCK) != 0) return;
  Fd(open(("/proc/self/fd/" + std::to_string(bell_.get())).c_str(), O_RDONLY | O_CLOEXEC)).Reset();
  alignas(8) std::byte events[256];
  const iovec part{events, sizeof events};
  const ssize_t taken = Real().read(before_.get(), events, sizeof events);
  if (taken > 0) CloseWhatEventsBring({&part, 1}, static_cast<size_t>(taken));
  errno = code;
}

// Less than an event: it was the eventfd already, and a count of it.
void RfcGroup::TakeBack(std::span<const iovec> parts, size_t bytes) {
  if (bytes < sizeof(fanotify_abi::Metadata)) CountOne();
  else CloseWhatEventsBring(parts, bytes);
}

ssize_t RfcGroup::Read(std::span<const iovec> parts) {
  uint64_t claimed = 0;
  if (Real().read(events_.get(), &claimed, sizeof claimed) < 0) return -1;
  Scatter to(parts);
  const size_t room = to.left();
  const SignalsBlocked blocked;
  const std::lock_guard lock(queue_mutex_);
  // Each claim is one event: what nobody has claimed is what the eventfd counts.
  std::optional<Bytes> event = queue_->Front();
  if (!event) return Fail(EAGAIN);  // somebody has written to the descriptor
  if (event->size() > to.left()) {
    CountOne();
    return Fail(EINVAL);
  }
  do {
    to.Write(*event);
    queue_->Pop();
    event = queue_->Front();
  } while (event && event->size() <= to.left() && ClaimOneMore());
  return static_cast<ssize_t>(room - to.left());
}

bool RfcGroup::ClaimOneMore() {
  // Without waiting, whatever the descriptor's own flags are: other readers may have claimed the rest.
  uint64_t claimed = 0;
  const iovec part{&claimed, sizeof claimed};
  const int code = errno;
  const bool one = preadv2(events_.get(), &part, 1, -1, RWF_NOWAIT) == sizeof claimed;
  errno = code;
  return one;
}

void RfcGroup::CountOne() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(events_.get(), &one, sizeof one);
  WakeThoseBefore();
}

bool RfcGroup::Is(int fd) const {
  const pid_t self = getpid();
  const long different = syscall(SYS_kcmp, self, self, KCMP_FILE, fd, events_.get());
  if (different >= 0) return different == 0;
  return errno != EBADF;  // a kernel without kcmp(2)
}

RfcGroup::Wait RfcGroup::NextWait() const {
  const std::lock_guard lock(monitor_mutex_);
  if (monitor_ != nullptr) return {.fd = fsherald_monitor_fd(monitor_), .timeout_ms = -1};
  return {.fd = -1, .timeout_ms = std::min(kFirstRetryMs << std::min(failed_attempts_, 10), kLastRetryMs)};
}

void RfcGroup::Pump() {
  const std::lock_guard lock(monitor_mutex_);
  if (monitor_ != nullptr) ReadMonitor();
  if (monitor_ == nullptr && OpenAnother() < 0 && ++failed_attempts_ == kAttemptsUntilTold) TellLoss();
}

// All that there is; closes it where it has come to its end: the daemon is gone.
void RfcGroup::ReadMonitor() {
  alignas(8) std::byte stream[16 * FSHERALD_MAX_NOTIFICATION_BYTES];
  ssize_t bytes = 0;
  while ((bytes = fsherald_monitor_read(monitor_, stream, sizeof stream)) > 0) {
    Take(Bytes(stream, static_cast<size_t>(bytes)));
  }
  if (bytes == -EAGAIN || bytes == 0) return;
  fsherald_monitor_close(monitor_);
  monitor_ = nullptr;
  failed_attempts_ = 0;
}

// The first, or one in the place of a daemon's that has gone: what happened in between is lost.
int RfcGroup::OpenAnother() {
  if (const int code = OpenMonitor(); code < 0) {
    monitor_ = nullptr;  // a daemon that is just ending may still take a connection
    return code;
  }
  for (const auto& [device, path] : marked_) {
    // One that has been unmounted meanwhile has nothing to tell.
    [[maybe_unused]] const int code = fsherald_mark_path(monitor_, FSHERALD_MARK_ADD, path.c_str());
  }
  if (events_) TellLoss();
  return 0;
}

void RfcGroup::Take(Bytes stream) {
  std::string event;
  while (const auto told = ParseStream(stream)) {
    event.clear();
    AppendRfc(told->notification, event);
    if (!event.empty()) Push(std::as_bytes(std::span(event)));
    stream = stream.subspan(told->bytes);
  }
}

void RfcGroup::TellLoss() {
  Notification gap;
  gap.kind = Kind::kGap;
  gap.gap.emplace();
  std::string event;
  AppendRfc(gap, event);
  Push(std::as_bytes(std::span(event)));
}

void RfcGroup::Push(Bytes event) {
  const std::lock_guard lock(queue_mutex_);
  const EventQueue::Pushed pushed = queue_->Push(event);
  if (pushed.whole || pushed.overflow_is_new) CountOne();
}

}  // namespace fsherald::preload
