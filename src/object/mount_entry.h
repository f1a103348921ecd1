// SPDX-License-Identifier: MIT
// MountEntry: a mount entered for the microseconds of one look-up. It is a file system's mount point, opened and found
// to be still that file system; look-ups below it never leave it, and take what the kernel has in memory only: they
// read nothing from the device and so can raise no error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "object/path_query.h"

namespace fsherald {

// What is in a file's handle of name_to_handle_at(2), of two types: FILEID_INO32_GEN, ext4's and that of many others, and
// that of XFS where inode numbers may have more than 32 bits.
inline constexpr int kInodeHandleType = 1;
inline constexpr int kXfsHandleType = 0x81;
struct InodeHandle {
  uint64_t inode = 0;
  uint32_t generation = 0;
  int type = kInodeHandleType;
};

class MountEntry {
 public:
  // Empty: it cannot be opened, is no directory, or is not (any more) this file system, or which one this is is not
  // known.
  static std::optional<MountEntry> Open(const std::string& mount_point, const FilesystemInfo& filesystem);

  int fd() const { return fd_.get(); }  // O_PATH
  uint64_t root_inode() const { return root_inode_; }

  // Whether `relative` ("" is the root) leads to this inode now; and to this generation, where both are known.
  // The answer is the generation found, or the one asked for.
  struct Match {
    std::optional<uint32_t> generation;
  };
  std::optional<Match> LeadsTo(std::string_view relative, uint64_t inode, std::optional<uint32_t> generation) const;

 private:
  MountEntry(Fd fd, uint64_t root_inode) : fd_(std::move(fd)), root_inode_(root_inode) {}
  Fd fd_;
  uint64_t root_inode_;
};

// The handle of what `fd` (O_PATH will do) refers to. Empty: the file system has no handles of those types.
std::optional<InodeHandle> HandleOf(int fd);

// open_by_handle_at(2) with O_PATH; `mount_fd` is any file of the file system, not opened with O_PATH. An empty descriptor:
// not allowed, no such file, or its inode does not fit into a handle of that type.
Fd OpenHandle(int mount_fd, const InodeHandle& handle);

// readlink(2) below a directory, whole. Empty: failed.
std::optional<std::string> ReadLink(int directory_fd, const std::string& name);

// The part of `path` below `root`, without leading slash; "" where they are equal. Empty: it is not below.
std::optional<std::string> PartBelow(std::string_view path, std::string_view root);

std::string JoinPath(std::string_view root, std::string_view relative);

// The mount point that paths are told below.
const std::string& ToldRoot(const PathQuery& query);

}  // namespace fsherald
