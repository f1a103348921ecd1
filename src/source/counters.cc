// SPDX-License-Identifier: MIT
#include "source/counters.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace fsherald {
namespace {

// Reads the counter, which ends the event: the next rise raises it again. After the unmount it fails with ENODEV, for ever.
Result<uint64_t> ReadEvent(const Fd& event, const std::string& device) {
  std::array<char, 32> buffer;
  const ssize_t size = ::pread(event.get(), buffer.data(), buffer.size(), 0);
  if (size < 0) return ErrnoError("read the error counter of", device);
  uint64_t errors = 0;
  if (std::from_chars(buffer.data(), buffer.data() + size, errors).ec != std::errc())
    return Error{"the error counter of " + device + " holds no number", 0};
  return errors;
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
  std::string path;
  if (module.counter_event_path != nullptr) path = module.counter_event_path(sysfs_root_, device);
  if (path.empty()) return Error{std::string(module.type) + " has no counter that tells when it rises", 0};
  Fd event(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!event) return ErrnoError("open", path);
  if (auto armed = ReadEvent(event, device); !armed) return armed.error();
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

Result<CounterSource::Watched*> CounterSource::Find(FilesystemKey key) {
  auto watched = std::ranges::find(watched_, key, &Watched::key);
  if (watched == watched_.end()) return ErrnoError("read the error counter of", "an unknown file system", ENOENT);
  if (!watched->event) return ErrnoError("read the error counter of", watched->device, ENODEV);
  return &*watched;
}

// The descriptor is of this mounting and no other's: no need to compare it with what its path leads to.
Result<uint64_t> CounterSource::ReadErrors(FilesystemKey key) {
  Result<Watched*> watched = Find(key);
  if (!watched) return watched.error();
  Result<uint64_t> errors = ReadEvent((*watched)->event, (*watched)->device);
  if (!errors) (*watched)->event.Reset();
  return errors;
}

Result<CounterReading> CounterSource::Read(FilesystemKey key) {
  Result<Watched*> found = Find(key);
  if (!found) return found.error();
  Watched& watched = **found;
  Result<CounterReading> reading = watched.module->read_counters(sysfs_root_, watched.device);
  std::string path = watched.module->counter_event_path(sysfs_root_, watched.device);
  if (IsSameFile(watched.event, path)) return reading;
  watched.event.Reset();
  return ErrnoError("read the error counter of", watched.device, ENODEV);
}

}  // namespace fsherald
