// SPDX-License-Identifier: MIT
// RfcGroup: a group as the RFC has it, behind the program's own descriptor. A fsherald_monitor gives it notifications;
// it keeps them as the RFC's events.
//
// The program's descriptor is an eventfd that counts the events which no reader has claimed (EFD_SEMAPHORE). So poll,
// select and epoll work by themselves, and a read first takes one from the count, by read(2) itself: it waits, does not
// wait (O_NONBLOCK, by fcntl too) and is interrupted just as the kernel does it.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "preload/event_queue.h"
#include "record/notification.h"

struct fsherald_monitor;

namespace fsherald::preload {

// Any thread. Functions that stand for a system call return as it does: 0 or more, or -1 with errno.
class RfcGroup {
 public:
  // `is_inherited`: another process may have the kernel's group too; no thread of this one has waited for it yet.
  explicit RfcGroup(unsigned init_flags, bool is_inherited = false)
      : init_flags_(init_flags), is_inherited_(is_inherited) {}
  ~RfcGroup();
  RfcGroup(const RfcGroup&) = delete;
  RfcGroup& operator=(const RfcGroup&) = delete;

  unsigned init_flags() const { return init_flags_; }

  // fanotify_mark.
  int Mark(unsigned flags, uint64_t mask, int dirfd, const char* path);

  // Held from the first mark until the descriptor is this group.
  std::mutex& first_mark() { return first_mark_; }

  // Puts the eventfd in the place of the kernel's group `fd`, whose flags it takes; once, after the first mark.
  int TakePlaceOf(int fd);

  // Once all know that the descriptor is this group: wakes the threads that have waited for what it was before, since before the first mark: those that read return,
  // with EAGAIN or an event that is none of the program's; those that poll look at the descriptor again.
  void WakeThoseBefore() const;
  // What such a reader has read.
  void TakeBack(std::span<const iovec> parts, size_t bytes);

  // read and readv: whole events, as many as fit.
  ssize_t Read(std::span<const iovec> parts);

  // Whether `fd` still is this group: who closes a descriptor unseen (fclose, close_range) leaves its number to others.
  bool Is(int fd) const;

  // What is to be waited for, and for how long (-1: without a limit), before Pump has something to do. No descriptor:
  // the daemon has gone, and Pump tries to open another monitor.
  struct Wait {
    int fd = -1;
    int timeout_ms = -1;
  };
  Wait NextWait() const;
  void Pump();

 private:
  void KeepBefore(int fd);
  int OpenMonitor();
  int MarkDescriptor(int fd, bool remove);
  int OpenAnother();
  void ReadMonitor();
  void Take(Bytes stream);
  void TellLoss();
  void Push(Bytes event);
  void CountOne();
  bool ClaimOneMore();

  const unsigned init_flags_;
  std::mutex first_mark_;

  mutable std::mutex monitor_mutex_;  // held while the monitor is asked; never together with a wait
  fsherald_monitor* monitor_ = nullptr;
  int failed_attempts_ = 0;                     // to open another, one behind the other
  std::map<DeviceNumber, std::string> marked_;  // by which path, for a new monitor after the daemon has gone

  const bool is_inherited_;
  Fd before_;  // the kernel's group that the descriptor was; empty: nobody can be waiting for it
  Fd bell_;    // a memfd: that group has an event each time that it is opened

  std::mutex queue_mutex_;
  std::unique_ptr<EventQueue> queue_;
  Fd events_;  // the eventfd, of our own: a reader that waits keeps it
};

}  // namespace fsherald::preload
