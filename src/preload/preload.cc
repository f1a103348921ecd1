// SPDX-License-Identifier: MIT
#include "preload/preload.h"

#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>

#include "preload/mark_rules.h"
#include "preload/real.h"
#include "preload/signals_blocked.h"
#include "source/fanotify_abi.h"

namespace fsherald::preload {

Preload& Preload::OfProcess() {
  static Preload& preload = *[] {
    auto* made = new Preload;
    existing_.store(made, std::memory_order_release);
    pthread_atfork(BeforeFork, AfterForkInParent, AfterForkInChild);
    return made;
  }();
  return preload;
}

Preload::Preload() : pump_(new Pump), process_(getpid()) {}

void Preload::BeforeFork() { OfProcess().table_.LockForFork(); }
void Preload::AfterForkInParent() { OfProcess().table_.UnlockAfterFork(); }

void Preload::AfterForkInChild() {
  Preload& preload = OfProcess();
  preload.process_ = getpid();
  preload.pump_ = new Pump;  // the parent's has no thread here
  preload.table_.OrphanAllAfterFork();
}

// Registered late, and so run before the destructors of what the monitors use.
void Preload::AtExit() { OfProcess().pump_.load()->Stop(); }

DescriptorKind Preload::KindOf(int fd) const {
  const DescriptorKind kind = table_.KindOf(fd);
  if (kind == DescriptorKind::kOther || getpid() == process_.load(std::memory_order_relaxed)) [[likely]]
    return kind;
  return DescriptorKind::kOther;
}

std::shared_ptr<RfcGroup> Preload::LiveGroup(int fd) {
  std::shared_ptr<RfcGroup> group = table_.GroupOf(fd);
  if (group && !group->Is(fd)) {
    table_.Remove(fd);
    group.reset();
  }
  return group;
}

int Preload::FanotifyInit(unsigned flags, unsigned event_f_flags) {
  const int fd = Real().fanotify_init(flags, event_f_flags);
  if (fd < 0) return fd;
  if (MayBeRfcGroup(flags)) OfProcess().table_.AddMaybe(fd, std::make_shared<RfcGroup>(flags));
  else if (Preload* preload = Existing()) preload->table_.Remove(fd);  // one of that number may have been closed unseen
  return fd;
}

int Preload::FanotifyMark(int fd, unsigned flags, uint64_t mask, int dirfd, const char* path) {
  switch (KindOf(fd)) {
    case DescriptorKind::kMaybe: return FirstMark(fd, flags, mask, dirfd, path);
    case DescriptorKind::kGroup:
      if (const auto group = LiveGroup(fd)) return group->Mark(flags, mask, dirfd, path);
      break;
    case DescriptorKind::kOrphaned:
    case DescriptorKind::kOther: break;
  }
  return Real().fanotify_mark(fd, flags, mask, dirfd, path);
}

int Preload::FirstMark(int fd, unsigned flags, uint64_t mask, int dirfd, const char* path) {
  if (!IsRfcMark(flags, mask)) {
    if ((flags & FAN_MARK_ADD) != 0) table_.Remove(fd);
    return Real().fanotify_mark(fd, flags, mask, dirfd, path);
  }
  const std::shared_ptr<RfcGroup> group = table_.GroupOf(fd);
  if (!group) return Real().fanotify_mark(fd, flags, mask, dirfd, path);
  // One thread makes it a group; others that mark in the same moment find one.
  const SignalsBlocked blocked;
  const std::lock_guard lock(group->first_mark());
  if (group->Mark(flags, mask, dirfd, path) < 0) return -1;
  return table_.KindOf(fd) == DescriptorKind::kMaybe ? MakeGroup(fd, group) : 0;
}

int Preload::MakeGroup(int fd, const std::shared_ptr<RfcGroup>& group) {
  // The kernel's group lives on for those who wait for it: an epoll would go on to ask it.
  std::map<int, epoll_event> awaited_in = table_.AwaitedIn(fd);
  for (const auto& [epoll, event] : awaited_in) Real().epoll_ctl(epoll, EPOLL_CTL_DEL, fd, nullptr);
  const int code = group->TakePlaceOf(fd) == 0 ? 0 : errno;
  if (code == 0) awaited_in = table_.MakeGroup(fd);  // one more may have come
  for (auto& [epoll, event] : awaited_in) Real().epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  if (code != 0) {
    errno = code;
    return -1;
  }
  group->WakeThoseBefore();
  if (const int no_thread = pump_.load()->Add(group); no_thread != 0) {
    errno = no_thread;
    return -1;
  }
  [[maybe_unused]] static const int registered = std::atexit(AtExit);
  return 0;
}

ssize_t Preload::ReadGroup(int fd, DescriptorKind kind, std::span<const iovec> parts, bool& is_ours) {
  is_ours = true;
  if (kind == DescriptorKind::kOrphaned) {
    errno = EBADF;
    return -1;
  }
  const std::shared_ptr<RfcGroup> group = LiveGroup(fd);
  if (group) return group->Read(parts);
  is_ours = false;
  return -1;
}

// Of a group without marks nothing comes, until it becomes ours while we wait.
ssize_t Preload::ReadMaybe(int fd, std::span<const iovec> parts) {
  const ssize_t taken = Real().readv(fd, parts.data(), static_cast<int>(parts.size()));
  if (KindOf(fd) != DescriptorKind::kGroup || (taken < 0 && errno != EAGAIN && errno != EINVAL)) return taken;
  const std::shared_ptr<RfcGroup> group = LiveGroup(fd);
  if (!group) return taken;
  if (taken > 0) group->TakeBack(parts, static_cast<size_t>(taken));
  return group->Read(parts);
}

ssize_t Preload::ReadOurs(int fd, std::span<const iovec> parts, bool& is_ours) {
  const DescriptorKind kind = KindOf(fd);
  if (kind >= DescriptorKind::kGroup) return ReadGroup(fd, kind, parts, is_ours);
  is_ours = kind == DescriptorKind::kMaybe;
  return is_ours ? ReadMaybe(fd, parts) : -1;
}

ssize_t Preload::Read(int fd, void* buffer, size_t bytes) {
  bool is_ours = false;
  const iovec part{buffer, bytes};
  const ssize_t taken = ReadOurs(fd, {&part, 1}, is_ours);
  return is_ours ? taken : Real().read(fd, buffer, bytes);
}

ssize_t Preload::ReadChecked(int fd, void* buffer, size_t bytes, size_t buffer_bytes) {
  if (bytes > buffer_bytes || KindOf(fd) == DescriptorKind::kOther) {
    return Real().read_chk(fd, buffer, bytes, buffer_bytes);
  }
  return Read(fd, buffer, bytes);
}

ssize_t Preload::Readv(int fd, const iovec* parts, int count) {
  bool is_ours = false;
  ssize_t taken = -1;
  if (count >= 0 && count <= IOV_MAX) taken = ReadOurs(fd, {parts, static_cast<size_t>(count)}, is_ours);
  return is_ours ? taken : Real().readv(fd, parts, count);
}

int Preload::Close(int fd) {
  // It ends here, at the latest: with its last descriptor, once nobody reads it any more.
  const std::shared_ptr<RfcGroup> group = KindOf(fd) == DescriptorKind::kOther ? nullptr : table_.Remove(fd);
  return Real().close(fd);
}

int Preload::Copied(int from, int to) {
  if (to < 0 || from == to) return to;
  const std::shared_ptr<RfcGroup> overwritten = KindOf(to) == DescriptorKind::kOther ? nullptr : table_.Remove(to);
  if (KindOf(from) != DescriptorKind::kGroup) return to;
  if (std::shared_ptr<RfcGroup> group = LiveGroup(from)) table_.AddGroup(to, std::move(group));
  return to;
}

int Preload::Dup(int fd) { return Copied(fd, Real().dup(fd)); }
int Preload::Dup2(int fd, int wanted) { return Copied(fd, Real().dup2(fd, wanted)); }
int Preload::Dup3(int fd, int wanted, int flags) { return Copied(fd, Real().dup3(fd, wanted, flags)); }

int Preload::EpollCtl(int epoll, int op, int fd, epoll_event* event) {
  const int result = Real().epoll_ctl(epoll, op, fd, event);
  if (result == 0 && KindOf(fd) == DescriptorKind::kMaybe) {
    table_.Await(fd, epoll, op == EPOLL_CTL_DEL || event == nullptr ? std::nullopt : std::optional(*event));
  }
  return result;
}

}  // namespace fsherald::preload
