// SPDX-License-Identifier: MIT
#include "object/by_ioctl.h"

#include <fcntl.h>

#include "object/mount_entry.h"

namespace fsherald {

std::optional<FoundPath> FindByIoctl(const PathQuery& query) {
  if (!query.root || query.module == nullptr || query.module->ask_path == nullptr || query.access_path.empty())
    return std::nullopt;
  const Fd directory(::open(query.access_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return std::nullopt;
  const auto relative = query.module->ask_path(directory.get(), query.filesystem, *query.root, query.inode);
  if (!relative) return std::nullopt;
  return FoundPath{JoinPath(ToldRoot(query), *relative), PathSource::kIoctl, std::nullopt};
}

}  // namespace fsherald
