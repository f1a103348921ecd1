// SPDX-License-Identifier: MIT
// Feed: where `watch` has its notifications from: a daemon, or the kernel in this process.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "record/notification.h"

namespace fsherald {

// One thread.
class Feed {
 public:
  struct Options {
    std::vector<std::string> paths;  // only the file systems that these lie on; empty: all
    SourceSet without;               // sources that are not to be used; then no daemon is asked
    bool xfs_health_monitor = false;  // XFS's own is to be used; then no daemon is asked
    bool no_daemon = false;
    std::optional<uint64_t> since;  // first what the daemon has told above this number; not with any of the above
    std::string runtime_dir;  // of the daemon
  };
  using Handler = std::function<void(const Notification&)>;

  // A daemon's where one runs and lets us; with `since` no other's. Errors: as Monitor::Open; ECONNREFUSED: `since`, and no daemon.
  static Result<std::unique_ptr<Feed>> Open(const Options& options, Handler handler);
  virtual ~Feed() = default;

  // poll(2) says POLLIN when Pump has something to do.
  virtual int fd() const = 0;
  // Hands over what there is. Never waits. Errors: ECONNRESET: the daemon is gone.
  virtual Status Pump() = 0;
  // Hands over what still waits for anything; a second at the most.
  virtual void Finish() = 0;
  // What is watched, by whom, and what cannot be seen, in lines.
  virtual std::string Words() const = 0;
  // Records so far that were no valid ones.
  virtual uint64_t refused() const = 0;
};

}  // namespace fsherald
