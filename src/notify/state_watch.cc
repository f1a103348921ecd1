// SPDX-License-Identifier: MIT
#include "notify/state_watch.h"

#include <algorithm>

namespace fsherald {

void StateWatch::Begin(FilesystemKey key, const MountLook& look) {
  filesystems_[key] = {.type = std::string(look.type),
                       .super_options = std::string(look.super_options),
                       .read_only_mounts = look.read_only_mounts};
}

void StateWatch::End(FilesystemKey key) {
  auto ended = filesystems_.extract(key);
  const bool is_held = std::ranges::any_of(held_, [&](const Held& held) { return held.state.filesystem == key; });
  if (!ended.empty() && is_held) gone_.insert(std::move(ended));
}

void StateWatch::Told(FilesystemKey key, Kind kind, uint64_t now_ns) {
  auto it = filesystems_.find(key);
  if (it == filesystems_.end() || kind == Kind::kGap) return;
  if (kind == Kind::kReadOnly || kind == Kind::kShutdown) it->second.told_read_only_ns = now_ns;
  if (kind == Kind::kShutdown) it->second.told_shutdown_ns = now_ns;
  if (!first_error_ns_) first_error_ns_ = now_ns;
  quiet_due_ns_ = std::min(now_ns + options_.quiet_ns, *first_error_ns_ + options_.latest_ns);
}

void StateWatch::Look(FilesystemKey key, const MountLook& look, uint64_t now_ns) {
  auto it = filesystems_.find(key);
  if (it == filesystems_.end()) return;
  Filesystem& fs = it->second;
  const MountLook before{fs.type, fs.super_options, fs.read_only_mounts};
  const MountState state = MountStateOf(look);
  std::erase_if(held_, [&](const Held& held) {
    const bool by_remount = state == MountState::kReadOnly && look.read_only_mounts > held.read_only_mounts;
    return held.state.filesystem == key && held.state.kind == Kind::kReadOnly &&
           (by_remount || state == MountState::kWritable);
  });
  if (const std::optional<Kind> kind = NewState(before, look))
    held_.push_back(
        {.state = {key, *kind, now_ns}, .read_only_mounts = look.read_only_mounts, .before_ns = looked_ns_});
  fs.super_options = look.super_options;
  fs.read_only_mounts = look.read_only_mounts;
}

void StateWatch::Looked(uint64_t now_ns) {
  looked_ns_ = now_ns;
  if (quiet_due_ns_ && *quiet_due_ns_ <= now_ns) {
    first_error_ns_.reset();
    quiet_due_ns_.reset();
    again_due_ns_ = now_ns + options_.again_ns;
  } else if (again_due_ns_ && *again_due_ns_ <= now_ns) {
    again_due_ns_.reset();
  }
}

bool StateWatch::IsDue(uint64_t now_ns) const {
  return quiet_due_ns_.value_or(UINT64_MAX) <= now_ns || again_due_ns_.value_or(UINT64_MAX) <= now_ns ||
         std::ranges::any_of(held_, [&](const Held& held) { return IsHeldDue(held, now_ns); });
}

bool StateWatch::IsHeldDue(const Held& held, uint64_t now_ns) const {
  return now_ns >= held.state.seen_boottime_ns + options_.hold_ns;
}

// Since the look that did not see it yet, or shortly before.
bool StateWatch::IsTold(const Held& held) const {
  const FilesystemKey key = held.state.filesystem;
  const auto known = filesystems_.find(key);
  const Filesystem& fs = known != filesystems_.end() ? known->second : gone_.at(key);
  const auto& told_ns = held.state.kind == Kind::kShutdown ? fs.told_shutdown_ns : fs.told_read_only_ns;
  return told_ns && *told_ns + options_.slack_ns >= held.before_ns;
}

std::vector<StateWatch::State> StateWatch::Take(uint64_t now_ns, bool all) {
  std::vector<State> taken;
  std::erase_if(held_, [&](const Held& held) {
    if (!all && !IsHeldDue(held, now_ns)) return false;
    if (!IsTold(held)) taken.push_back(held.state);
    return true;
  });
  if (held_.empty()) gone_.clear();
  return taken;
}

std::optional<uint64_t> StateWatch::due_ns() const {
  uint64_t due_ns = std::min(quiet_due_ns_.value_or(UINT64_MAX), again_due_ns_.value_or(UINT64_MAX));
  for (const Held& held : held_) due_ns = std::min(due_ns, held.state.seen_boottime_ns + options_.hold_ns);
  return due_ns == UINT64_MAX ? std::nullopt : std::optional(due_ns);
}

}  // namespace fsherald
