// SPDX-License-Identifier: MIT
#include "mount/sysfs.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
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

// Those of one kind (DT_DIR, DT_LNK), in the directory's order.
std::vector<Entry> Entries(const std::string& path, unsigned char kind) {
  std::vector<Entry> found;
  std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path.c_str()));
  if (!directory) return found;
  while (const dirent* entry = ::readdir(directory.get())) {
    if (entry->d_type != kind && entry->d_type != DT_UNKNOWN) continue;
    if (entry->d_name[0] != '.') found.push_back({entry->d_name, entry->d_ino});
  }
  return found;
}

std::vector<std::string> Names(const std::string& path, unsigned char kind) {
  std::vector<std::string> names;
  for (Entry& entry : Entries(path, kind)) names.push_back(std::move(entry.name));
  std::ranges::sort(names);
  return names;
}

std::optional<uint64_t> ReadNumber(const std::string& path) {
  std::ifstream file(path);
  uint64_t number = 0;
  if (!(file >> number)) return std::nullopt;
  return number;
}

std::string ClassDirectory(const std::string& sys_root, const std::string& name) {
  return sys_root + "/class/block/" + name;
}

// A walk up from one device. Two ways can lead to the same device (a mirror on two partitions of one disk).
class Ascent {
 public:
  explicit Ascent(const std::string& sys_root) : sys_root_(sys_root) {}
  void Visit(const std::string& name, std::optional<uint64_t> sector);
  std::vector<DeviceAbove> Take() { return std::move(found_); }

 private:
  void VisitPartitions(const std::string& name, std::optional<uint64_t> sector);

  const std::string& sys_root_;
  std::vector<DeviceAbove> found_;
};

void Ascent::Visit(const std::string& name, std::optional<uint64_t> sector) {
  const auto dev = BlockDeviceNumber(sys_root_, name);
  const auto is_this = [&](const DeviceAbove& above) { return above.device.dev == dev; };
  if (!dev || std::ranges::any_of(found_, is_this)) return;
  found_.push_back({{name, *dev}, sector});
  VisitPartitions(name, sector);
  for (const std::string& holder : Names(ClassDirectory(sys_root_, name) + "/holders", DT_LNK))
    Visit(holder, std::nullopt);
}

// A partition's directory lies in its disk's, and has the file "partition".
void Ascent::VisitPartitions(const std::string& name, std::optional<uint64_t> sector) {
  const std::string disk = ClassDirectory(sys_root_, name) + "/";
  for (const std::string& part : Names(disk, DT_DIR)) {
    if (!ReadNumber(disk + part + "/partition")) continue;
    const auto start = ReadNumber(disk + part + "/start");
    const auto size = ReadNumber(disk + part + "/size");
    if (!start || !size) continue;
    if (!sector) Visit(part, std::nullopt);
    else if (*sector >= *start && *sector - *start < *size) Visit(part, *sector - *start);
  }
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
  std::ifstream file(ClassDirectory(sys_root, name) + "/dev");
  DeviceNumber dev;
  char colon = 0;
  if (!(file >> dev.major >> colon >> dev.minor) || colon != ':') return std::nullopt;
  return dev;
}

std::vector<DeviceAbove> DevicesAbove(const std::string& sys_root, DeviceNumber disk, std::optional<uint64_t> sector) {
  Ascent ascent(sys_root);
  if (const std::string name = BlockDeviceName(sys_root, disk); !name.empty()) ascent.Visit(name, sector);
  return ascent.Take();
}

std::optional<uint64_t> InstanceOf(const std::string& sys_root, const std::string& directory) {
  struct stat status {};
  if (::stat((sys_root + "/fs/" + directory).c_str(), &status) != 0) return std::nullopt;
  return status.st_ino;
}

std::vector<FilesystemDirectory> ListFilesystemDirectories(const std::string& sys_root,
                                                           const std::function<bool(std::string_view)>& wanted) {
  std::vector<FilesystemDirectory> found;
  const std::string all = sys_root + "/fs";
  for (const Entry& type : Entries(all, DT_DIR)) {
    if (!wanted(type.name)) continue;
    for (Entry& entry : Entries(all + "/" + type.name, DT_DIR)) {
      std::vector<std::string> devices = Names(all + "/" + type.name + "/" + entry.name + "/devices", DT_LNK);
      found.push_back({type.name, std::move(entry.name), entry.inode, std::move(devices)});
    }
  }
  return found;
}

}  // namespace fsherald
