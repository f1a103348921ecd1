// SPDX-License-Identifier: MIT
#include "filesystem/btrfs_ioctl.h"

#include <linux/btrfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <string_view>

namespace fsherald {
namespace {

// A text in a field of fixed size.
template <size_t N>
std::string_view TextOf(const char (&field)[N]) {
  return {field, ::strnlen(field, N)};
}
template <size_t N>
std::string_view TextOf(const __u8 (&field)[N]) {
  return {reinterpret_cast<const char*>(field), ::strnlen(reinterpret_cast<const char*>(field), N)};
}

struct Place {
  uint64_t root = 0;
  std::string path;  // in that subvolume; of a directory with a slash at its end
};

// `root` 0: the subvolume of the descriptor.
std::optional<Place> LookUp(int fd, uint64_t root, uint64_t inode) {
  btrfs_ioctl_ino_lookup_args lookup{};
  lookup.treeid = root;
  lookup.objectid = inode;
  if (::ioctl(fd, BTRFS_IOC_INO_LOOKUP, &lookup) != 0) return std::nullopt;
  return Place{lookup.treeid, std::string(TextOf(lookup.name))};
}

}  // namespace

std::optional<Uuid> BtrfsUuid(int fd) {
  btrfs_ioctl_fs_info_args info{};
  if (::ioctl(fd, BTRFS_IOC_FS_INFO, &info) != 0) return std::nullopt;
  Uuid uuid;
  static_assert(sizeof(info.fsid) == sizeof(uuid.bytes));
  std::memcpy(uuid.bytes.data(), info.fsid, sizeof(info.fsid));
  return uuid;
}

std::optional<std::string> BtrfsDeviceName(int fd, uint64_t device_id) {
  btrfs_ioctl_dev_info_args info{};
  info.devid = device_id;
  if (::ioctl(fd, BTRFS_IOC_DEV_INFO, &info) != 0) return std::nullopt;
  const std::string_view name = TextOf(info.path);
  return name.empty() ? std::nullopt : std::optional<std::string>(name);
}

std::optional<std::string> AskBtrfsPath(int directory_fd, const FilesystemInfo& filesystem, uint64_t root,
                                        uint64_t inode) {
  struct stat directory {};
  if (!filesystem.uuid || BtrfsUuid(directory_fd) != filesystem.uuid || ::fstat(directory_fd, &directory) != 0)
    return std::nullopt;
  const std::optional<Place> here = LookUp(directory_fd, 0, directory.st_ino);
  if (!here || here->root != root) return std::nullopt;
  std::optional<Place> found = LookUp(directory_fd, root, inode);
  if (!found || !found->path.starts_with(here->path)) return std::nullopt;
  found->path.erase(0, here->path.size());
  while (found->path.ends_with('/')) found->path.pop_back();
  return std::move(found->path);
}

}  // namespace fsherald
