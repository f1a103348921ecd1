// SPDX-License-Identifier: MIT
#include "source/counters.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
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

// sysfs gives no inode number twice. 0: there is no such file.
uint64_t InodeOf(const std::string& path) {
  struct stat found;
  return ::stat(path.c_str(), &found) == 0 ? found.st_ino : 0;
}

// Whether the path still leads to the file that was opened. (Another pread would tell too, but end an event that nobody has
// looked at.)
bool IsSameFile(const Fd& event, const std::string& path) {
  struct stat opened;
  return ::fstat(event.get(), &opened) == 0 && InodeOf(path) == opened.st_ino;
}

}  // namespace

Status CounterSource::Add(FilesystemKey key, const FilesystemModule& module, const FilesystemInfo& filesystem,
                          const std::string& access_path) {
  Watched watched{.key = key, .module = &module, .filesystem = filesystem, .access_path = access_path};
  if (module.counter_instance_path != nullptr) return AddSilent(std::move(watched));
  std::string path;
  if (module.counter_event_path != nullptr) path = module.counter_event_path(sysfs_root_, filesystem.device);
  if (path.empty()) return Error{std::string(module.type) + " has no counter that tells when it rises", 0};
  watched.event = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!watched.event) return ErrnoError("open", path);
  if (auto armed = ReadEvent(watched.event, filesystem.device); !armed) return armed.error();
  watched_.push_back(std::move(watched));
  return {};
}

std::string CounterSource::InstancePath(const Watched& watched) const {
  return watched.module->counter_instance_path(sysfs_root_, watched.filesystem);
}

Status CounterSource::AddSilent(Watched watched) {
  const std::string path = InstancePath(watched);
  watched.instance = path.empty() ? 0 : InodeOf(path);
  if (watched.instance == 0) return ErrnoError("find the counters of", watched.filesystem.device, ENOENT);
  watched.is_silent = true;
  watched_.push_back(std::move(watched));
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

bool CounterSource::IsSilent(FilesystemKey key) const {
  const auto watched = std::ranges::find(watched_, key, &Watched::key);
  return watched != watched_.end() && watched->is_silent && watched->instance != 0;
}

Result<CounterSource::Watched*> CounterSource::Find(FilesystemKey key) {
  auto watched = std::ranges::find(watched_, key, &Watched::key);
  if (watched == watched_.end()) return ErrnoError("read the error counter of", "an unknown file system", ENOENT);
  const bool is_gone = watched->is_silent ? watched->instance == 0 : !watched->event;
  if (is_gone) return ErrnoError("read the error counter of", watched->filesystem.device, ENODEV);
  return &*watched;
}

// The descriptor is of this mounting and no other's: no need to compare it with what its path leads to.
Result<uint64_t> CounterSource::ReadErrors(FilesystemKey key) {
  Result<Watched*> watched = Find(key);
  if (!watched) return watched.error();
  if ((*watched)->is_silent) return Error{"the counters of " + (*watched)->filesystem.device + " have no event", 0};
  Result<uint64_t> errors = ReadEvent((*watched)->event, (*watched)->filesystem.device);
  if (!errors) (*watched)->event.Reset();
  return errors;
}

Result<CounterReading> CounterSource::Read(FilesystemKey key) {
  Result<Watched*> found = Find(key);
  if (!found) return found.error();
  Watched& watched = **found;
  Result<CounterReading> reading = watched.module->read_counters(sysfs_root_, watched.filesystem, watched.access_path);
  if (watched.is_silent) {
    if (InodeOf(InstancePath(watched)) == watched.instance) return reading;
    watched.instance = 0;
  } else {
    std::string path = watched.module->counter_event_path(sysfs_root_, watched.filesystem.device);
    if (IsSameFile(watched.event, path)) return reading;
    watched.event.Reset();
  }
  return ErrnoError("read the error counter of", watched.filesystem.device, ENODEV);
}

}  // namespace fsherald
