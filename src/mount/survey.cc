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

std::vector<std::string_view> Options(std::string_view text) {
  std::vector<std::string_view> options;
  for (size_t end = 0; !text.empty(); text.remove_prefix(std::min(end + 1, text.size()))) {
    end = std::min(text.find(','), text.size());
    options.push_back(text.substr(0, end));
  }
  return options;
}

class Surveyor {
 public:
  Surveyor(const SurveyOptions& options, const MountTree& tree, const KnownMountings& known)
      : options_(options), tree_(tree), known_(known) {}
  Sightings Observe(const std::vector<MountInfoLine>& entries) const;

 private:
  Sighting ObserveMounts(DeviceNumber dev, const std::vector<MountInfoLine>& entries) const;
  void NameDevice(Sighting& seen, const std::string& source) const;
  std::string NameOfSource(const std::string& source) const;
  std::vector<BlockDevice> Numbered(const std::vector<std::string>& names) const;
  void AddSuperblocks(Sightings& seen) const;
  Sighting* FindIn(Sightings& seen, const FilesystemDirectory& directory) const;
  void AddDirectory(Sighting& seen, const FilesystemDirectory& directory) const;
  std::optional<DeviceNumber> DeviceOf(const FilesystemDirectory& directory) const;
  bool IsKnownAs(DeviceNumber dev, const FilesystemDirectory& directory) const;
  void AddLost(Sightings& seen) const;
  std::optional<Access> AccessOfBefore(DeviceNumber dev) const;
  void ReachThroughOthers(Sightings& seen) const;
  void Identify(Sightings& seen) const;

  const SurveyOptions& options_;
  const MountTree& tree_;
  const KnownMountings& known_;
};

// The kernel's name of the block device that a mount's source is the node of, or a link to it; empty: it is none.
std::string Surveyor::NameOfSource(const std::string& source) const {
  constexpr std::string_view kNodes = "/dev/";
  if (!source.starts_with(kNodes)) return {};
  const std::string node = options_.dev_root + source.substr(kNodes.size() - 1);
  struct stat status {};
  if (::stat(node.c_str(), &status) == 0 && S_ISBLK(status.st_mode))
    return BlockDeviceName(options_.sys_root, {major(status.st_rdev), minor(status.st_rdev)});
  std::string name = node.substr(node.rfind('/') + 1);
  return BlockDeviceNumber(options_.sys_root, name) ? name : std::string();
}

// By sysfs. Where that does not have the number, the device has been taken out under the file system, and the name stays
// as it was; or it is a number of the file system's own, and the mount's source says more.
void Surveyor::NameDevice(Sighting& seen, const std::string& source) const {
  const DeviceNumber dev = *seen.info.dev;
  const auto before = known_.find(dev);
  if (std::string name = BlockDeviceName(options_.sys_root, dev); !name.empty()) {
    seen.devices = {{name, dev}};
    seen.info.device = std::move(name);
  } else if (dev.major != 0 && before != known_.end()) {
    seen.devices = before->second.mounting->devices;
    seen.info.device = before->second.mounting->info.device;
  } else if (std::string of_source = seen.may_hang ? std::string() : NameOfSource(source); !of_source.empty()) {
    seen.devices = Numbered({of_source});
    seen.info.device = std::move(of_source);
  } else if (dev.major == 0 || seen.may_hang) {
    seen.info.device = source;
  }
}

std::vector<BlockDevice> Surveyor::Numbered(const std::vector<std::string>& names) const {
  std::vector<BlockDevice> devices;
  for (const std::string& name : names)
    if (const auto dev = BlockDeviceNumber(options_.sys_root, name)) devices.push_back({name, *dev});
  return devices;
}

Sighting Surveyor::ObserveMounts(DeviceNumber dev, const std::vector<MountInfoLine>& entries) const {
  Sighting seen;
  seen.info.type = entries.front().type;
  seen.info.dev = dev;
  seen.info.mounts = MountPoints(entries);
  seen.super_options = SharedOptions(entries);
  seen.read_only_mounts = CountReadOnly(entries);
  seen.may_hang = options_.may_hang(seen.info.type);
  NameDevice(seen, entries.front().source);
  for (const MountInfoLine& entry : entries) seen.traits.mount_ids.insert(entry.id);
  if (!seen.may_hang) seen.access = ChooseAccess(entries, "", tree_);
  return seen;
}

bool Surveyor::IsKnownAs(DeviceNumber dev, const FilesystemDirectory& directory) const {
  const auto before = known_.find(dev);
  return before != known_.end() && before->second.traits->instance == directory.instance;
}

std::optional<DeviceNumber> Surveyor::DeviceOf(const FilesystemDirectory& directory) const {
  if (auto dev = BlockDeviceNumber(options_.sys_root, directory.name)) return dev;
  for (const auto& [dev, before] : known_)
    if (IsKnownAs(dev, directory)) return dev;
  return std::nullopt;
}

// What is mounted here and has this directory: one of its block devices names it, or is named in it. The type does not
// matter: what is mounted as ext3 has its directory among those of ext4.
Sighting* Surveyor::FindIn(Sightings& seen, const FilesystemDirectory& directory) const {
  for (auto& [dev, observation] : seen) {
    if (observation.may_hang) continue;
    if (IsKnownAs(dev, directory)) return &observation;
    for (const BlockDevice& device : observation.devices) {
      if (directory.name == device.name || std::ranges::binary_search(directory.devices, device.name))
        return &observation;
    }
  }
  return nullptr;
}

