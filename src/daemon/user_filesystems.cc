// SPDX-License-Identifier: MIT
#include "daemon/user_filesystems.h"

#include <algorithm>

namespace fsherald {

FilesystemKey UserFilesystems::OfMount(DeviceNumber dev, std::span<const uint64_t> mount_ids) {
  Mounted& mounted = mounts_[dev];
  if (std::ranges::find_first_of(mounted.mount_ids, mount_ids) == mounted.mount_ids.end()) mounted.key = Next();
  mounted.mount_ids.assign(mount_ids.begin(), mount_ids.end());
  return mounted.key;
}

FilesystemKey UserFilesystems::OfName(const std::string& type, const std::string& name, uint32_t uid) {
  FilesystemKey& key = names_[{type, name, uid}];
  if (key.value == 0) key = Next();
  return key;
}

Result<FilesystemKey> UserFilesystems::OfMarkedName(const std::string& type, const std::string& name, uint32_t uid,
                                                    uid_t asker) {
  if (asker != 0 && !names_.contains({type, name, uid})) {
    size_t& marked = marked_names_[asker];
    if (marked >= kMaxMarkedNames)
      return Error{"this user has marked " + std::to_string(marked) + " names, and may not mark more", EDQUOT};
    ++marked;
  }
  return OfName(type, name, uid);
}

}  // namespace fsherald
