// SPDX-License-Identifier: MIT
#include "mount/sysfs.h"

#include <dirent.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <fstream>
#include <memory>

namespace fsherald {
namespace {

struct Entry {
  std::string name;
  uint64_t inode = 0;
};

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

std::vector<Entry> Subdirectories(const std::string& path) {
  std::vector<Entry> found;
  std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path.c_str()));
  if (!directory) return found;
  while (const dirent* entry = ::readdir(directory.get())) {
    if (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN) continue;
    if (entry->d_name[0] != '.') found.push_back({entry->d_name, entry->d_ino});
  }
  return found;
}

}  // namespace

std::string BlockDeviceName(const std::string& sys_root, DeviceNumber dev) {
  const std::string path = sys_root + "/dev/block/" + ToString(dev);
  std::array<char, PATH_MAX> target;
  const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
  if (size <= 0) return {};
  const std::string_view link(target.data(), static_cast<size_t>(size));
  return std::string(link.substr(link.rfind('/') + 1));
}

std::optional<DeviceNumber> BlockDeviceNumber(const std::string& sys_root, const std::string& name) {
  std::ifstream file(sys_root + "/class/block/" + name + "/dev");
  DeviceNumber dev;
  char colon = 0;
  if (!(file >> dev.major >> colon >> dev.minor) || colon != ':') return std::nullopt;
  return dev;
}

std::vector<FilesystemDirectory> ListFilesystemDirectories(const std::string& sys_root,
                                                           const std::function<bool(std::string_view)>& wanted) {
  std::vector<FilesystemDirectory> found;
  const std::string all = sys_root + "/fs";
  for (const Entry& type : Subdirectories(all)) {
    if (!wanted(type.name)) continue;
    for (Entry& entry : Subdirectories(all + "/" + type.name)) {
      found.push_back({type.name, std::move(entry.name), entry.inode});
    }
  }
  return found;
}

}  // namespace fsherald
