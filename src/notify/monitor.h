// SPDX-License-Identifier: MIT
// Monitor: everything from the kernel to a notification in one process: sources, mount table, join, look-up of paths.
//
//   auto monitor = Monitor::Open({}, [&](const Notification& n, FilesystemKey) { sink->Add(n); });
//   for (;;) { poll(monitor->fd()); monitor->Pump(); sink->Flush(); }
//
// It never polls by itself: fd() is silent for as long as nothing happens.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/kept_fds.h"
#include "base/result.h"
#include "filesystem/filesystem.h"
#include "join/join.h"
#include "notify/observation.h"
#include "notify/saved_state.h"
#include "notify/sources.h"
#include "notify/watched_filesystem.h"
#include "record/notification.h"
#include "source/raw_reads.h"

namespace fsherald {

// One thread.
class Monitor {
 public:
  struct Options {
    std::vector<std::string> paths;                // only the file systems that these lie on; empty: all
    Observer observed = {};                        // may be empty
    std::function<void(FilesystemKey)> forgotten;  // may be empty; called when nothing more can come of a file system
    SourceSet without;                             // sources that are not to be used
    bool xfs_health_monitor = false;               // a file system has but one: only where it is asked for
    // What an earlier monitor has left, each of which may be missing: its descriptors, in which the kernel's queues are, its
    // state, and the memory that it read into. With `reads`, what was taken in is given back by Release alone.
    KeptFds* kept = nullptr;
    std::optional<SavedState> saved = {};
    RawReads* reads = nullptr;
    std::string proc_root = "/proc";
    std::string sys_root = "/sys";
    std::string kmsg_path = "/dev/kmsg";
    std::string mounts_of = "self";  // whose mount table is the machine's: MountTable::Options
  };
  // The key says which file system it is of, for as long as the monitor lives; 0: of no single one.
  using Handler = std::function<void(const Notification&, FilesystemKey)>;

  // Returns when everything is armed: what happens from here on is told. Errors: code EPERM and a sentence where no
  // source may be used, else what is wrong with a path.
  static Result<std::unique_ptr<Monitor>> Open(Options options, Handler handler);
  ~Monitor();

  // poll(2) says POLLIN when Pump has something to do.
  int fd() const;

  // Takes what there is and hands what is complete to the handler. Never waits.
  Status Pump();

  // Hands over what still waits for anything; waits a second at the most for look-ups of paths. Call it once, at the end.
  void Finish();

  // What another monitor would need to go on from here, if nothing more were told by this one. `host`: of its notifications.
  SavedState Save(const Host& host);
  // What was taken in before the last Save is safe: the kernel gets its room back.
  void Release();
  // What to keep for a monitor that takes over.
  std::vector<FdToKeep> descriptors() const;
  size_t descriptor_count() const;  // they only become more

  // The key of the mounted file system with this device number, if any source covers it.
  std::optional<FilesystemKey> KeyOf(DeviceNumber dev);

  std::vector<SourceReport> sources() const;
  std::vector<WatchedFilesystem> watched() const;
  // Records and lines so far that were no valid ones.
  uint64_t refused() const;

 private:
  class Impl;
  explicit Monitor(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fsherald
