// SPDX-License-Identifier: MIT
// What a path reaches, and the ways to a file system: in our own mount namespace, or through a process of another. All
// ask by path; only ReadUuid opens a file system, and closes it before it returns. A call waits for the file systems that
// its path leads through: where one may never answer, the mount tree has to be asked first, as ChooseAccess does.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "mount/mount_info.h"
#include "mount/mount_tree.h"
#include "record/notification.h"

namespace fsherald {

// What a path reaches at this moment.
struct Reached {
  DeviceNumber dev;
  std::optional<Fsid> fsid;          // empty: the file system has none
  std::optional<uint64_t> mount_id;  // as in mountinfo; empty before Linux 5.8
  bool is_directory = false;
  bool is_regular = false;
};
std::optional<Reached> Reach(const std::string& path);

// The number of the mount that the path ends on, as in mountinfo. The file system there is not asked, only those that the
// path leads through. Empty: there is no such path, or before Linux 5.8.
std::optional<uint64_t> MountIdOf(const std::string& path);

// The number of the mount that a path of this process lies on, without asking any that may hang: of a path that leads into one
// it is that mount's, and the path need not exist there. `tree` is of this process's mount table. A file system that answers
// its own root with an error (XFS after a shutdown) is found by the tree, and before Linux 5.8 any is, where no symbolic link
// is in the path. Errors: as stat(2) gives them.
Result<uint64_t> MountOfPath(const std::string& path, const MountTree& tree);

// A number of the mount that the path reaches which no other mount ever has. Empty before Linux 6.8.
std::optional<uint64_t> UniqueMountId(const std::string& path);

// A way to a file system that has been tried and reached it.
struct Access {
  std::string path;
  bool is_root = false;  // the file system's own root directory
  Reached reached;
};

// The best way among the mount points of one file system as seen below `prefix` (empty, or /proc/PID/root): its root
// directory before a part of it, a directory before a file, a short path before a long one. What is hidden below another
// mount, or lies below one that may hang, is passed over. `tree` is of the same mount table.
std::optional<Access> ChooseAccess(const std::vector<MountInfoLine>& entries, const std::string& prefix,
                                   const MountTree& tree);

// Looks for file systems in the mount tables of other processes, one process for each mount namespace but our own.
// Not seen: a namespace that only threads or open files hold. What may hang is not looked for.
std::map<DeviceNumber, Access> FindInOtherNamespaces(const std::string& proc_root, std::set<DeviceNumber> devices,
                                                     const std::function<bool(std::string_view type)>& wanted,
                                                     const std::function<bool(std::string_view type)>& may_hang);

// The file system's uuid, from the kernel. Empty: it does not say (before Linux 6.0), not permitted, or `access` no longer
// reaches the same file system.
std::optional<Uuid> ReadUuid(const Access& access);

// The uuid in the superblock of that type on a block device, read from the device's node.
std::optional<Uuid> ReadUuidFromDevice(const std::string& node, DeviceNumber dev, const std::string& type);

}  // namespace fsherald
