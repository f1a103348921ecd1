// SPDX-License-Identifier: MIT
// The file systems in user space that are known: those that report, and those that are marked. Gives each its key.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "record/notification.h"
#include "source/signal.h"

namespace fsherald {

// Keys begin at kFirstKey: mount tables give smaller ones, the translator's of unmounted file systems are greater.
class UserFilesystems {
 public:
  static constexpr uint32_t kFirstKey = 0x40000000;
  static constexpr uint32_t kAnyUid = UINT32_MAX;

  // Of a FUSE mount. Its device number is reused by the next one: it is the same file system as long as one of the mounts that it
  // had is still there.
  FilesystemKey OfMount(DeviceNumber dev, std::span<const uint64_t> mount_ids);
  // Of one without a mount; kAnyUid: the key that stands for all of that type and name.
  FilesystemKey OfName(const std::string& type, const std::string& name, uint32_t uid);

  static bool IsOne(FilesystemKey key) { return key.value >= kFirstKey && key.value < 0x80000000; }

 private:
  FilesystemKey Next() { return {next_++}; }
  struct Mounted {
    FilesystemKey key;
    std::vector<uint64_t> mount_ids;  // when it was asked for last
  };
  std::map<DeviceNumber, Mounted> mounts_;
  std::map<std::tuple<std::string, std::string, uint32_t>, FilesystemKey> names_;
  uint32_t next_ = kFirstKey;
};

}  // namespace fsherald
