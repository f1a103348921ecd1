// SPDX-License-Identifier: MIT
#include "notify/teller.h"

#include <unistd.h>

#include <algorithm>

#include "base/clock.h"
#include "record/stream.h"

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

// The device that the notification's place is on: the file system's only one, or the very one that failed. Empty: it could
// be any of several.
std::optional<DeviceNumber> DeviceOfPlace(const Notification& notification, const Mounting& mounting) {
  const std::vector<BlockDevice>& devices = mounting.devices;
  if (devices.empty()) return mounting.info.dev;
  if (devices.size() == 1) return devices.front().dev;
  const std::optional<DeviceNumber> failed = notification.device_error->dev;
  const bool is_one = std::ranges::any_of(devices, [&](const BlockDevice& device) { return device.dev == failed; });
  return is_one ? failed : std::nullopt;
}

// Whether it says where on the device the bytes of a file are damaged, and not of which file. What the file system itself
// has spoken for without naming a file is none's.
bool HasPlaceOnly(const Notification& notification) {
  if (notification.object || !notification.range || !notification.device_error || !notification.trusted) return false;
  const DeviceError::Operation operation = notification.device_error->operation;
  if (operation == DeviceError::Operation::kFlush || operation == DeviceError::Operation::kDiscard) return false;
  return notification.kind == Kind::kDevice || notification.kind == Kind::kDataRead ||
         notification.kind == Kind::kDataWrite || notification.kind == Kind::kWriteback;
}

void SetPath(Notification& notification, const FoundPath& found) {
  if (!notification.object) {
    if (!found.inode) return;
    notification.object = ObjectInfo{.inode = found.inode};
    notification.range = found.range;
  }
  if (found.path) {
    notification.object->path = found.path;
    notification.object->path_source = found.source;
  }
  if (!notification.object->generation) notification.object->generation = found.generation;
}

}  // namespace

namespace {

// All but the path and the number.
const FilesystemModule& Complete(Joined& joined, const FilesystemInfo& seen, const Mounting* mounting) {
  Notification& notification = joined.notification;
  notification.filesystem = mounting != nullptr ? mounting->info : seen;
  if (!notification.filesystem.uuid) notification.filesystem.uuid = seen.uuid;
  if (mounting != nullptr && !mounting->mounts_before.empty() &&
      notification.boottime_ns.value_or(UINT64_MAX) < mounting->mounts_since_boottime_ns)
    notification.filesystem.mounts = mounting->mounts_before;  // as it was mounted when the error happened
  SetTime(notification);
  std::string& type = notification.filesystem.type;
  if (type.empty() && joined.report) type = joined.report->filesystem_type;
  if (!notification.trusted && joined.report) notification.filesystem.device = joined.report->device;
  const FilesystemModule& module = ModuleOf(type);
  if (joined.report) notification.specific = SpecificOf(*joined.report, type, module);
  return module;
}

}  // namespace

Notification Teller::Describe(const Joined& joined, const FilesystemInfo& seen, const Mounting* mounting) {
  Joined copy = joined;
  Complete(copy, seen, mounting);
  return std::move(copy.notification);
}

std::vector<std::string> Teller::parked(const Host& host) {
  std::vector<std::string> streams;
  streams.reserve(parked_.size());
  for (auto& [ticket, waiting] : parked_) {
    if (waiting.stream.empty()) AppendStream(waiting.notification, host, waiting.stream);
    streams.push_back(waiting.stream);
  }
  return streams;
}

void Teller::Tell(Joined joined, const FilesystemInfo& seen, const Mounting* mounting) {
  Notification& notification = joined.notification;
  const FilesystemModule* module = &Complete(joined, seen, mounting);
  const bool has_place_only = HasPlaceOnly(notification);
  if (paths_ == nullptr || mounting == nullptr || (!notification.object && !has_place_only))
    return Finish(notification, joined.filesystem);

  PathQuery query{.filesystem_key = mounting->key,
                  .filesystem = mounting->info,
                  .access_path = mounting->access_path,
                  .access_is_root = mounting->access_is_root,
                  .module = module,
                  .task = notification.task};
  if (has_place_only) {
    query.place = notification.range;
    query.place_on = DeviceOfPlace(notification, *mounting);
  } else {
    query.inode = notification.object->inode.value_or(0);
    query.root = joined.report ? joined.report->inode_root : std::nullopt;
    query.generation = notification.object->generation;
    query.loadable = IsLoadable(joined, *module);
  }
  if (std::optional<FoundPath> found = paths_->FindNow(query)) {
    SetPath(notification, *found);
  } else if (Park(notification, query)) {
    return;
  }
  Finish(notification, joined.filesystem);
}

bool Teller::Park(Notification& notification, const PathQuery& query) {
  if (parked_.size() >= kMaxParked || !paths_->Submit(query, ++tickets_)) return false;
  parked_.emplace(tickets_, Parked{std::move(notification), {query.filesystem_key}, {}});
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
