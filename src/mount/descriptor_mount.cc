// SPDX-License-Identifier: MIT
#include "mount/descriptor_mount.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>
#include <string_view>

#include "mount/mount_info.h"

namespace fsherald {
namespace {

bool AnyType(std::string_view) { return true; }

// The number behind `key` at the beginning of `text`.
template <typename Number>
std::optional<Number> NumberBehind(std::string_view key, std::string_view text) {
  if (!text.starts_with(key)) return std::nullopt;
  text.remove_prefix(key.size());
  Number number{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// fdinfo has it as "mnt_id:\t29" (proc(5)); it asks nothing of the file system.
Result<uint64_t> MountIdOf(int fd, const std::string& proc_root) {
  const std::string path = proc_root + "/self/fdinfo/" + std::to_string(fd);
  std::ifstream info(path);
  if (!info) return ErrnoError("read", path, EBADF);
  for (std::string line; std::getline(info, line);)
    if (const auto id = NumberBehind<uint64_t>("mnt_id:\t", line)) return *id;
  return Error{path + " does not say on which mount the descriptor is", 0};
}

// A process can fill its own table with any number of mounts: of that, no more is read than this.
constexpr size_t kMaxPeerBytes = 1 << 20;

// "61 29 0:52 ...": a mount's id and its device.
struct IdAndDevice {
  uint64_t id = 0;
  std::string device;
};
IdAndDevice Beginning(const std::string& line) {
  IdAndDevice found;
  uint64_t parent = 0;
  std::istringstream(line) >> found.id >> parent >> found.device;
  return found;
}

std::optional<DescriptorMount> FindMount(uint64_t id, const std::string& mountinfo, size_t max_bytes) {
  std::ifstream file(mountinfo);
  std::vector<IdAndDevice> mounts;
  std::optional<MountInfoLine> found;
  std::string device;
  size_t bytes = 0;
  for (std::string line; bytes < max_bytes && std::getline(file, line); bytes += line.size()) {
    mounts.push_back(Beginning(line));
    if (mounts.back().id != id) continue;
    found = ParseMountInfoLine(line);
    device = mounts.back().device;
  }
  if (!found) return std::nullopt;
  std::vector<uint64_t> ids;
  for (const IdAndDevice& mount : mounts)
    if (mount.device == device) ids.push_back(mount.id);
  return DescriptorMount{.mount_id = id,
                         .mount_ids = std::move(ids),
                         .dev = found->dev,
                         .type = std::move(found->type),
                         .source = std::move(found->source),
                         .mount_point = std::move(found->target),
                         .super_options = std::move(found->super_options)};
}

}  // namespace

bool DescriptorMount::is_fuse() const { return type == "fuse" || type == "fuseblk" || type.starts_with("fuse."); }

std::optional<uint32_t> DescriptorMount::fuse_user_id() const {
  if (!is_fuse()) return std::nullopt;
  for (std::string_view options = super_options; !options.empty();) {
    const size_t end = std::min(options.find(','), options.size());
    if (const auto id = NumberBehind<uint32_t>("user_id=", options.substr(0, end))) return id;
    options.remove_prefix(std::min(end + 1, options.size()));
  }
  return std::nullopt;
}

// A mount's id is the machine's, not its namespace's: what it names in one table, it names in all.
Result<DescriptorMount> FindMountOf(int fd, std::optional<pid_t> peer, const std::string& proc_root) {
  const auto id = MountIdOf(fd, proc_root);
  if (!id) return id.error();
  if (auto mount = FindMount(*id, proc_root + "/self/mountinfo", SIZE_MAX)) return std::move(*mount);
  if (peer)
    if (auto mount = FindMount(*id, proc_root + '/' + std::to_string(*peer) + "/mountinfo", kMaxPeerBytes))
      return std::move(*mount);
  return Error{
      "the descriptor's mount is in no mount table that can be seen: it has been unmounted, or never was mounted", 0};
}

Result<std::vector<std::string>> MountPointsOf(DeviceNumber dev, const std::string& proc_root) {
  auto lines = ReadMountInfo(proc_root + "/self/mountinfo", AnyType);
  if (!lines) return lines.error();
  std::vector<std::string> points;
  for (MountInfoLine& line : *lines)
    if (line.dev == dev) points.push_back(std::move(line.target));
  std::ranges::sort(points, [](const std::string& a, const std::string& b) {
    return std::pair(a.size(), std::string_view(a)) < std::pair(b.size(), std::string_view(b));
  });
  points.erase(std::unique(points.begin(), points.end()), points.end());
  return points;
}

}  // namespace fsherald
