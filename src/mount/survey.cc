// SPDX-License-Identifier: MIT
#include "mount/survey.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <utility>

#include "mount/sysfs.h"

namespace fsherald {
namespace {

std::vector<std::string> MountPoints(const std::vector<MountInfoLine>& entries) {
  std::vector<std::string> points;
  for (const MountInfoLine& entry : entries) points.push_back(entry.target);
  std::sort(points.begin(), points.end(), [](const std::string& a, const std::string& b) {
    return std::pair(a.size(), std::string_view(a)) < std::pair(b.size(), std::string_view(b));
  });
  points.erase(std::unique(points.begin(), points.end()), points.end());
  return points;
}

class Surveyor {
 public:
  Surveyor(const SurveyOptions& options, const KnownMountings& known) : options_(options), known_(known) {}
  Observations Observe(std::vector<MountInfoLine> entries) const;

 private:
  Observation ObserveMounts(DeviceNumber dev, const std::vector<MountInfoLine>& entries) const;
  std::string NameOf(DeviceNumber dev, const MountInfoLine& entry) const;
  void AddSuperblocks(Observations& seen) const;
  std::optional<DeviceNumber> DeviceOf(const FilesystemDirectory& directory) const;
  void AddLost(Observations& seen) const;
  std::optional<Access> AccessOfBefore(DeviceNumber dev) const;
  void ReachThroughOthers(Observations& seen) const;
  void Identify(Observations& seen) const;

  const SurveyOptions& options_;
  const KnownMountings& known_;
};

// The name by sysfs; that of the mounting so far, where the device has been taken out under it; else that of the block
// device it was mounted from (a file system of several devices has a device number of its own).
std::string Surveyor::NameOf(DeviceNumber dev, const MountInfoLine& entry) const {
  std::string name = BlockDeviceName(options_.sys_root, dev);
  if (!name.empty()) return name;
  if (const auto before = known_.find(dev); before != known_.end()) return before->second.mounting->info.device;
  struct stat status {};
  if (entry.source.starts_with('/') && ::stat(entry.source.c_str(), &status) == 0 && S_ISBLK(status.st_mode)) {
    return BlockDeviceName(options_.sys_root, {major(status.st_rdev), minor(status.st_rdev)});
  }
  return {};
}

Observation Surveyor::ObserveMounts(DeviceNumber dev, const std::vector<MountInfoLine>& entries) const {
  Observation seen;
  seen.info.type = entries.front().type;
  seen.info.device = NameOf(dev, entries.front());
  seen.info.dev = dev;
  seen.info.mounts = MountPoints(entries);
  for (const MountInfoLine& entry : entries) seen.traits.mount_ids.insert(entry.id);
  seen.access = ChooseAccess(entries, "");
  return seen;
}

std::optional<DeviceNumber> Surveyor::DeviceOf(const FilesystemDirectory& directory) const {
  if (auto dev = BlockDeviceNumber(options_.sys_root, directory.name)) return dev;
  for (const auto& [dev, before] : known_) {
    if (before.traits->instance == directory.instance && before.mounting->info.device == directory.name) return dev;
  }
  return std::nullopt;
}

// Those that sysfs knows: the instances of what is mounted here, and what is mounted elsewhere.
void Surveyor::AddSuperblocks(Observations& seen) const {
  std::map<std::pair<std::string, std::string>, Observation*> by_name;
  for (auto& [dev, observation] : seen) by_name[{observation.info.type, observation.info.device}] = &observation;
  for (const FilesystemDirectory& directory : ListFilesystemDirectories(options_.sys_root, options_.wanted)) {
    const auto known = by_name.find({directory.type, directory.name});
    if (known != by_name.end()) {
      known->second->traits.instance = directory.instance;
      continue;
    }
    const auto dev = DeviceOf(directory);
    if (!dev || seen.contains(*dev)) continue;
    Observation& elsewhere = seen[*dev];
    elsewhere.info.type = directory.type;
    elsewhere.info.device = directory.name;
    elsewhere.info.dev = dev;
    elsewhere.traits.instance = directory.instance;
  }
}

// What was mounted, stands nowhere now, and has no directory in sysfs that would tell its end: it can be mounted in
// another namespace still. Kept only if a way to it is found there.
void Surveyor::AddLost(Observations& seen) const {
  for (const auto& [dev, before] : known_) {
    if (before.traits->instance || seen.contains(dev)) continue;
    Observation& lost = seen[dev];
    lost.info = before.mounting->info;
    lost.info.mounts.clear();
  }
}

// The way through another process that was found before, if it still leads there.
std::optional<Access> Surveyor::AccessOfBefore(DeviceNumber dev) const {
  const auto before = known_.find(dev);
  if (before == known_.end() || !before->second.traits->mount_ids.empty()) return std::nullopt;
  const Mounting& mounting = *before->second.mounting;
  if (mounting.access_path.empty()) return std::nullopt;
  const auto reached = Reach(mounting.access_path);
  if (!reached || reached->dev != dev || reached->fsid != mounting.info.fsid) return std::nullopt;
  return Access{mounting.access_path, mounting.access_is_root, *reached};
}

void Surveyor::ReachThroughOthers(Observations& seen) const {
  std::set<DeviceNumber> missing;
  for (auto& [dev, observation] : seen) {
    if (observation.access) continue;
    observation.access = AccessOfBefore(dev);  // asked first: it saves looking through all processes
    if (!observation.access) missing.insert(dev);
  }
  if (missing.empty()) return;
  for (auto& [dev, access] : FindInOtherNamespaces(options_.proc_root, missing, options_.wanted)) {
    seen[dev].access = std::move(access);
  }
}

void Surveyor::Identify(Observations& seen) const {
  for (auto& [dev, observation] : seen) {
    if (!observation.access) continue;
    observation.info.fsid = observation.access->reached.fsid;
    if (observation.traits.instance) continue;
    observation.traits.access_mount_id = observation.access->reached.mount_id;
    observation.traits.access_unique_id = UniqueMountId(observation.access->path);
  }
}

Observations Surveyor::Observe(std::vector<MountInfoLine> entries) const {
  std::map<DeviceNumber, std::vector<MountInfoLine>> by_device;
  for (MountInfoLine& entry : entries) by_device[entry.dev].push_back(std::move(entry));
  Observations seen;
  for (const auto& [dev, mounts] : by_device) seen[dev] = ObserveMounts(dev, mounts);
  AddSuperblocks(seen);
  AddLost(seen);
  ReachThroughOthers(seen);
  Identify(seen);
  std::erase_if(seen, [](const auto& item) {
    const Observation& observation = item.second;
    return observation.info.mounts.empty() && !observation.traits.instance && !observation.access;
  });
  return seen;
}

}  // namespace

Observations Survey(const SurveyOptions& options, std::vector<MountInfoLine> entries, const KnownMountings& known) {
  return Surveyor(options, known).Observe(std::move(entries));
}

}  // namespace fsherald
