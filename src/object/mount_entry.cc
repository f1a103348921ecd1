// SPDX-License-Identifier: MIT
#include "object/mount_entry.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>

namespace fsherald {
namespace {

bool IsSameFilesystem(int fd, const struct stat& root, const FilesystemInfo& filesystem) {
  if (!filesystem.fsid && !filesystem.dev) return false;
  // A subvolume of btrfs has a number of its own there, and an fsid.
  const bool is_anonymous = filesystem.dev && filesystem.dev->major == 0 && filesystem.fsid;
  if (filesystem.dev && !is_anonymous && root.st_dev != ::makedev(filesystem.dev->major, filesystem.dev->minor))
    return false;
  if (!filesystem.fsid) return true;
  struct statfs statistics {};
  if (::fstatfs(fd, &statistics) != 0) return false;
  std::array<uint32_t, 2> words{};
  static_assert(sizeof(words) == sizeof(statistics.f_fsid));
  std::memcpy(words.data(), &statistics.f_fsid, sizeof(words));
  return Fsid{words[0], words[1]} == *filesystem.fsid;
}

Fd OpenBelow(int directory_fd, const std::string& relative) {
  struct open_how how {};
  how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_CACHED;
  Fd fd(static_cast<int>(::syscall(SYS_openat2, directory_fd, relative.c_str(), &how, sizeof(how))));
  if (!fd && errno == EINVAL) {  // Linux before 5.12 knows no RESOLVE_CACHED
    how.resolve &= ~static_cast<uint64_t>(RESOLVE_CACHED);
    fd.Reset(static_cast<int>(::syscall(SYS_openat2, directory_fd, relative.c_str(), &how, sizeof(how))));
  }
  return fd;
}

// Linux, include/linux/exportfs.h: FILEID_INO32_GEN; fs/xfs/xfs_export.h: struct xfs_fid64, without a parent.
struct Inode32Handle {
  uint32_t inode = 0;
  uint32_t generation = 0;
};
struct __attribute__((packed)) XfsHandle {
  uint64_t inode = 0;
  uint32_t generation = 0;
};
static_assert(sizeof(XfsHandle) == 12);

template <typename T>
void Encode(const T& value, file_handle& handle) {
  handle.handle_bytes = sizeof(value);
  std::memcpy(handle.f_handle, &value, sizeof(value));
}

template <typename T>
std::optional<InodeHandle> DecodeAs(const file_handle& handle) {
  if (handle.handle_bytes != sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, handle.f_handle, sizeof(value));
  return InodeHandle{value.inode, value.generation, handle.handle_type};
}

std::optional<InodeHandle> Decode(const file_handle& handle) {
  if (handle.handle_type == kInodeHandleType) return DecodeAs<Inode32Handle>(handle);
  if (handle.handle_type == kXfsHandleType) return DecodeAs<XfsHandle>(handle);
  return std::nullopt;
}

}  // namespace

std::optional<MountEntry> MountEntry::Open(const std::string& mount_point, const FilesystemInfo& filesystem) {
  if (mount_point.empty()) return std::nullopt;
  Fd fd(::open(mount_point.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct stat root {};
  if (!fd || ::fstat(fd.get(), &root) != 0 || !IsSameFilesystem(fd.get(), root, filesystem)) return std::nullopt;
  return MountEntry(std::move(fd), root.st_ino);
}

std::optional<MountEntry::Match> MountEntry::LeadsTo(std::string_view relative, uint64_t inode,
                                                     std::optional<uint32_t> generation) const {
  const Fd file = OpenBelow(fd_.get(), relative.empty() ? "." : std::string(relative));
  struct stat found {};
  if (!file || ::fstat(file.get(), &found) != 0 || found.st_ino != inode) return std::nullopt;
  const auto handle = HandleOf(file.get());
  if (!handle) return Match{generation};
  if (generation && *generation != handle->generation) return std::nullopt;
  return Match{handle->generation};
}

std::optional<InodeHandle> HandleOf(int fd) {
  alignas(file_handle) char memory[sizeof(file_handle) + MAX_HANDLE_SZ] = {};
  auto* handle = reinterpret_cast<file_handle*>(memory);
  handle->handle_bytes = MAX_HANDLE_SZ;
  int mount_id = 0;
  if (::name_to_handle_at(fd, "", handle, &mount_id, AT_EMPTY_PATH) != 0) return std::nullopt;
  return Decode(*handle);
}

Fd OpenHandle(int mount_fd, const InodeHandle& wanted) {
  alignas(file_handle) char memory[sizeof(file_handle) + MAX_HANDLE_SZ] = {};
  auto* handle = reinterpret_cast<file_handle*>(memory);
  handle->handle_type = wanted.type;
  if (wanted.type == kXfsHandleType) {
    Encode(XfsHandle{wanted.inode, wanted.generation}, *handle);
  } else {
    if (wanted.inode > UINT32_MAX) return Fd();
    Encode(Inode32Handle{static_cast<uint32_t>(wanted.inode), wanted.generation}, *handle);
  }
  return Fd(::open_by_handle_at(mount_fd, handle, O_PATH | O_CLOEXEC));
}

std::optional<std::string> ReadLink(int directory_fd, const std::string& name) {
  char target[PATH_MAX];
  const ssize_t size = ::readlinkat(directory_fd, name.c_str(), target, sizeof(target));
  if (size <= 0 || static_cast<size_t>(size) == sizeof(target)) return std::nullopt;
  return std::string(target, static_cast<size_t>(size));
}

std::optional<std::string> PartBelow(std::string_view path, std::string_view root) {
  while (root.ends_with('/')) root.remove_suffix(1);
  if (!path.starts_with('/') || !path.starts_with(root)) return std::nullopt;
  path.remove_prefix(root.size());
  if (path.empty() || path == "/") return "";
  if (path.front() != '/') return std::nullopt;
  return std::string(path.substr(1));
}

std::string JoinPath(std::string_view root, std::string_view relative) {
  std::string path(root);
  if (relative.empty()) return path;
  if (!path.ends_with('/')) path += '/';
  return path.append(relative);
}

const std::string& ToldRoot(const PathQuery& query) {
  const auto& mounts = query.filesystem.mounts;
  const bool is_ours = std::find(mounts.begin(), mounts.end(), query.access_path) != mounts.end();
  return is_ours || mounts.empty() || !query.access_is_root ? query.access_path : mounts.front();
}

}  // namespace fsherald
