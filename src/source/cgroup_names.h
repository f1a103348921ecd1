// SPDX-License-Identifier: MIT
// The path of a cgroup of the unified hierarchy by its id (bpf_get_current_cgroup_id).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

namespace fsherald {

// One thread. Keeps what it has found (at most kMaxKept); opens nothing for longer than a look-up.
class CgroupNames {
 public:
  explicit CgroupNames(std::string proc_root = "/proc") : proc_root_(std::move(proc_root)) {}

  // "/user.slice/session-3.scope"; "/" is the root. Empty: no unified hierarchy is mounted where we see it, the cgroup is
  // gone, or CAP_DAC_READ_SEARCH is missing.
  std::optional<std::string> Find(uint64_t cgroup_id);

 private:
  static constexpr size_t kMaxKept = 4096;
  std::optional<std::string> LookUp(uint64_t cgroup_id);
  void FindMountPoint();

  std::string proc_root_;
  bool searched_ = false;
  std::string mount_point_;  // empty: none
  std::unordered_map<uint64_t, std::optional<std::string>> names_;
};

}  // namespace fsherald
