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

#include "base/result.h"
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
  // The same for a mark of `asker`. Errors: EDQUOT: it is not known, and marks of this user have made kMaxMarkedNames known already:
  // each costs memory for as long as the daemon lives. Root has no quota.
  static constexpr size_t kMaxMarkedNames = 16384;
  Result<FilesystemKey> OfMarkedName(const std::string& type, const std::string& name, uint32_t uid, uid_t asker);

  static bool IsOne(FilesystemKey key) { return key.value >= kFirstKey && key.value < 0x80000000; }

 private:
  FilesystemKey Next() { return {next_++}; }
  struct Mounted {
    FilesystemKey key;
    std::vector<uint64_t> mount_ids;  // when it was asked for last
  };
  std::map<DeviceNumber, Mounted> mounts_;
  std::map<std::tuple<std::string, std::string, uint32_t>, FilesystemKey> names_;
  std::map<uid_t, size_t> marked_names_;  // of names_, which marks of this user made known
  uint32_t next_ = kFirstKey;
};

}  // namespace fsherald
