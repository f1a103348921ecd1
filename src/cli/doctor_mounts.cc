// SPDX-License-Identifier: MIT
#include "cli/doctor_mounts.h"

#include <algorithm>
#include <fstream>
#include <map>

#include "filesystem/filesystem_type.h"
#include "mount/access.h"
#include "mount/mount_info.h"
#include "mount/mount_tree.h"
#include "mount/sysfs.h"

namespace fsherald {
namespace {

using Backing = MountedFilesystem::Backing;

// The types that need a block device: the lines of /proc/filesystems without "nodev". btrfs is one of them, though its
// device number in the mount table is no block device's.
std::set<std::string> DeviceTypes(const std::string& proc_root) {
  std::set<std::string> types;
  std::ifstream file(proc_root + "/filesystems");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('\t')) types.insert(line.substr(1));
  }
  return types;
}

// Subtypes stand behind a dot ("fuse.sshfs", "fuseblk.ntfs").
Backing BackingOf(const MountInfoLine& entry, const std::set<std::string>& device_types) {
  const std::string type = entry.type.substr(0, entry.type.find('.'));
  if (type == "fuse") return Backing::kUserSpace;
  if (entry.dev.major != 0 || device_types.contains(type)) return Backing::kDevice;
  return Backing::kNone;
}

bool IsShorter(const std::string& a, const std::string& b) {
  return std::pair(a.size(), std::string_view(a)) < std::pair(b.size(), std::string_view(b));
}

}  // namespace

Result<std::vector<MountedFilesystem>> ReadMounted(const std::string& proc_root, const std::string& sys_root) {
  auto entries = ReadMountInfo(proc_root + "/self/mountinfo", [](std::string_view) { return true; });
  if (!entries) return entries.error();
  const std::set<std::string> device_types = DeviceTypes(proc_root);
  std::map<DeviceNumber, MountedFilesystem> by_device;
  for (const MountInfoLine& entry : *entries) {
    auto [item, is_new] = by_device.try_emplace(entry.dev);
    MountedFilesystem& filesystem = item->second;
    if (is_new) {
      std::string name = BlockDeviceName(sys_root, entry.dev);
      filesystem.info = {.type = entry.type, .device = name.empty() ? entry.source : name, .dev = entry.dev};
      filesystem.source = entry.source;
      filesystem.backing = BackingOf(entry, device_types);
    }
    filesystem.info.mounts.push_back(entry.target);
    filesystem.mount_ids.insert(entry.id);
  }
  std::vector<MountedFilesystem> mounted;
  for (auto& [dev, filesystem] : by_device) {
    std::ranges::sort(filesystem.info.mounts, IsShorter);
    mounted.push_back(std::move(filesystem));
  }
  std::ranges::stable_sort(mounted, {}, [](const MountedFilesystem& one) { return one.info.mounts.front(); });
  return mounted;
}

Result<std::vector<MountedFilesystem>> Select(std::vector<MountedFilesystem> mounted,
                                              const std::vector<std::string>& paths) {
  std::set<uint64_t> chosen;
  if (!paths.empty()) {
    const auto lines = ReadMountInfo("/proc/self/mountinfo", [](std::string_view) { return true; });
    if (!lines) return lines.error();
    const MountTree tree(*lines, IsRemoteOrUser, true);
    for (const std::string& path : paths) {
      const Result<uint64_t> mount = MountOfPath(path, tree);
      if (!mount) return mount.error();
      chosen.insert(*mount);
    }
  }
  std::erase_if(mounted, [&](const MountedFilesystem& one) {
    if (paths.empty()) return one.backing == Backing::kNone;
    return std::ranges::none_of(one.mount_ids, [&](uint64_t id) { return chosen.contains(id); });
  });
  return mounted;
}

}  // namespace fsherald
