// SPDX-License-Identifier: MIT
#include "cli/status_gather.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/clock.h"
#include "filesystem/filesystem_type.h"
#include "mount/access.h"
#include "mount/mount_info.h"
#include "mount/mount_table.h"

namespace fsherald {
namespace {

constexpr std::string_view kMountInfo = "/proc/self/mountinfo";

// Whether a path is the mount point, or lies below it.
bool IsBelow(const std::string& path, const std::string& mount) {
  return mount == "/" || path == mount || path.starts_with(mount + "/");
}

class Gatherer {
 public:
  explicit Gatherer(const MountTable& mounts, std::vector<MountInfoLine> lines)
      : mounts_(mounts), lines_(std::move(lines)) {
    for (const MountInfoLine& line : lines_) sources_.try_emplace(line.dev, line.source);
  }

  FilesystemStatus StatusOf(const Mounting& mounting) const {
    FilesystemStatus status{.info = mounting.info, .super_options = mounting.super_options};
    status.node = NodeOf(mounting);
    status.evidence.mount = MountStateOf({mounting.info.type, mounting.super_options, mounting.read_only_mounts});
    status.read.push_back("mount options");
    if (!IsRemoteOrUser(mounting.info.type)) status.evidence.answers_shut_down = AnswersShutDown(mounting);
    if (status.evidence.answers_shut_down) status.not_read.push_back("anything else: it answers nothing any more");
    else Add(ReadSelfReport(mounting.info, mounting.access_path, mounting.super_options), status);
    return status;
  }

  // The file system of a path. One that is shut down answers no question about it: then the mount points tell.
  Result<FilesystemStatus> Find(const std::string& path) const {
    Result<const Mounting*> found = mounts_.FindByPath(path);
    if (found) return StatusOf(**found);
    if (found.error().code == EIO)
      if (const Mounting* mounting = ByMountPoint(path)) return StatusOf(*mounting);
    if (found.error().code == 0)
      if (std::optional<FilesystemStatus> pseudo = FindPseudo(path)) return std::move(*pseudo);
    return found.error();
  }

 private:
  static void Add(SelfReport report, FilesystemStatus& status) {
    status.evidence.counters = std::move(report.counters);
    status.evidence.has_sick_structures = report.has_sick_structures;
    status.evidence.covered = report.covered;
    status.evidence.coverable = report.coverable;
    status.counts_warnings = report.counts_warnings;
    status.refused = report.refused;
    status.details = std::move(report.details);
    for (std::string& word : report.read) status.read.push_back(std::move(word));
    status.not_read = std::move(report.not_read);
  }

  // As the administrator named it; the kernel's name has '!' for a '/'.
  std::string NodeOf(const Mounting& mounting) const {
    const auto source = sources_.find(*mounting.info.dev);
    if (source != sources_.end() && source->second.starts_with("/dev/") && source->second != "/dev/root")
      return source->second;
    std::string node = "/dev/" + mounting.info.device;
    std::ranges::replace(node, '!', '/');
    return node;
  }

  // XFS that has shut itself down shows it nowhere, but answers each stat(2) with EIO; its root is in memory, so no device is
  // asked. FindByPath asks nothing that may hang.
  bool AnswersShutDown(const Mounting& mounting) const {
    if (mounting.info.type != "xfs") return false;
    return std::ranges::any_of(mounting.info.mounts, [&](const std::string& mount) {
      const bool is_on_top = TopOf(mount) == mounting.info.dev;
      Result<const Mounting*> found = mounts_.FindByPath(mount);
      return is_on_top && !found && found.error().code == EIO;
    });
  }

  // The device of what was mounted last at a mount point.
  std::optional<DeviceNumber> TopOf(const std::string& mount) const {
    const auto line =
        std::find_if(lines_.rbegin(), lines_.rend(), [&](const MountInfoLine& each) { return each.target == mount; });
    return line == lines_.rend() ? std::nullopt : std::optional(line->dev);
  }

  const Mounting* ByMountPoint(const std::string& path) const {
    std::error_code error;
    std::string absolute = std::filesystem::absolute(path, error).lexically_normal().string();
    if (absolute.size() > 1 && absolute.ends_with('/')) absolute.pop_back();
    const MountInfoLine* best = nullptr;
    for (const MountInfoLine& line : lines_) {
      if (!IsBelow(absolute, line.target)) continue;
      if (best == nullptr || line.target.size() >= best->target.size()) best = &line;
    }
    if (best == nullptr) return nullptr;
    for (const Mounting* mounting : mounts_.mounted())
      if (mounting->info.dev == best->dev) return mounting;
    return nullptr;
  }

  // A type without storage is in no table of ours. Only the mount that the path ends on is looked up.
  std::optional<FilesystemStatus> FindPseudo(const std::string& path) const {
    const std::optional<uint64_t> mount_id = MountIdOf(path);
    const auto line = std::ranges::find_if(
        lines_, [&](const MountInfoLine& each) { return each.id == mount_id && IsPseudoFilesystem(each.type); });
    if (line == lines_.end()) return std::nullopt;
    FilesystemStatus status{
        .info = {.type = line->type, .device = line->source, .dev = line->dev, .mounts = {line->target}},
        .super_options = line->super_options};
    Add(ReadSelfReport(status.info, "", line->super_options), status);
    return status;
  }

  const MountTable& mounts_;
  std::vector<MountInfoLine> lines_;
  std::map<DeviceNumber, std::string> sources_;
};

bool HasStorageHere(const Mounting& mounting) {
  return !mounting.info.mounts.empty() || !mounting.access_path.empty() || !mounting.devices.empty();
}

}  // namespace

Result<std::vector<FilesystemStatus>> GatherStatus(const std::vector<std::string>& paths) {
  auto mounts = MountTable::Open(
      {.wanted = [](std::string_view type) { return !IsPseudoFilesystem(type); }, .may_hang = IsRemoteOrUser});
  if (!mounts) return mounts.error();
  if (auto refreshed = (*mounts)->Refresh(BoottimeNowNs()); !refreshed) return refreshed.error();
  auto lines = ReadMountInfo(std::string(kMountInfo), [](std::string_view) { return true; });
  if (!lines) return lines.error();
  const Gatherer gatherer(**mounts, std::move(*lines));

  std::vector<FilesystemStatus> found;
  if (paths.empty())
    for (const Mounting* mounting : (*mounts)->mounted())
      if (HasStorageHere(*mounting)) found.push_back(gatherer.StatusOf(*mounting));
  std::ranges::stable_sort(found, {}, [](const FilesystemStatus& status) {
    return status.info.mounts.empty() ? std::string("\xff") : status.info.mounts.front();  // the unseen ones last
  });
  for (const std::string& path : paths) {
    Result<FilesystemStatus> status = gatherer.Find(path);
    if (!status) return status.error();
    const bool is_there =
        std::ranges::any_of(found, [&](const FilesystemStatus& each) { return each.info.dev == status->info.dev; });
    if (!is_there) found.push_back(std::move(*status));
  }
  const int64_t boot_utc_s = SplitUtcNs(UtcFromBoottimeNs(0)).seconds;
  for (FilesystemStatus& status : found) status.health = status.own = HealthOf(status.evidence, boot_utc_s);
  return found;
}

}  // namespace fsherald
