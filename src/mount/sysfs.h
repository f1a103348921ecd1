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

// One block device as the kernel names and numbers it.
struct BlockDevice {
  std::string name;  // "sda1", "dm-3"
  DeviceNumber dev;
  friend bool operator==(const BlockDevice&, const BlockDevice&) = default;
};

// The number of the block device of that name.
std::optional<DeviceNumber> BlockDeviceNumber(const std::string& sys_root, const std::string& name);

// A part of a block device, or one that is put together of others and of this one.
struct DeviceAbove {
  BlockDevice device;
  std::optional<uint64_t> sector;  // the given sector counted from this device's beginning; empty: not known
  friend bool operator==(const DeviceAbove&, const DeviceAbove&) = default;
};

// The block device itself and all that lie on it: its partitions (only the one with the sector, where a sector is given),
// and what holds them (device mapper, md, ...), as far up as it goes; each once, the lower before the upper. Sectors are
// of 512 bytes. Empty: there is no such device (any more).
std::vector<DeviceAbove> DevicesAbove(const std::string& sys_root, DeviceNumber disk, std::optional<uint64_t> sector);

// A directory <sys>/fs/TYPE/NAME. Some file systems have one for every superblock, in whatever mount namespace it is
// mounted, named by its s_id or, where it can have several devices, by its uuid; others have other directories there too.
struct FilesystemDirectory {
  std::string type;
  std::string name;
  uint64_t instance = 0;             // its inode number; sysfs gives none twice, so it tells one mounting from the next
  std::vector<std::string> devices;  // the names in NAME/devices (btrfs), sorted; empty: it has no such directory
};

// The instance that the directory is now, named "TYPE/NAME"; empty: there is none.
std::optional<uint64_t> InstanceOf(const std::string& sys_root, const std::string& directory);

// All of them whose type is wanted.
std::vector<FilesystemDirectory> ListFilesystemDirectories(const std::string& sys_root,
                                                           const std::function<bool(std::string_view type)>& wanted);

}  // namespace fsherald
