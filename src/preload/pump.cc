// SPDX-License-Identifier: MIT
#include "preload/pump.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "preload/signals_blocked.h"

namespace fsherald::preload {
namespace {

void Wake(int fd) {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(fd, &one, sizeof one);
}

void Drain(int fd) {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t taken = read(fd, &count, sizeof count);
}

}  // namespace

int Pump::Add(const std::shared_ptr<RfcGroup>& group) {
  const std::lock_guard lock(mutex_);
  if (!thread_.joinable()) {
    if (const int code = Start(); code != 0) return code;
  }
  groups_.push_back(group);
  Wake(wake_.get());
  return 0;
}

int Pump::Start() {
  if (!wake_) wake_ = Fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_) return errno;
  const SignalsBlocked blocked;  // the thread inherits it: the program's signals are the program's threads'
  try {
    thread_ = std::thread([this] { Run(); });
  } catch (const std::system_error& error) {
    return error.code().value();
  }
  pthread_setname_np(thread_.native_handle(), "fsherald-rfc");
  return 0;
}

void Pump::Stop() {
  {
    const std::lock_guard lock(mutex_);
    if (!thread_.joinable()) return;
    stop_ = true;
    Wake(wake_.get());
  }
  thread_.join();
}

std::vector<std::weak_ptr<RfcGroup>> Pump::Groups() {
  const std::lock_guard lock(mutex_);
  std::erase_if(groups_, [](const auto& group) { return group.expired(); });
  return stop_ ? std::vector<std::weak_ptr<RfcGroup>>() : groups_;
}

// poll(2) and not epoll: a child of fork(2) may keep the monitors' descriptors, and so what epoll knows of them, alive.
void Pump::Run() {
  for (;;) {
    const std::vector<std::weak_ptr<RfcGroup>> groups = Groups();
    std::vector<pollfd> fds{{.fd = wake_.get(), .events = POLLIN, .revents = 0}};
    int timeout = -1;
    for (const auto& weak : groups) {
      const std::shared_ptr<RfcGroup> group = weak.lock();
      const RfcGroup::Wait wait = group ? group->NextWait() : RfcGroup::Wait{};
      fds.push_back({.fd = wait.fd, .events = POLLIN, .revents = 0});
      if (wait.timeout_ms >= 0 && (timeout < 0 || wait.timeout_ms < timeout)) timeout = wait.timeout_ms;
    }
    if (poll(fds.data(), fds.size(), timeout) < 0 && errno != EINTR) return;
    if (fds[0].revents != 0) Drain(wake_.get());
    {
      const std::lock_guard lock(mutex_);
      if (stop_) return;
    }
    for (size_t i = 0; i < groups.size(); ++i) {
      if (fds[i + 1].revents == 0 && fds[i + 1].fd >= 0) continue;
      if (const std::shared_ptr<RfcGroup> group = groups[i].lock()) group->Pump();
    }
  }
}

}  // namespace fsherald::preload
