// SPDX-License-Identifier: MIT
// What stands mounted at one moment, put together from our mount table, sysfs and other processes' mount tables. All the
// looking is here; what has changed since the last time, the mount table decides.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mount/access.h"
#include "mount/mount_info.h"
#include "mount/mount_table.h"
#include "mount/mount_tree.h"

namespace fsherald {

// What tells one mounting from the next on the same device number; each empty where it is not known.
struct Traits {
  std::optional<uint64_t> instance;  // FilesystemDirectory::instance
  std::string directory;             // "TYPE/NAME", of the instance
  std::set<uint64_t> mount_ids;      // in our mount namespace
  std::optional<uint64_t> access_mount_id;
  std::optional<uint64_t> access_unique_id;  // of the same mount; asked for only where there is no instance
};

// What one Refresh sees of one device.
struct Sighting {
  FilesystemInfo info;  // the uuid only where sysfs tells it
  std::vector<BlockDevice> devices;
  std::optional<std::string> super_options;  // empty: in no mount table of ours
  size_t read_only_mounts = 0;
  bool may_hang = false;  // it must not be asked anything
  Traits traits;
  std::optional<Access> access;
};
using Sightings = std::map<DeviceNumber, Sighting>;

// What is known from the survey before, by device.
struct KnownMounting {
  const Mounting* mounting = nullptr;
  const Traits* traits = nullptr;
  bool look_elsewhere = true;  // where it cannot be reached: whether the mount tables of others are to be read for it
};
using KnownMountings = std::map<DeviceNumber, KnownMounting>;

struct SurveyOptions {
  const std::string& proc_root;
  const std::string& sys_root;
  const std::string& dev_root;
  const std::function<bool(std::string_view type)>& wanted;
  const std::function<bool(std::string_view type)>& may_hang;
};

// What all mounts of one file system show: some put an option of the single mount among them (btrfs: subvol).
std::string SharedOptions(const std::vector<MountInfoLine>& entries);

// How many of its mounts are read-only themselves.
size_t CountReadOnly(const std::vector<MountInfoLine>& entries);

// `entries` is our whole mount table, read just before, and `tree` is made of it.
Sightings Survey(const SurveyOptions& options, const std::vector<MountInfoLine>& entries, const MountTree& tree,
                 const KnownMountings& known);

}  // namespace fsherald
