// SPDX-License-Identifier: MIT
#include "notify/teller.h"

#include <unistd.h>

#include "base/clock.h"

namespace fsherald {
namespace {

// Boot times become times of day by one reading of the two clocks: what is equal stays equal.
void SetTime(Notification& notification) {
  const int64_t boot_utc_ns = UtcFromBoottimeNs(0);
  if (notification.gap) {
    notification.gap->from_utc_ns += boot_utc_ns;
    notification.gap->to_utc_ns += boot_utc_ns;
  }
  if (notification.boottime_ns) notification.utc_ns = boot_utc_ns + static_cast<int64_t>(*notification.boottime_ns);
  else if (notification.utc_ns == 0) notification.utc_ns = UtcNowNs();
}

// Whether loading the inode could raise the error again. A task of our own that met an error met it by a look-up.
bool IsLoadable(const Joined& joined, const FilesystemModule& module) {
  const std::optional<Task>& task = joined.notification.task;
  if (task && task->pid == static_cast<uint32_t>(::getpid())) return false;
  return !joined.report || module.object_is_loadable == nullptr || module.object_is_loadable(*joined.report);
}

// Of a disk that carries no mount there is only what the block layer says.
std::optional<Specific> SpecificOf(const ErrorReport& report, const std::string& type, const FilesystemModule& module) {
  if (type.empty() && report.message.empty()) return std::nullopt;
  if (type.empty()) return Specific{.type = "block", .message = report.message};
  Specific specific = module.specific(report);
  if (specific.type.empty()) specific.type = type;
  return specific;
}

void SetPath(Notification& notification, const FoundPath& found) {
  if (found.path) {
    notification.object->path = found.path;
    notification.object->path_source = found.source;
  }
  if (!notification.object->generation) notification.object->generation = found.generation;
}

}  // namespace

void Teller::Tell(Joined joined, const FilesystemInfo& seen, const Mounting* mounting) {
  Notification& notification = joined.notification;
  notification.filesystem = mounting != nullptr ? mounting->info : seen;
  if (mounting != nullptr && !mounting->mounts_before.empty() &&
      notification.boottime_ns.value_or(UINT64_MAX) < mounting->mounts_since_boottime_ns)
    notification.filesystem.mounts = mounting->mounts_before;  // as it was mounted when the error happened
  SetTime(notification);
  std::string& type = notification.filesystem.type;
  if (type.empty() && joined.report) type = joined.report->filesystem_type;
  if (!notification.trusted && joined.report) notification.filesystem.device = joined.report->device;
  const FilesystemModule* module = &ModuleOf(type);
  if (joined.report) notification.specific = SpecificOf(*joined.report, type, *module);
  if (paths_ == nullptr || mounting == nullptr || !notification.object) return Finish(notification, joined.filesystem);

  PathQuery query{.filesystem_key = mounting->key,
                  .filesystem = mounting->info,
                  .access_path = mounting->access_path,
                  .access_is_root = mounting->access_is_root,
                  .module = module,
                  .inode = notification.object->inode.value_or(0),
                  .root = joined.report ? joined.report->inode_root : std::nullopt,
                  .generation = notification.object->generation,
                  .task = notification.task,
                  .loadable = IsLoadable(joined, *module)};
  if (std::optional<FoundPath> found = paths_->FindNow(query)) {
    SetPath(notification, *found);
  } else if (Park(notification, query)) {
    return;
  }
  Finish(notification, joined.filesystem);
}

bool Teller::Park(Notification& notification, const PathQuery& query) {
  if (parked_.size() >= kMaxParked || !paths_->Submit(query, ++tickets_)) return false;
  parked_.emplace(tickets_, Parked{std::move(notification), {query.filesystem_key}});
  return true;
}

void Teller::TellFound() {
  if (paths_ == nullptr) return;
  for (PathFinder::Answer& answer : paths_->Collect()) {
    auto parked = parked_.extract(answer.ticket);
    if (parked.empty()) continue;
    Parked& found = parked.mapped();
    SetPath(found.notification, answer.found);
    Finish(found.notification, found.filesystem);
  }
}

void Teller::TellAll() {
  for (auto& [ticket, parked] : parked_) Finish(parked.notification, parked.filesystem);
  parked_.clear();
}

void Teller::Finish(Notification& notification, FilesystemKey filesystem) {
  numbering_.Number(notification, filesystem);
  handler_(notification, filesystem);
}

}  // namespace fsherald
