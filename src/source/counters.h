// SPDX-License-Identifier: MIT
// The source `counters`: the file systems' own counters in sysfs, and the event that tells that one rose. Some tell of no
// rise (btrfs): those are silent, and are read when the caller thinks it is time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "filesystem/filesystem.h"
#include "source/signal.h"

namespace fsherald {

// One thread. Its descriptors pin no mount: the kernel takes the file away under them.
class CounterSource {
 public:
  explicit CounterSource(std::string sysfs_root = "/sys") : sysfs_root_(std::move(sysfs_root)) {}

  // Begins to watch. `access_path` is the mounting's. Errors: the module has no counters, or they cannot be opened. Add the
  // key only once.
  Status Add(FilesystemKey key, const FilesystemModule& module, const FilesystemInfo& filesystem,
             const std::string& access_path);
  void Forget(FilesystemKey key);

  // To poll(2) for POLLPRI; POLLERR comes with it. ReadErrors, whatever it returns, ends the event; after an unmount it
  // closes the descriptor, which would else be ready for ever.
  struct Event {
    int fd;
    FilesystemKey key;
  };
  std::vector<Event> events() const;

  // Whether its counters tell of no rise, until a Read has found it unmounted.
  bool IsSilent(FilesystemKey key) const;

  // The number of errors alone, by one system call; ends the event. Errors: as Read.
  Result<uint64_t> ReadErrors(FilesystemKey key);

  // Reads all the counters, from a dozen files: certainly those of this mounting, not of one that has its device name by
  // now. Ends no event. Errors: ENODEV after the unmount, ENOENT for a key that is not watched.
  Result<CounterReading> Read(FilesystemKey key);

 private:
  struct Watched {
    FilesystemKey key;
    const FilesystemModule* module;
    FilesystemInfo filesystem;
    std::string access_path;
    Fd event;               // empty: unmounted, or silent
    uint64_t instance = 0;  // of a silent one: the inode number of its directory in sysfs; 0: unmounted
    bool is_silent = false;
  };

  Status AddSilent(Watched watched);
  std::string InstancePath(const Watched& watched) const;

  // Errors: as Read.
  Result<Watched*> Find(FilesystemKey key);

  std::string sysfs_root_;
  std::vector<Watched> watched_;
};

}  // namespace fsherald
