// SPDX-License-Identifier: MIT
// Finds the path of a damaged file. Three ways, in this order: the handle (open_by_handle_at), the open files of the
// task that met the error, a walk that libext2fs makes read-only on the block device. The first two take microseconds
// and answer at once; the walk runs on a thread of its own, bounded in time. Where an error names a place on the device and
// no file, the thread first asks whose that is (by_sector.h). Where an inode's number is of a subvolume (btrfs), all of this
// would find another's: there the file system itself is asked (by_ioctl.h).
//
// Promise 5 (never make it worse): a look-up by handle can make the kernel load the damaged inode, and so report the
// same error again. It is not tried for an inode that cannot be loaded, and never twice for the same inode within
// kRetryAfter. Nothing is kept open: a mount is entered for the microseconds of one look-up, and only if it is still
// the same file system (statfs f_fsid). A walk reads the device, and so can meet a bad sector; it gives up at the
// fourth. A place is looked for once within kRetryAfter, and is not read itself; where that was given up, no other place of
// that file system is looked for within kRetryAfter either.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "object/path_query.h"

namespace fsherald {

// One thread calls; one thread of its own walks.
class PathFinder {
 public:
  struct Options {
    std::string proc_root = "/proc";
    std::string dev_root = "/dev";
    std::chrono::milliseconds walk_limit{1000};  // for one walk
    size_t max_waiting = 64;                     // walks queued, or done and not collected, at the most
    std::function<std::chrono::steady_clock::time_point()> now = &std::chrono::steady_clock::now;  // for kRetryAfter
  };
  static constexpr std::chrono::seconds kRetryAfter{10};  // how long an answer, also "not found", is kept

  static Result<std::unique_ptr<PathFinder>> Start(Options options);
  ~PathFinder();  // waits for a walk in progress: walk_limit at the most

  // Answers from the cache, by handle, or by the task's open files. Empty: a walk could still find it.
  std::optional<FoundPath> FindNow(const PathQuery& query);

  // Queues a walk; its answer comes by Collect with this ticket. Queries for the same inode are answered by one walk,
  // and those within kRetryAfter of it at once. False: the queue is full, the file system has no walk, or no device to
  // read.
  bool Submit(const PathQuery& query, uint64_t ticket);

  // poll(2) says POLLIN when Collect has something.
  int event_fd() const;
  struct Answer {
    uint64_t ticket = 0;
    FoundPath found;
  };
  std::vector<Answer> Collect();

 private:
  class Impl;
  explicit PathFinder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fsherald
