// SPDX-License-Identifier: MIT
// What is asked of a PathFinder, and what it answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "filesystem/filesystem.h"
#include "record/notification.h"

namespace fsherald {

struct PathQuery {
  uint32_t filesystem_key = 0;
  FilesystemInfo filesystem;
  std::string access_path;  // of the Mounting
  bool access_is_root = false;
  const FilesystemModule* module = nullptr;
  // A place on the device `place_on` of the file system: whose it is, is asked too; `inode` is not known then.
  std::optional<Range> place;
  std::optional<DeviceNumber> place_on;
  uint64_t inode = 0;
  std::optional<uint64_t> root;  // the subvolume that the inode's number is of, where the file system has several
  std::optional<uint32_t> generation;
  std::optional<Task> task;
  bool loadable = true;  // FilesystemModule::object_is_loadable
};

struct FoundPath {
  // Below the mount point that the file system is entered by (access_path), or below the first where that one belongs
  // to another mount namespace. Empty: no way found it.
  std::optional<std::string> path;
  std::optional<PathSource> source;
  std::optional<uint32_t> generation;
  // Whose the place is, if that was asked, and which bytes of it those are. Empty: not known for certain.
  std::optional<uint64_t> inode = {};
  std::optional<Range> range = {};
  friend bool operator==(const FoundPath&, const FoundPath&) = default;
};

}  // namespace fsherald
