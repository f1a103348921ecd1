// SPDX-License-Identifier: MIT
#include "mount/mount_tree.h"

#include <algorithm>
#include <ranges>

namespace fsherald {

MountTree::MountTree(const std::vector<MountInfoLine>& lines,
                     const std::function<bool(std::string_view type)>& may_hang, bool root_answers) {
  std::unordered_set<uint64_t> ids;
  for (const MountInfoLine& line : lines) ids.insert(line.id);
  for (const MountInfoLine& line : lines) {
    // The root of all mounts is its own parent; that of a chroot lies on a mount that its table does not show.
    const bool is_first = line.parent == line.id || !ids.contains(line.parent);
    by_target_[line.target].push_back({.id = line.id, .parent = is_first ? kOutside : line.parent});
    if (may_hang && may_hang(line.type) && !(root_answers && line.target == "/")) may_hang_.insert(line.id);
  }
}

const MountTree::Node* MountTree::Above(uint64_t parent, const std::string& target) const {
  const auto at = by_target_.find(target);
  if (at == by_target_.end()) return nullptr;
  const auto on_parent = [&](const Node& node) { return node.parent == parent; };
  const auto last = std::ranges::find_if(at->second | std::views::reverse, on_parent);
  return last == at->second.rend() ? nullptr : &*last;
}

// The uppermost of the mounts at one mount point. Never more steps than mounts there: a table need not be a tree.
const MountTree::Node* MountTree::Climb(const Node* below, const std::string& target) const {
  const auto at = by_target_.find(target);
  if (at == by_target_.end()) return below;
  for (size_t steps = 0; steps < at->second.size(); ++steps) {
    const Node* above = Above(below == nullptr ? kOutside : below->id, target);
    if (above == nullptr) break;
    below = above;
  }
  return below;
}

MountTree::Walk MountTree::Follow(std::string_view path) const {
  const Node* current = Climb(nullptr, "/");
  std::string done;
  for (size_t begin = path.find_first_not_of('/'); begin != std::string_view::npos;) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view name = path.substr(begin, end - begin);
    begin = path.find_first_not_of('/', end);
    if (name == ".") continue;
    if (current != nullptr && MayHang(current->id)) return {.mount_id = std::nullopt, .stuck_on = current->id};
    if (name == "..") return {};
    done.append("/").append(name);
    current = Climb(current, done);
  }
  if (current == nullptr) return {};
  return {.mount_id = current->id, .stuck_on = std::nullopt};
}

bool MountTree::Reaches(const MountInfoLine& line) const {
  const Walk walk = Follow(line.target);
  return !walk.stuck_on && walk.mount_id == line.id;
}

}  // namespace fsherald
