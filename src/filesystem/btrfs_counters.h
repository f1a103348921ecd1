// SPDX-License-Identifier: MIT
// btrfs's device stats, <sysfs>/fs/btrfs/UUID/devinfo/DEVID/error_stats: of each device how many writes, reads and flushes
// failed, how many blocks of data did not fit their checksums, and how many tree blocks were of a wrong generation. They
// are stored, so that they tell of the past too; `btrfs device stats --reset` makes them zero. Everybody may read them, and
// they tell nobody that they rose.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "filesystem/filesystem.h"

namespace fsherald {

inline constexpr size_t kBtrfsCounters = 5;

// As sysfs and btrfs-progs call them, in the order in which the log's lines give them.
std::array<DeviceCounter, kBtrfsCounters> BtrfsDeviceCounters(const std::string& device);

// Reads those of all devices that are there. The name that the log gives a device is asked from the
// file system (an ioctl at access_path, which anybody may); of a single device it is the name of the mount's.
Result<CounterReading> ReadBtrfsCounters(const std::string& sysfs_root, const FilesystemInfo& filesystem,
                                         const std::string& access_path);

// The file system's directory in sysfs; empty where its uuid is not known.
std::string BtrfsInstancePath(const std::string& sysfs_root, const FilesystemInfo& filesystem);

// The text of an error_stats file: into counters of that device. False: it is none.
bool ParseBtrfsErrorStats(std::string_view text, std::array<DeviceCounter, kBtrfsCounters>& counters);

}  // namespace fsherald
