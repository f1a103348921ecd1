// SPDX-License-Identifier: MIT
// What libfsherald-fanotify.so does in the place of each call; interpose.cc is their C names. What a program gets by
// it: docs/rfc_programs.md.
//
// A group made with the RFC's flags is the kernel's at first, since the kernel of today knows those flags as others.
// Its first mark tells: FAN_ERROR makes it ours, anything else leaves it the kernel's for good.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>

#include "preload/descriptor_table.h"
#include "preload/pump.h"

struct epoll_event;
struct iovec;

namespace fsherald::preload {

// One for the process. Its functions return as the system calls do that they stand for. Any thread.
class Preload {
 public:
  // Made with the first group that may be the RFC's; null before. A process that has none goes past all this.
  static Preload* Existing() { return existing_.load(std::memory_order_acquire); }
  static int FanotifyInit(unsigned flags, unsigned event_f_flags);

  int FanotifyMark(int fd, unsigned flags, uint64_t mask, int dirfd, const char* path);
  ssize_t Read(int fd, void* buffer, size_t bytes);
  ssize_t ReadChecked(int fd, void* buffer, size_t bytes, size_t buffer_bytes);
  ssize_t Readv(int fd, const iovec* parts, int count);
  int Close(int fd);
  int Dup(int fd);
  int Dup2(int fd, int wanted);
  int Dup3(int fd, int wanted, int flags);
  int EpollCtl(int epoll, int op, int fd, epoll_event* event);

 private:
  Preload();
  static void BeforeFork();
  static void AfterForkInParent();
  static void AfterForkInChild();
  static void AtExit();

  // What the descriptor is to this process; kOther in a child of vfork(2): it has our memory, but not our descriptors.
  DescriptorKind KindOf(int fd) const;
  // The group of a kGroup. Null: the descriptor was closed unseen, and is another's now.
  std::shared_ptr<RfcGroup> LiveGroup(int fd);
  int FirstMark(int fd, unsigned flags, uint64_t mask, int dirfd, const char* path);
  int MakeGroup(int fd, const std::shared_ptr<RfcGroup>& group);
  ssize_t ReadGroup(int fd, DescriptorKind kind, std::span<const iovec> parts, bool& is_ours);
  ssize_t ReadMaybe(int fd, std::span<const iovec> parts);
  ssize_t ReadOurs(int fd, std::span<const iovec> parts, bool& is_ours);
  int Copied(int from, int to);

  // Lives until the process has ended: threads may still read then. Its release store of existing_ is the partner of
  // the acquire load in Existing.
  static Preload& OfProcess();
  static inline constinit std::atomic<Preload*> existing_{nullptr};

  DescriptorTable table_;
  std::atomic<Pump*> pump_;
  std::atomic<pid_t> process_;
};

}  // namespace fsherald::preload
