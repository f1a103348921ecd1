// SPDX-License-Identifier: MIT
#include "source/cgroup_names.h"

#include <fcntl.h>

#include <climits>
#include <cstring>
#include <fstream>

#include "base/fd.h"

namespace fsherald {
namespace {

constexpr int kFileidKernfs = 0xfe;  // include/linux/exportfs.h: a 64-bit kernfs id

}  // namespace

std::optional<std::string> CgroupNames::Find(uint64_t cgroup_id) {
  if (auto kept = names_.find(cgroup_id); kept != names_.end()) return kept->second;
  if (names_.size() >= kMaxKept) names_.clear();
  return names_[cgroup_id] = LookUp(cgroup_id);
}

// "36 35 0:30 / /sys/fs/cgroup rw,... shared:9 - cgroup2 cgroup2 rw": the fifth word, of a line whose type is cgroup2.
void CgroupNames::FindMountPoint() {
  searched_ = true;
  std::ifstream mounts(proc_root_ + "/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    if (line.find(" - cgroup2 ") == std::string::npos) continue;
    size_t begin = 0;
    for (int word = 0; word < 4 && begin != std::string::npos; ++word) begin = line.find(' ', begin + 1);
    if (begin == std::string::npos) continue;
    mount_point_ = line.substr(begin + 1, line.find(' ', begin + 1) - begin - 1);
    return;
  }
}

std::optional<std::string> CgroupNames::LookUp(uint64_t cgroup_id) {
  if (!searched_) FindMountPoint();
  if (mount_point_.empty()) return std::nullopt;
  Fd root(::open(mount_point_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) return std::nullopt;
  alignas(file_handle) std::byte bytes[sizeof(file_handle) + sizeof cgroup_id]{};
  auto* handle = reinterpret_cast<file_handle*>(bytes);
  handle->handle_bytes = sizeof cgroup_id;
  handle->handle_type = kFileidKernfs;
  std::memcpy(handle->f_handle, &cgroup_id, sizeof cgroup_id);
  Fd cgroup(::open_by_handle_at(root.get(), handle, O_PATH | O_CLOEXEC));
  if (!cgroup) return std::nullopt;
  char path[PATH_MAX];
  ssize_t length = ::readlink((proc_root_ + "/self/fd/" + std::to_string(cgroup.get())).c_str(), path, sizeof path);
  if (length < 0) return std::nullopt;
  std::string_view below(path, static_cast<size_t>(length));
  if (!below.starts_with(mount_point_)) return std::nullopt;
  below.remove_prefix(mount_point_.size());
  return below.empty() ? std::string("/") : std::string(below);
}

}  // namespace fsherald
