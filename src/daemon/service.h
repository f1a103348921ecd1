// SPDX-License-Identifier: MIT
// ServiceManager: how the daemon tells the service manager that started it how it stands (sd_notify(3)). Where none did, every
// call does nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace fsherald {

class ServiceManager {
 public:
  // What the environment says ($NOTIFY_SOCKET, $WATCHDOG_USEC, $WATCHDOG_PID).
  static ServiceManager FromEnvironment();

  // `status`: one line, for `systemctl status`.
  void Ready(std::string_view status) const;
  void Reloading() const;  // Ready follows
  void Stopping() const;

  // How long the loop may wait at `now_ns` (boot time), in milliseconds as poll(2) takes it, so that Turned comes in time. -1, for
  // ever, where no watchdog was asked for: then an idle daemon is not woken.
  int PatienceMs(uint64_t now_ns) const;
  // The loop has turned: it has done what there was to do, and comes back for more. Tells the watchdog so twice in its time.
  void Turned(uint64_t now_ns);

 private:
  explicit ServiceManager(std::optional<uint64_t> interval_ns) : interval_ns_(interval_ns) {}

  std::optional<uint64_t> interval_ns_;  // half of the watchdog's time
  uint64_t next_ns_ = 0;                 // when it is to be told again
};

}  // namespace fsherald
