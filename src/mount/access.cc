// SPDX-License-Identifier: MIT
#include "mount/access.h"

#include <blkid.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>

#include "base/fd.h"
#include "mount/kernel_compat.h"

namespace fsherald {
namespace {

std::optional<Fsid> FsidOf(const struct statfs& state) {
  const Fsid fsid{static_cast<uint32_t>(state.f_fsid.__val[0]), static_cast<uint32_t>(state.f_fsid.__val[1])};
  if (fsid == Fsid{}) return std::nullopt;
  return fsid;
}

// The number in the link proc/PID/ns/mnt ("mnt:[4026531841]"), as text.
std::optional<std::string> MountNamespace(const std::string& process) {
  std::error_code error;
  const auto link = std::filesystem::read_symlink(process + "/ns/mnt", error);
  if (error) return std::nullopt;
  return link.string();
}

bool IsNumber(const std::string& name) { return name.find_first_not_of("0123456789") == std::string::npos; }

std::vector<std::string> Processes(const std::string& proc_root) {
  std::vector<std::string> found;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(proc_root, error), end; !error && entry != end;
       entry.increment(error)) {
    std::string name = entry->path().filename().string();
    if (IsNumber(name)) found.push_back(proc_root + "/" + name);
  }
  return found;
}

std::optional<Uuid> UuidByIoctl(int fd) {
  Uuid uuid;
  KernelFsUuid any{};
  if (::ioctl(fd, kIoctlGetFsUuid, &any) == 0 && any.length == uuid.bytes.size()) {
    std::copy(std::begin(any.uuid), std::end(any.uuid), uuid.bytes.begin());
    return uuid;
  }
  KernelExt4Uuid ext4{.length = sizeof(ext4.uuid), .flags = 0, .uuid = {}};
  if (::ioctl(fd, kIoctlGetExt4Uuid, &ext4) == 0 && ext4.length == uuid.bytes.size()) {
    std::copy(std::begin(ext4.uuid), std::end(ext4.uuid), uuid.bytes.begin());
    return uuid;
  }
  return std::nullopt;
}

// Empty: before Linux 5.8. Errors: as stat(2) gives them.
Result<std::optional<uint64_t>> AskMountId(const std::string& path) {
  struct statx status {};
  constexpr int kAskNobody = AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
  if (::statx(AT_FDCWD, path.c_str(), kAskNobody, STATX_MNT_ID, &status) != 0) return ErrnoError("stat", path);
  if ((status.stx_mask & STATX_MNT_ID) == 0) return std::optional<uint64_t>();
  return std::optional<uint64_t>(status.stx_mnt_id);
}

bool AnyType(std::string_view) { return true; }

}  // namespace

std::optional<Reached> Reach(const std::string& path) {
  struct statx status {};
  if (::statx(AT_FDCWD, path.c_str(), AT_NO_AUTOMOUNT, STATX_TYPE | STATX_MNT_ID, &status) != 0) return std::nullopt;
  struct statfs state {};
  if (::statfs(path.c_str(), &state) != 0) return std::nullopt;
  Reached reached;
  reached.dev = {status.stx_dev_major, status.stx_dev_minor};
  reached.fsid = FsidOf(state);
  if ((status.stx_mask & STATX_MNT_ID) != 0) reached.mount_id = status.stx_mnt_id;
  reached.is_directory = S_ISDIR(status.stx_mode);
  reached.is_regular = S_ISREG(status.stx_mode);
  return reached;
}

std::optional<uint64_t> MountIdOf(const std::string& path) {
  const Result<std::optional<uint64_t>> id = AskMountId(path);
  return id ? *id : std::nullopt;
}

Result<uint64_t> MountOfPath(const std::string& path, const MountTree& tree) {
  std::error_code error;
  const MountTree::Walk walk = tree.Follow(std::filesystem::absolute(path, error).string());
  if (walk.stuck_on) return *walk.stuck_on;
  if (walk.mount_id && tree.MayHang(*walk.mount_id)) return *walk.mount_id;
  const Result<std::optional<uint64_t>> id = AskMountId(path);
  if (id && *id) return **id;
  // By the tree: without symbolic links.
  if (walk.mount_id && (id || id.error().code == EIO)) return *walk.mount_id;
  if (!id) return id.error();
  return Error{path + " leads through a link, and this kernel (before 5.8) does not tell on which mount it ends", 0};
}

