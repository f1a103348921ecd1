// SPDX-License-Identifier: MIT
// Where a path leads, by a mount table alone: no file system is asked, since one that a server stands behind may never
// answer, and a path walk *through* it waits for it as a stat(2) of it does.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "mount/mount_info.h"

namespace fsherald {

// The mounts of one mount table as they lie on and above each other. One thread; a value, which refers to nothing.
class MountTree {
 public:
  MountTree() = default;
  // `lines`: the whole table, pseudo file systems too. `may_hang`: which types may never answer; empty: none.
  // `root_answers`: the mount at "/" is taken to answer, whatever its type: it is this process's own root, through which
  // every one of its walks leads.
  MountTree(const std::vector<MountInfoLine>& lines, const std::function<bool(std::string_view type)>& may_hang,
            bool root_answers);

  // The walk along an absolute path that has no symbolic link in it, as no mount point in a mount table has.
  struct Walk {
    std::optional<uint64_t> mount_id;  // of the mount that it ends on; empty: not in the table, or "..": not known
    std::optional<uint64_t> stuck_on;  // the first mount in which it has to look up a name and that may hang
  };
  Walk Follow(std::string_view path) const;

  // Whether a walk to the line's mount point ends on that very mount, and asks on its way none that may hang. False for
  // what is hidden below another mount.
  bool Reaches(const MountInfoLine& line) const;

  // Whether that mount may hang, our own root left out: nothing may be asked of it.
  bool MayHang(uint64_t mount_id) const { return may_hang_.contains(mount_id); }

 private:
  struct Node {
    uint64_t id = 0;
    uint64_t parent = kOutside;
  };
  static constexpr uint64_t kOutside = 0;  // whatever the first mount of the walk is mounted on

  const Node* Above(uint64_t parent, const std::string& target) const;
  const Node* Climb(const Node* below, const std::string& target) const;

  std::unordered_map<std::string, std::vector<Node>> by_target_;
  std::unordered_set<uint64_t> may_hang_;
};

}  // namespace fsherald
