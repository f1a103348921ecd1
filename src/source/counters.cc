// SPDX-License-Identifier: MIT
#include "source/counters.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

namespace fsherald {
namespace {

// Ends the event: the next rise raises it again. After the unmount it fails with ENODEV, for ever.
Status Rearm(const Fd& event, const std::string& device) {
  std::array<char, 32> buffer;
  if (::pread(event.get(), buffer.data(), buffer.size(), 0) < 0) return ErrnoError("read the error counter of", device);
  return {};
}

// Whether the path still leads to the file that was opened: sysfs gives no inode number twice. (Another pread would tell
// too, but end an event that nobody has looked at.)
bool IsSameFile(const Fd& event, const std::string& path) {
  struct stat opened;
  struct stat found;
  return ::fstat(event.get(), &opened) == 0 && ::stat(path.c_str(), &found) == 0 && opened.st_ino == found.st_ino;
}

}  // namespace

Status CounterSource::Add(FilesystemKey key, const FilesystemModule& module, const std::string& device) {
  std::string path = module.counter_event_path(sysfs_root_, device);
  if (path.empty()) return Error{std::string(module.type) + " has no counter that tells when it rises", 0};
  Fd event(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!event) return ErrnoError("open", path);
  if (Status armed = Rearm(event, device); !armed) return armed;
  watched_.push_back({key, &module, device, std::move(event)});
  return {};
}

void CounterSource::Forget(FilesystemKey key) {
  std::erase_if(watched_, [&](const Watched& watched) { return watched.key == key; });
}

std::vector<CounterSource::Event> CounterSource::events() const {
  std::vector<Event> events;
  for (const Watched& watched : watched_) {
    if (watched.event) events.push_back({watched.event.get(), watched.key});
  }
  return events;
}

Result<CounterReading> CounterSource::Read(FilesystemKey key) {
  auto watched = std::ranges::find(watched_, key, &Watched::key);
  if (watched == watched_.end()) return ErrnoError("read the error counter of", "an unknown file system", ENOENT);
  if (!watched->event) return ErrnoError("read the error counter of", watched->device, ENODEV);
  Status armed = Rearm(watched->event, watched->device);
  Result<CounterReading> reading = watched->module->read_counters(sysfs_root_, watched->device);
  std::string path = watched->module->counter_event_path(sysfs_root_, watched->device);
  if (armed && IsSameFile(watched->event, path)) return reading;
  watched->event.Reset();
  return ErrnoError("read the error counter of", watched->device, ENODEV);
}

}  // namespace fsherald
