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

namespace fsherald {

// What tells one mounting from the next on the same device number; each empty where it is not known.
struct Traits {
  std::optional<uint64_t> instance;  // FilesystemDirectory::instance
  std::set<uint64_t> mount_ids;      // in our mount namespace
  std::optional<uint64_t> access_mount_id;
  std::optional<uint64_t> access_unique_id;  // of the same mount; asked for only where there is no instance
};

// What one Refresh sees of one device.
struct Observation {
  FilesystemInfo info;  // without uuid
  Traits traits;
  std::optional<Access> access;
};
using Observations = std::map<DeviceNumber, Observation>;

// What is known from the survey before, by device.
struct KnownMounting {
  const Mounting* mounting = nullptr;
  const Traits* traits = nullptr;
};
using KnownMountings = std::map<DeviceNumber, KnownMounting>;

struct SurveyOptions {
  const std::string& proc_root;
  const std::string& sys_root;
  const std::function<bool(std::string_view type)>& wanted;
};

// `entries` is our mount table, read just before.
Observations Survey(const SurveyOptions& options, std::vector<MountInfoLine> entries, const KnownMountings& known);

}  // namespace fsherald
