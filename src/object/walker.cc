// SPDX-License-Identifier: MIT
#include "object/walker.h"

#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <utility>

#include "object/by_sector.h"
#include "object/mount_entry.h"

namespace fsherald {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxTickets = 4096;  // of one walk

// Turns a path from the file system's root into one below the mount, which may show only a directory of it.
std::optional<std::string> ToldPath(const Walker::Walk& walk, const MountEntry& mount, std::string path,
                                    Clock::time_point deadline) {
  if (walk.query.access_is_root) return JoinPath(ToldRoot(walk.query), path);
  const auto root = walk.query.module->find_path(walk.device_path, {mount.root_inode(), false}, deadline);
  if (!root || !root->path) return std::nullopt;
  const auto relative = PartBelow('/' + path, '/' + *root->path);
  if (!relative) return std::nullopt;
  return JoinPath(ToldRoot(walk.query), *relative);
}

void FindByWalk(Walker::Walk& walk, Clock::time_point deadline) {
  // To see whether it is still the same inode; one that cannot be loaded may lie on a sector that cannot be read.
  const bool reads_inode = walk.query.loadable || !walk.query.generation;
  WalkTarget target(walk.query.inode, reads_inode);
  target.unreadable = walk.query.place;
  auto result = walk.query.module->find_path(walk.device_path, target, deadline);
  // Only what is still mounted is known to be what the device holds: another could have been mounted from it meanwhile.
  const auto mount = MountEntry::Open(walk.query.access_path, walk.query.filesystem);
  if (!result || !mount) return;
  walk.found.generation = result->generation;
  if (result->path) walk.found.path = ToldPath(walk, *mount, *std::move(result->path), deadline);
  if (walk.found.path) walk.found.source = PathSource::kWalk;
}

// Whose the place is, then the path of that file as if it had been asked for.
void FindOwner(Walker::Walk& walk, const std::string& proc_root, Clock::time_point deadline) {
  FoundOwner owner = FindBySector(walk.query, walk.device_path, proc_root, deadline);
  walk.found = owner.found;
  walk.complete = owner.complete;
  if (!owner.found.inode || owner.found.path || walk.query.module->find_path == nullptr) return;
  const PathQuery asked = walk.query;
  walk.query.inode = *owner.found.inode;
  FindByWalk(walk, deadline);
  walk.query = asked;
  // Another file by now.
  if (walk.found.generation != owner.found.generation) walk.found = owner.found;
}

bool IsPossible(const PathQuery& query) {
  if (query.module == nullptr) return false;
  return query.place ? CanFindBySector(query) : query.module->find_path != nullptr;
}

}  // namespace

std::optional<std::string> DevicePath(const FilesystemInfo& filesystem, const std::string& dev_root) {
  std::vector<std::string> candidates;
  if (filesystem.dev) candidates.push_back(dev_root + "/block/" + ToString(*filesystem.dev));
  if (!filesystem.device.empty()) {
    std::string name = filesystem.device;
    std::replace(name.begin(), name.end(), '!', '/');  // the kernel's spelling of "cciss/c0d0"
    candidates.push_back(dev_root + '/' + name);
  }
  for (const std::string& path : candidates) {
    struct stat node {};
    if (::stat(path.c_str(), &node) != 0) continue;
    if (!filesystem.dev) return path;
    const dev_t wanted = ::makedev(filesystem.dev->major, filesystem.dev->minor);
    if (S_ISBLK(node.st_mode) && node.st_rdev == wanted) return path;
  }
  return std::nullopt;
}

Walker::Walker(int event_fd, std::string proc_root, std::string dev_root, std::chrono::milliseconds limit,
               size_t max_waiting)
    : event_fd_(event_fd),
      proc_root_(std::move(proc_root)),
      dev_root_(std::move(dev_root)),
      limit_(limit),
      max_waiting_(max_waiting),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

bool Walker::Submit(const PathQuery& query, uint64_t ticket) {
  const std::lock_guard lock(mutex_);
  Walk* walk = Find(query);
  if (walk == nullptr) {
    if (!IsPossible(query)) return false;
    if (waiting_.size() + running_.size() + done_.size() >= max_waiting_) return false;
    auto device_path = DevicePath(query.filesystem, dev_root_);
    if (!device_path && (!query.place || ReadsDevice(query))) return false;
    walk = &waiting_.emplace_back(Walk{query, std::move(device_path).value_or(""), {}, true, {}});
    wake_.notify_one();
  }
  if (walk->tickets.size() >= kMaxTickets) return false;
  walk->tickets.push_back(Ticket{ticket, query.generation});
  return true;
}

std::list<Walker::Walk> Walker::Collect() {
  const std::lock_guard lock(mutex_);
  return std::exchange(done_, {});
}

void Walker::Run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (wake_.wait(lock, stop, [this] { return !waiting_.empty(); }) && !stop.stop_requested()) {
    running_.splice(running_.end(), waiting_, waiting_.begin());
    Walk& walk = running_.front();
    lock.unlock();
    if (walk.query.place) FindOwner(walk, proc_root_, Clock::now() + limit_);
    else FindByWalk(walk, Clock::now() + limit_);
    lock.lock();
    done_.splice(done_.end(), running_);
    ::eventfd_write(event_fd_, 1);
  }
}

Walker::Walk* Walker::Find(const PathQuery& query) {
  for (std::list<Walk>* walks : {&waiting_, &running_, &done_}) {
    for (Walk& walk : *walks) {
      if (walk.query.filesystem_key == query.filesystem_key && walk.query.inode == query.inode &&
          walk.query.place == query.place && walk.query.place_on == query.place_on)
        return &walk;
    }
  }
  return nullptr;
}

}  // namespace fsherald
