// SPDX-License-Identifier: MIT
// What sysfs says about block devices and the mounted file systems on them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "record/notification.h"

namespace fsherald {

// The kernel's own name of a block device, which is also a file system's s_id; empty where there is none.
std::string BlockDeviceName(const std::string& sys_root, DeviceNumber dev);

// The number of the block device of that name.
std::optional<DeviceNumber> BlockDeviceNumber(const std::string& sys_root, const std::string& name);

// A directory <sys>/fs/TYPE/NAME. Some file systems have one for every superblock, named by its s_id, in whatever mount
// namespace it is mounted; others have other directories there too.
struct FilesystemDirectory {
  std::string type;
  std::string name;
  uint64_t instance = 0;  // its inode number; sysfs gives none twice, so it tells one mounting from the next
};

// All of them whose type is wanted.
std::vector<FilesystemDirectory> ListFilesystemDirectories(const std::string& sys_root,
                                                           const std::function<bool(std::string_view type)>& wanted);

}  // namespace fsherald
