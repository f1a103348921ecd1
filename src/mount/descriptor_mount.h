// SPDX-License-Identifier: MIT
// Which mount a descriptor is on, by /proc alone: the file system is never asked, since it may be one in user space that
// does not answer.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "record/notification.h"

namespace fsherald {

struct DescriptorMount {
  uint64_t mount_id = 0;            // of /proc/PID/mountinfo
  std::vector<uint64_t> mount_ids;  // of all mounts of the same file system in that table: bind mounts
  DeviceNumber dev;
  std::string type;           // "fuse.sshfs", "ext4"
  std::string source;         // raw bytes
  std::string mount_point;    // raw bytes, as in that mountinfo
  std::string super_options;  // "rw,user_id=1000,group_id=1000"

  bool is_fuse() const;                       // "fuse", "fuseblk", "fuse.*"
  std::optional<uint32_t> fuse_user_id() const;  // user_id= of a FUSE mount
};

// Looks in our own mount table, then in that of process `peer` (a mount in its namespace). Errors: EBADF; code 0 and a
// sentence: it is on no mount that either table has.
Result<DescriptorMount> FindMountOf(int fd, std::optional<pid_t> peer, const std::string& proc_root = "/proc");

// All mount points of a device in our own mount table, the shortest first.
Result<std::vector<std::string>> MountPointsOf(DeviceNumber dev, const std::string& proc_root = "/proc");

}  // namespace fsherald
