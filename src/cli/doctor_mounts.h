// SPDX-License-Identifier: MIT
// Every file system of our mount table, each once, whatever its type: also those that no source covers.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "record/notification.h"

namespace fsherald {

struct MountedFilesystem {
  enum class Backing { kDevice, kUserSpace, kNone };  // kNone: in memory, of the kernel itself, or of the network
  FilesystemInfo info;  // type, device (kernel's name, else the mount's source), dev, mounts
  std::string source;   // as the mount table has it: "/dev/mapper/home"
  std::set<uint64_t> mount_ids;
  Backing backing = Backing::kNone;
};

// By mount point. Errors: the mount table cannot be read.
Result<std::vector<MountedFilesystem>> ReadMounted(const std::string& proc_root = "/proc",
                                                   const std::string& sys_root = "/sys");

// Leaves those that are worth a report: the ones that a path lies on, else those with a device or in user space.
// What has a server is not asked: of a path that leads into it only the mount is looked up. Errors: as stat(2) gives them for a
// path.
Result<std::vector<MountedFilesystem>> Select(std::vector<MountedFilesystem> mounted,
                                              const std::vector<std::string>& paths);

}  // namespace fsherald
