// SPDX-License-Identifier: MIT
#include "filesystem/mount_state.h"

#include <algorithm>

#include "filesystem/filesystem_type.h"

namespace fsherald {
namespace {

// ext4 serves ext2 and ext3 as well. The two words since Linux 6.15; before, it was "ro".
constexpr std::string_view kExt4[] = {"ext2", "ext3", "ext4"};

// They can never be written: the superblock says "ro" whatever the mount was asked for.
constexpr std::string_view kNeverWritable[] = {"cramfs", "efs",  "erofs", "iso9660",
                                               "qnx4",   "qnx6", "romfs", "squashfs"};

bool IsOneOf(std::string_view type, const auto& types) { return std::ranges::find(types, type) != std::end(types); }

bool HasOption(std::string_view options, std::string_view option) {
  for (size_t end = 0; !options.empty(); options.remove_prefix(std::min(end + 1, options.size()))) {
    end = std::min(options.find(','), options.size());
    if (options.substr(0, end) == option) return true;
  }
  return false;
}

bool CanBeForced(std::string_view type) { return !IsOneOf(type, kNeverWritable) && !IsRemoteOrUser(type); }

}  // namespace

MountState MountStateOf(const MountLook& look) {
  const bool is_ext4 = IsOneOf(look.type, kExt4);
  if (is_ext4 && HasOption(look.super_options, "shutdown")) return MountState::kShutDown;
  if (is_ext4 && HasOption(look.super_options, "emergency_ro")) return MountState::kForcedReadOnly;
  if (!HasOption(look.super_options, "ro")) return MountState::kWritable;
  return look.read_only_mounts == 0 && CanBeForced(look.type) ? MountState::kForcedReadOnly : MountState::kReadOnly;
}

std::optional<Kind> NewState(const MountLook& before, const MountLook& now) {
  const MountState was = MountStateOf(before);
  const MountState is = MountStateOf(now);
  if (is == MountState::kShutDown && was != MountState::kShutDown) return Kind::kShutdown;
  if (was != MountState::kWritable) return std::nullopt;
  if (is == MountState::kForcedReadOnly) return Kind::kReadOnly;
  // One of its mounts has long been read-only by itself, and none has become so now.
  const bool by_itself = is == MountState::kReadOnly && now.read_only_mounts <= before.read_only_mounts;
  return by_itself && CanBeForced(now.type) ? std::optional(Kind::kReadOnly) : std::nullopt;
}

}  // namespace fsherald