std::optional<uint64_t> UniqueMountId(const std::string& path) {
  struct statx status {};
  if (::statx(AT_FDCWD, path.c_str(), AT_NO_AUTOMOUNT, kStatxMountIdUnique, &status) != 0) return std::nullopt;
  if ((status.stx_mask & kStatxMountIdUnique) == 0) return std::nullopt;
  return status.stx_mnt_id;
}

std::optional<Access> ChooseAccess(const std::vector<MountInfoLine>& entries, const std::string& prefix,
                                   const MountTree& tree) {
  std::vector<const MountInfoLine*> order;
  for (const MountInfoLine& entry : entries)
    if (tree.Reaches(entry)) order.push_back(&entry);
  std::stable_sort(order.begin(), order.end(), [](const MountInfoLine* a, const MountInfoLine* b) {
    return std::pair(a->root != "/", a->target.size()) < std::pair(b->root != "/", b->target.size());
  });
  std::optional<Access> file;
  for (const MountInfoLine* entry : order) {
    std::string path = prefix + entry->target;
    const std::optional<Reached> reached = Reach(path);
    // The mount's number settles it where stat(2) gives another device number than the mount table (btrfs).
    if (!reached || (reached->dev != entry->dev && reached->mount_id != entry->id)) continue;
    Access access{std::move(path), entry->root == "/", *reached};
    if (reached->is_directory) return access;
    if (reached->is_regular && !file) file = std::move(access);
  }
  return file;
}

std::map<DeviceNumber, Access> FindInOtherNamespaces(const std::string& proc_root, std::set<DeviceNumber> devices,
                                                     const std::function<bool(std::string_view)>& wanted,
                                                     const std::function<bool(std::string_view)>& may_hang) {
  std::map<DeviceNumber, Access> found;
  std::set<std::string> visited;
  if (auto own = MountNamespace(proc_root + "/self")) visited.insert(*own);
  for (const std::string& process : Processes(proc_root)) {
    if (devices.empty()) break;
    const auto mount_namespace = MountNamespace(process);
    if (!mount_namespace || visited.contains(*mount_namespace)) continue;
    auto entries = ReadMountInfo(process + "/mountinfo", AnyType);
    if (!entries) continue;  // it has just ended; another one may be in the same namespace
    visited.insert(*mount_namespace);
    std::map<DeviceNumber, std::vector<MountInfoLine>> by_device;
    for (const MountInfoLine& entry : *entries) {
      if (devices.contains(entry.dev) && wanted(entry.type) && !may_hang(entry.type))
        by_device[entry.dev].push_back(entry);
    }
    if (by_device.empty()) continue;
    const MountTree tree(*entries, may_hang, false);
    for (const auto& [dev, mounts] : by_device) {
      auto access = ChooseAccess(mounts, process + "/root", tree);
      if (!access) continue;
      found.emplace(dev, std::move(*access));
      devices.erase(dev);
    }
  }
  return found;
}

std::optional<Uuid> ReadUuid(const Access& access) {
  if (!access.reached.is_directory && !access.reached.is_regular) return std::nullopt;
  Fd fd(::open(access.path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd) return std::nullopt;
  struct statfs state {};
  if (::fstatfs(fd.get(), &state) != 0 || FsidOf(state) != access.reached.fsid) return std::nullopt;
  return UuidByIoctl(fd.get());
}

std::optional<Uuid> ReadUuidFromDevice(const std::string& node, DeviceNumber dev, const std::string& type) {
  Fd fd(::open(node.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd) return std::nullopt;
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0 || !S_ISBLK(status.st_mode)) return std::nullopt;
  if (DeviceNumber{major(status.st_rdev), minor(status.st_rdev)} != dev) return std::nullopt;

  std::unique_ptr<blkid_struct_probe, decltype(&blkid_free_probe)> probe(blkid_new_probe(), blkid_free_probe);
  if (!probe || blkid_probe_set_device(probe.get(), fd.get(), 0, 0) != 0) return std::nullopt;
  std::string name = type;
  char* names[] = {name.data(), nullptr};
  blkid_probe_enable_superblocks(probe.get(), 1);
  blkid_probe_set_superblocks_flags(probe.get(), BLKID_SUBLKS_UUID);
  blkid_probe_filter_superblocks_type(probe.get(), BLKID_FLTR_ONLYIN, names);
  const char* text = nullptr;
  if (blkid_do_safeprobe(probe.get()) != 0) return std::nullopt;
  if (blkid_probe_lookup_value(probe.get(), "UUID", &text, nullptr) != 0) return std::nullopt;
  return ParseUuid(text);
}

}  // namespace fsherald
