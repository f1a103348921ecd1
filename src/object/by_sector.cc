// SPDX-License-Identifier: MIT
#include "object/by_sector.h"

#include <fcntl.h>

#include <utility>

#include "filesystem/sector_owner.h"
#include "object/by_handle.h"
#include "object/mount_entry.h"

namespace fsherald {
namespace {

using Clock = std::chrono::steady_clock;

OwnerResult AskKernel(const OwnerFinder& finder, const PathQuery& query, const MountEntry& mount) {
  if (!query.place_on) return {};
  const Fd directory(::openat(mount.fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return {};
  return finder.by_ioctl(directory.get(), *query.place_on, *query.place);
}

// A device besides the file system's own (an external journal or log) holds no files' bytes that are known here.
bool IsOnMainDevice(const PathQuery& query) { return query.place_on == query.filesystem.dev; }

OwnerResult FindOwner(const OwnerFinder& finder, const PathQuery& query, const std::string& device_path,
                      Clock::time_point deadline) {
  if (finder.by_device != nullptr) {
    if (!IsOnMainDevice(query)) return {};
    return finder.by_device(device_path, *query.place, deadline).value_or(OwnerResult{});
  }
  const auto mount = MountEntry::Open(query.access_path, query.filesystem);
  return mount ? AskKernel(finder, query, *mount) : OwnerResult{};
}

std::optional<FoundPath> PathByHandle(const PathQuery& query, const SectorOwner& owner, const std::string& proc_root) {
  if (!owner.generation || (!owner.range && !query.module->opens_any_generation)) return std::nullopt;
  PathQuery of_owner = query;
  of_owner.inode = owner.inode;
  of_owner.generation = owner.generation;
  return FindByHandle(of_owner, proc_root);
}

}  // namespace

bool CanFindBySector(const PathQuery& query) { return FindOwnerFinder(query.filesystem.type) != nullptr; }

bool ReadsDevice(const PathQuery& query) {
  const OwnerFinder* finder = FindOwnerFinder(query.filesystem.type);
  return finder != nullptr && finder->by_device != nullptr;
}

FoundOwner FindBySector(const PathQuery& query, const std::string& device_path, const std::string& proc_root,
                        Clock::time_point deadline) {
  const OwnerFinder* finder = FindOwnerFinder(query.filesystem.type);
  if (finder == nullptr || !query.place) return {};
  const OwnerResult result = FindOwner(*finder, query, device_path, deadline);
  FoundOwner answer{.found = {}, .complete = result.complete};
  // Only what is still mounted is known to be what the device holds: another could have been mounted from it meanwhile.
  if (!result.owner || !MountEntry::Open(query.access_path, query.filesystem)) return answer;
  const SectorOwner& owner = *result.owner;
  if (owner.path && query.access_is_root) {
    answer.found = {JoinPath(ToldRoot(query), *owner.path), PathSource::kIoctl, owner.generation};
  } else if (auto by_handle = PathByHandle(query, owner, proc_root)) {
    answer.found = *std::move(by_handle);
  }
  answer.found.generation = owner.generation;
  answer.found.inode = owner.inode;
  answer.found.range = owner.range;
  return answer;
}

}  // namespace fsherald
