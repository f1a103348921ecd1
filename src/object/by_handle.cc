// SPDX-License-Identifier: MIT
#include "object/by_handle.h"

#include <fcntl.h>
#include "object/mount_entry.h"

namespace fsherald {
namespace {

// Generation 0 stands for any, where the file system has it so.
Fd OpenByHandle(const MountEntry& mount, uint64_t inode, uint32_t generation) {
  const auto root = HandleOf(mount.fd());
  if (!root || root->inode != mount.root_inode()) return Fd();
  const Fd mount_fd(::openat(mount.fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));  // O_PATH will not do
  if (!mount_fd) return Fd();
  return OpenHandle(mount_fd.get(), {inode, generation, root->type});
}

std::optional<std::string> PathOf(int fd, const std::string& proc_root) {
  return ReadLink(AT_FDCWD, proc_root + "/self/fd/" + std::to_string(fd));
}

}  // namespace

std::optional<FoundPath> FindByHandle(const PathQuery& query, const std::string& proc_root) {
  if (!query.generation && (query.module == nullptr || !query.module->opens_any_generation)) return std::nullopt;
  const auto mount = MountEntry::Open(query.access_path, query.filesystem);
  if (!mount) return std::nullopt;
  const Fd file = OpenByHandle(*mount, query.inode, query.generation.value_or(0));
  if (!file) return std::nullopt;
  const auto handle = HandleOf(file.get());
  if (!handle || handle->inode != query.inode) return std::nullopt;

  // Both as the kernel sees them from here, so that it does not matter whose mount namespace the mount is in.
  const auto root_path = PathOf(mount->fd(), proc_root);
  const auto path = PathOf(file.get(), proc_root);
  if (!root_path || !path) return std::nullopt;
  const auto relative = PartBelow(*path, *root_path);
  // A file without a name in memory, unlinked, or out of this mount's reach has a path that does not lead to it.
  if (!relative || !mount->LeadsTo(*relative, query.inode, handle->generation)) return std::nullopt;
  return FoundPath{JoinPath(ToldRoot(query), *relative), PathSource::kHandle, handle->generation};
}

}  // namespace fsherald
