// SPDX-License-Identifier: MIT
#include "base/poller.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <array>

namespace fsherald {

Result<Poller> Poller::Open() {
  Poller poller;
  poller.epoll_.Reset(::epoll_create1(EPOLL_CLOEXEC));
  if (!poller.epoll_) return ErrnoError("epoll_create", "");
  poller.timer_.Reset(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!poller.timer_) return ErrnoError("timerfd_create", "");
  if (Status added = poller.Add(poller.timer_.get(), EPOLLIN); !added) return added.error();
  return poller;
}

Status Poller::Add(int fd, uint32_t events) {
  if (!added_.emplace(fd, events).second) return {};
  epoll_event event{.events = events, .data = {.fd = fd}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return {};
  Error error = ErrnoError("wait for", "descriptor " + std::to_string(fd));
  added_.erase(fd);
  return error;
}

void Poller::Remove(int fd) {
  if (added_.erase(fd) > 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void Poller::SetAlarm(std::optional<uint64_t> boottime_ns) {
  if (boottime_ns == alarm_) return;
  alarm_ = boottime_ns;
  itimerspec when{};
  if (boottime_ns) {
    uint64_t moment = std::max<uint64_t>(*boottime_ns, 1);  // zero would disarm it
    when.it_value.tv_sec = static_cast<time_t>(moment / 1'000'000'000);
    when.it_value.tv_nsec = static_cast<long>(moment % 1'000'000'000);
  }
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

std::vector<int> Poller::Ready() {
  std::vector<int> ready;
  std::array<epoll_event, 64> events;
  int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) {
    if (events[i].data.fd != timer_.get()) {
      ready.push_back(events[i].data.fd);
      continue;
    }
    uint64_t expirations;
    [[maybe_unused]] ssize_t size = ::read(timer_.get(), &expirations, sizeof expirations);
    alarm_.reset();
  }
  return ready;
}

}  // namespace fsherald
