// SPDX-License-Identifier: MIT
#include "daemon/service.h"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include <algorithm>
#include <string>

#include "base/text.h"

namespace fsherald {
namespace {

// That the manager does not hear is its own trouble: it asks again, or ends us.
void Notify(const std::string& message) { (void)::sd_notify(0, message.c_str()); }

// The manager compares it with the moment at which it asked for the reload.
uint64_t MonotonicUs() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1'000;
}

}  // namespace

ServiceManager ServiceManager::FromEnvironment() {
  uint64_t watchdog_us = 0;
  if (::sd_watchdog_enabled(0, &watchdog_us) <= 0) return ServiceManager(std::nullopt);
  // A watchdog of years would overflow, one of microseconds would do nothing but be told.
  constexpr uint64_t kLongestUs = uint64_t{86'400} * 1'000'000;
  return ServiceManager(std::clamp<uint64_t>(watchdog_us, 2'000, kLongestUs) * 1'000 / 2);
}

void ServiceManager::Ready(std::string_view status) const {
  Notify("READY=1\nSTATUS=" + ForTerminal(status));  // on one line, whatever is in it
}

void ServiceManager::Reloading() const { Notify(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", MonotonicUs())); }

void ServiceManager::Stopping() const { Notify("STOPPING=1"); }

int ServiceManager::PatienceMs(uint64_t now_ns) const {
  if (!interval_ns_) return -1;
  return next_ns_ <= now_ns ? 0 : static_cast<int>((next_ns_ - now_ns + 999'999) / 1'000'000);
}

void ServiceManager::Turned(uint64_t now_ns) {
  if (!interval_ns_ || now_ns < next_ns_) return;
  next_ns_ = now_ns + *interval_ns_;
  Notify("WATCHDOG=1");
}

}  // namespace fsherald
