// SPDX-License-Identifier: MIT
#include "daemon/user_filesystems.h"

namespace fsherald {

FilesystemKey UserFilesystems::OfMount(DeviceNumber dev, uint64_t mount_id) {
  FilesystemKey& key = mounts_[{dev, mount_id}];
  if (key.value == 0) key = Next();
  return key;
}

FilesystemKey UserFilesystems::OfName(const std::string& type, const std::string& name, uint32_t uid) {
  FilesystemKey& key = names_[{type, name, uid}];
  if (key.value == 0) key = Next();
  return key;
}

}  // namespace fsherald
