// SPDX-License-Identifier: MIT
// What takes longer than microseconds, on a thread of its own that sleeps while there is nothing to do: the third way to a
// path, FilesystemModule::find_path, and the way from a place on the device to a file (by_sector.h).
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "object/path_query.h"

namespace fsherald {

// One thread calls. Invariants: a walk is in one of the three lists; `tickets` is guarded by mutex_; the rest of a walk
// belongs to the walking thread from the moment it enters running_ until it enters done_.
class Walker {
 public:
  struct Ticket {
    uint64_t number = 0;
    std::optional<uint32_t> generation;  // as its query had it
  };
  struct Walk {
    PathQuery query;  // the first one
    std::string device_path;
    FoundPath found;
    bool complete = true;  // of a look-up by sector, see FoundOwner
    std::vector<Ticket> tickets;
  };

  // Adds to `event_fd`, an eventfd that must outlive it, when a walk is done.
  Walker(int event_fd, std::string proc_root, std::string dev_root, std::chrono::milliseconds limit,
         size_t max_waiting);

  // Queues a walk, or adds the ticket to the one for the same inode or place. False: see PathFinder::Submit.
  bool Submit(const PathQuery& query, uint64_t ticket);

  // Those done since the last call.
  std::list<Walk> Collect();

 private:
  void Run(const std::stop_token& stop);
  Walk* Find(const PathQuery& query);

  const int event_fd_;
  const std::string proc_root_;
  const std::string dev_root_;
  const std::chrono::milliseconds limit_;
  const size_t max_waiting_;

  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::list<Walk> waiting_;
  std::list<Walk> running_;  // one at the most
  std::list<Walk> done_;
  std::jthread thread_;  // the last member: ends before the others do
};

// The block device of the file system below `dev_root`. Empty: none there, or not that device any more.
std::optional<std::string> DevicePath(const FilesystemInfo& filesystem, const std::string& dev_root);

}  // namespace fsherald
