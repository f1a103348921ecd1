// SPDX-License-Identifier: MIT
// Poller: several descriptors and one alarm behind one descriptor, so that a module with many sources can be waited for
// like a file.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace fsherald {

class Poller {
 public:
  static Result<Poller> Open();

  // Waits for `events` (EPOLLIN, EPOLLPRI, ...) of `fd`, which stays the caller's; Remove before it is closed. Adding a
  // descriptor again changes nothing.
  Status Add(int fd, uint32_t events);
  void Remove(int fd);

  // Wakes at a moment of boot time; empty: not at all. A system call only where the moment changes.
  void SetAlarm(std::optional<uint64_t> boottime_ns);

  // poll(2) says POLLIN when any of them is ready, or the alarm has come.
  int fd() const { return epoll_.get(); }

  // The descriptors that are ready now; the alarm is not among them, and is over when it has come.
  std::vector<int> Ready();

 private:
  Fd epoll_;
  Fd timer_;
  std::optional<uint64_t> alarm_;
  std::map<int, uint32_t> added_;
};

}  // namespace fsherald
