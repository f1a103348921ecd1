// SPDX-License-Identifier: MIT
// What btrfs answers to its own ioctls (linux/btrfs.h). All of them work on any open file or directory of the file system,
// but not on an O_PATH descriptor.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "record/notification.h"

namespace fsherald {

// Which file system the descriptor is of: the uuid that names its directory in sysfs. Empty: of no btrfs.
std::optional<Uuid> BtrfsUuid(int fd);

// The name by which the kernel's lines call a device ("/dev/sda1"). Empty: no such device, or it is missing.
std::optional<std::string> BtrfsDeviceName(int fd, uint64_t device_id);

// The path of an inode of subvolume `root` from the directory that is open, without a leading slash, which must be of that
// very subvolume: where in the file system another one has its place it does not say. Needs CAP_SYS_ADMIN. Empty: no such
// inode, of another subvolume, not below that directory, or not allowed.
std::optional<std::string> AskBtrfsPath(int directory_fd, const FilesystemInfo& filesystem, uint64_t root,
                                        uint64_t inode);

}  // namespace fsherald