void Surveyor::AddDirectory(Sighting& seen, const FilesystemDirectory& directory) const {
  seen.traits.instance = directory.instance;
  seen.traits.directory = directory.type + '/' + directory.name;
  if (directory.devices.empty()) return;
  // The kernel names it in its messages after the device that was the latest at the mount(2), also when that one has been
  // removed since.
  if (IsKnownAs(*seen.info.dev, directory)) seen.info.device = known_.at(*seen.info.dev).mounting->info.device;
  seen.devices = Numbered(directory.devices);
  seen.info.uuid = ParseUuid(directory.name);
}

// Those that sysfs knows: the instances of what is mounted here, and what is mounted elsewhere.
void Surveyor::AddSuperblocks(Sightings& seen) const {
  const auto can_have_one = [&](std::string_view type) { return options_.wanted(type) && !options_.may_hang(type); };
  for (const FilesystemDirectory& directory : ListFilesystemDirectories(options_.sys_root, can_have_one)) {
    if (Sighting* here = FindIn(seen, directory)) {
      AddDirectory(*here, directory);
      continue;
    }
    const auto dev = DeviceOf(directory);
    if (!dev || seen.contains(*dev)) continue;
    Sighting& elsewhere = seen[*dev];
    elsewhere.info.type = directory.type;
    elsewhere.info.device = directory.name;
    elsewhere.info.dev = dev;
    if (directory.devices.empty()) elsewhere.devices = {{directory.name, *dev}};
    AddDirectory(elsewhere, directory);
  }
}

// What was mounted, stands nowhere now, and has no directory in sysfs that would tell its end: it can be mounted in
// another namespace still. Kept only if a way to it is found there.
void Surveyor::AddLost(Sightings& seen) const {
  for (const auto& [dev, before] : known_) {
    if (before.traits->instance || seen.contains(dev) || options_.may_hang(before.mounting->info.type)) continue;
    Sighting& lost = seen[dev];
    lost.info = before.mounting->info;
    lost.devices = before.mounting->devices;
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

void Surveyor::ReachThroughOthers(Sightings& seen) const {
  std::set<DeviceNumber> missing;
  for (auto& [dev, observation] : seen) {
    if (observation.access || observation.may_hang) continue;
    observation.access = AccessOfBefore(dev);  // asked first: it saves looking through all processes
    const auto before = known_.find(dev);
    const bool is_lost = observation.info.mounts.empty() && !observation.traits.instance;
    const bool look = is_lost || before == known_.end() || before->second.look_elsewhere;
    if (!observation.access && look) missing.insert(dev);
  }
  if (missing.empty()) return;
  for (auto& [dev, access] : FindInOtherNamespaces(options_.proc_root, missing, options_.wanted, options_.may_hang)) {
    seen[dev].access = std::move(access);
  }
}

void Surveyor::Identify(Sightings& seen) const {
  for (auto& [dev, observation] : seen) {
    if (!observation.access) continue;
    observation.info.fsid = observation.access->reached.fsid;
    if (observation.traits.instance) continue;
    observation.traits.access_mount_id = observation.access->reached.mount_id;
    observation.traits.access_unique_id = UniqueMountId(observation.access->path);
  }
}

Sightings Surveyor::Observe(const std::vector<MountInfoLine>& entries) const {
  std::map<DeviceNumber, std::vector<MountInfoLine>> by_device;
  for (const MountInfoLine& entry : entries)
    if (options_.wanted(entry.type)) by_device[entry.dev].push_back(entry);
  Sightings seen;
  for (const auto& [dev, mounts] : by_device) seen[dev] = ObserveMounts(dev, mounts);
  AddSuperblocks(seen);
  AddLost(seen);
  ReachThroughOthers(seen);
  Identify(seen);
  std::erase_if(seen, [](const auto& item) {
    const Sighting& observation = item.second;
    return observation.info.mounts.empty() && !observation.traits.instance && !observation.access;
  });
  return seen;
}

}  // namespace

std::string SharedOptions(const std::vector<MountInfoLine>& entries) {
  std::vector<std::string_view> shared = Options(entries.front().super_options);
  for (const MountInfoLine& entry : entries) {
    if (entry.super_options == entries.front().super_options) continue;
    const std::vector<std::string_view> here = Options(entry.super_options);
    std::erase_if(shared, [&](std::string_view option) { return std::ranges::find(here, option) == here.end(); });
  }
  std::string text;
  for (const std::string_view option : shared) text.append(text.empty() ? "" : ",").append(option);
  return text;
}

size_t CountReadOnly(const std::vector<MountInfoLine>& entries) {
  return static_cast<size_t>(std::ranges::count(entries, true, &MountInfoLine::read_only));
}

Sightings Survey(const SurveyOptions& options, const std::vector<MountInfoLine>& entries, const MountTree& tree,
                 const KnownMountings& known) {
  return Surveyor(options, tree, known).Observe(entries);
}

}  // namespace fsherald
