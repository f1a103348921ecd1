// SPDX-License-Identifier: MIT
// Broker: joins processes. Notifications come from the kernel (notify/) and from producers, are numbered together, and go to the
// subscribers that marked their file systems.
//
//   auto broker = Broker::Open({});
//   for (;;) { poll(broker->fd()); broker->Pump(); }
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/poller.h"
#include "base/result.h"
#include "daemon/producers.h"
#include "daemon/runtime_dir.h"
#include "daemon/subscribers.h"
#include "daemon/user_filesystems.h"
#include "notify/monitor.h"
#include "notify/numbering.h"

namespace fsherald {

// One thread.
class Broker {
 public:
  struct Options {
    std::string runtime_dir;  // of the two sockets
    SourceSet without;        // sources of the monitor that are not to be used
    bool xfs_health_monitor = false;  // it is to use XFS's
    std::optional<gid_t> report_group;     // who may report, and who subscribe, besides root
    std::optional<gid_t> subscribe_group;
    Host host;
  };

  // Returns when everything is armed and both sockets listen. Errors: as Monitor::Open; another daemon serves this directory.
  static Result<std::unique_ptr<Broker>> Open(Options options);

  // poll(2) says POLLIN when Pump has something to do.
  int fd() const { return poller_.fd(); }
  // Never waits.
  Status Pump();
  // Tells what still waits for anything; waits a second at the most. Call it once, at the end.
  void Finish();

  const Monitor& monitor() const { return *monitor_; }
  const std::string& runtime_dir() const { return runtime_dir_->path(); }
  uint64_t told() const { return numbering_.told(); }
  // Records and requests so far that were no valid ones.
  uint64_t refused() const { return monitor_->refused() + producers_->refused(); }

 private:
  Broker() = default;
  Status OpenMonitor(const Options& options);
  Status OpenSockets(const Options& options);
  void Tell(Notification notification, std::span<const FilesystemKey> keys);
  Result<FilesystemKey> KeyOfDescriptor(int descriptor, pid_t peer);

  Numbering numbering_;
  UserFilesystems user_filesystems_;
  std::optional<RuntimeDir> runtime_dir_;
  std::unique_ptr<Subscribers> subscribers_;  // null until the monitor is armed: nobody can have marked anything yet
  std::unique_ptr<Monitor> monitor_;
  std::unique_ptr<Producers> producers_;
  bool marks_changed_ = false;  // the producers have not been told
  Poller poller_;
};

}  // namespace fsherald
