// SPDX-License-Identifier: MIT
// The kernel's mount table of one process, as libmount reads it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "record/notification.h"

namespace fsherald {

// One line of a mountinfo file (proc(5)); names are raw bytes, octal escapes decoded.
struct MountInfoLine {
  uint64_t id = 0;      // reused by a later mount
  uint64_t parent = 0;  // id of the mount that the mount point lies on; it need not stand in the table
  DeviceNumber dev;
  std::string type;
  std::string root;    // the directory of the file system that is mounted here: "/", or a part of it for a bind mount
  std::string target;  // the mount point
  std::string source;
  bool read_only = false;     // the mount, whatever the file system is
  std::string super_options;  // of the file system, not of the mount: "rw,user_id=1000"
};

// The lines whose type is wanted, in the file's order; what is no mountinfo line is skipped.
Result<std::vector<MountInfoLine>> ReadMountInfo(const std::string& path,
                                                 const std::function<bool(std::string_view type)>& wanted);

// Of our own lines those that another process's table has too (device, root, mount point), as that one has them: read-only is the
// mount there. For a process whose mount namespace is a copy of that one's, made by a service manager that has bound parts of
// file systems over themselves and made mounts read-only, for this process alone.
std::vector<MountInfoLine> AsSeenBy(const std::vector<MountInfoLine>& other, std::vector<MountInfoLine> ours);

// One line of it; empty: it is none.
std::optional<MountInfoLine> ParseMountInfoLine(std::string_view line);

}  // namespace fsherald
