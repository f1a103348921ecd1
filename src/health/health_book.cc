// SPDX-License-Identifier: MIT
#include "health/health_book.h"

#include <algorithm>

#include "health/health.h"

namespace fsherald {
namespace {

constexpr size_t kMaxDamaged = 256;   // structures of one file system
constexpr size_t kMaxScrubbed = 256;  // devices of one file system

bool HasBlockDevice(const FilesystemInfo& info) { return info.dev && info.dev->major != 0; }

bool IsSame(const FilesystemInfo& x, const FilesystemInfo& y) {
  if (x.type != y.type) return false;
  if (x.uuid || y.uuid) return x.uuid == y.uuid;
  return !HasBlockDevice(x) && !HasBlockDevice(y) && !x.device.empty() && x.device == y.device;
}

std::string FieldText(const Specific& specific, std::string_view name) {
  for (const SpecificField& field : specific.fields) {
    if (field.name != name) continue;
    if (const auto* number = std::get_if<uint64_t>(&field.value)) return std::to_string(*number);
    if (const auto* text = std::get_if<std::string>(&field.value)) return *text;
  }
  return {};
}

// The structures that a notification says are marked as damaged, or as healthy again.
std::vector<std::string> MarkedStructures(const Notification& notification) {
  std::vector<std::string> marked;
  if (!notification.specific) return marked;
  const std::string words = FieldText(*notification.specific, "sick");
  std::string place;
  for (const char* name : {"domain", "ag", "inode"}) place += FieldText(*notification.specific, name) + '/';
  for (size_t at = 0; at < words.size();) {
    const size_t end = std::min(words.find(',', at), words.size());
    if (end > at) marked.push_back(place + words.substr(at, end - at));
    at = end + 1;
  }
  return marked;
}

bool IsError(HealthEvent event) {
  return event == HealthEvent::kError || event == HealthEvent::kMadeReadOnly || event == HealthEvent::kShutdown;
}

}  // namespace

HealthBook::Filesystem* HealthBook::Find(uint32_t key) {
  const auto found = keys_.find(key);
  return found != keys_.end() ? found->second : nullptr;
}

const HealthBook::Filesystem* HealthBook::Find(uint32_t key) const {
  const auto found = keys_.find(key);
  return found != keys_.end() ? found->second : nullptr;
}

HealthBook::Filesystem* HealthBook::FindMounted(DeviceNumber dev) {
  const auto found =
      std::ranges::find_if(filesystems_, [&](const Filesystem& fs) { return fs.is_mounted && fs.info.dev == dev; });
  return found != filesystems_.end() ? &*found : nullptr;
}

// What is not mounted, and is the same file system. Of two copies of one the one that was on this device.
HealthBook::Filesystem* HealthBook::FindAgain(const FilesystemInfo& info) {
  Filesystem* again = nullptr;
  for (Filesystem& fs : filesystems_) {
    if (fs.is_mounted || fs.what == Class::kUnmounted) continue;
    const bool is_where_it_was = fs.info.dev == info.dev && fs.info.type == info.type;
    const bool is_restored = fs.is_restored && !fs.is_of_earlier_boot && is_where_it_was && fs.info.uuid == info.uuid;
    if (!is_restored && !IsSame(fs.info, info)) continue;
    if (again == nullptr || is_where_it_was || fs.info.device == info.device) again = &fs;
    if (is_where_it_was) break;
  }
  return again;
}

// Of a key that is not known. A file system in user space may be mounted, and known as that.
HealthBook::Filesystem* HealthBook::FindFor(const Notification& notification) {
  const FilesystemInfo& info = notification.filesystem;
  if (notification.origin == Origin::kKernel) return nullptr;
  if (info.dev)
    if (Filesystem* mounted = FindMounted(*info.dev)) return mounted;
  return FindAgain(info);
}

HealthBook::Filesystem* HealthBook::FindNamed(std::string_view name) {
  const std::optional<Uuid> uuid = ParseUuid(name);
  Filesystem* named = nullptr;
  for (Filesystem& fs : filesystems_) {
    const bool is_it = (uuid && fs.info.uuid == uuid) || (!fs.info.device.empty() && fs.info.device == name);
    if (!is_it || fs.what == Class::kUnmounted) continue;
    if (named == nullptr || (fs.is_mounted && !named->is_mounted)) named = &fs;
  }
  return named;
}

// Whether there is room for one more: of what is not mounted, and has no state where there is such, the longest unchanged goes.
bool HealthBook::DropOne(Class what) {
  const auto rank = [](const Filesystem& fs) { return std::pair(fs.state != HealthState::kWell, fs.changed); };
  auto oldest = filesystems_.end();
  for (auto fs = filesystems_.begin(); fs != filesystems_.end(); ++fs) {
    const bool may_go = fs->what == what && !fs->is_mounted;
    if (may_go && (oldest == filesystems_.end() || rank(*fs) < rank(*oldest))) oldest = fs;
  }
  if (oldest == filesystems_.end()) return false;
  std::erase_if(keys_, [&](const auto& entry) { return entry.second == &*oldest; });
  filesystems_.erase(oldest);
  --counts_[static_cast<size_t>(what)];
  return true;
}

// Null: there is no room.
HealthBook::Filesystem* HealthBook::Make(const FilesystemInfo& info, Class what) {
  const size_t limit = what == Class::kMounted ? options_.max_mounted
                       : what == Class::kUser  ? options_.max_user
                                               : options_.max_unmounted;
  size_t& count = counts_[static_cast<size_t>(what)];
  if (count >= limit && !DropOne(what)) return nullptr;
  ++count;
  Filesystem& made = filesystems_.emplace_back();
  made.info = info;
  made.what = what;
  made.changed = ++changes_;
  return &made;
}

void HealthBook::Attach(uint32_t key, Filesystem& fs) {
  if (!keys_.emplace(key, &fs).second) return;
  ++fs.keys;
}

// What is well, and has no more to remember.
void HealthBook::DropIfForgotten(Filesystem* fs) {
  if (fs->keys > 0 || fs->is_mounted || fs->state != HealthState::kWell || fs->cleared_at > 0) return;
  --counts_[static_cast<size_t>(fs->what)];
  filesystems_.remove_if([&](const Filesystem& one) { return &one == fs; });
}

bool HealthBook::IsOpen(const std::optional<Incident>& incident, HealthTime now) const {
  return incident && !incident->is_over && now.boottime_ns <= incident->last.boottime_ns + options_.quiet_ns;
}

// Errors of a disk, and of what lies on it, are of one incident.
const HealthBook::Incident* HealthBook::OpenOnDevice(const Filesystem& fs, const Notification& n,
                                                     HealthTime now) const {
  const std::optional<DeviceNumber> failed = n.device_error ? n.device_error->dev : std::nullopt;
  const std::optional<DeviceNumber> own = HasBlockDevice(n.filesystem) ? n.filesystem.dev : std::nullopt;
  for (const Filesystem& other : filesystems_) {
    if (&other == &fs || !IsOpen(other.incident, now)) continue;
    const bool of_one_device = failed && (failed == other.failed_device || failed == other.info.dev);
    const bool carried_another = other.info.uuid && n.filesystem.uuid && other.info.uuid != n.filesystem.uuid;
    const bool on_its_device = own && (own == other.failed_device || (own == other.info.dev && !carried_another));
    if (of_one_device || on_its_device) return &*other.incident;
  }
  return nullptr;
}

void HealthBook::Group(Filesystem& fs, HealthEvent event, Notification& n, HealthTime now) {
  const bool is_open = IsOpen(fs.incident, now);
  if (event == HealthEvent::kCorrected || event == HealthEvent::kHealthy) {  // they prolong nothing
    if (is_open) n.incident = fs.incident->first_seq;
    return;
  }
  if (!IsError(event)) return;
  if (!is_open) {
    const Incident* of_device = OpenOnDevice(fs, n, now);
    fs.incident = Incident{.first_seq = of_device != nullptr ? of_device->first_seq : n.seq, .first = now};
    fs.failed_device.reset();
  }
  Incident& incident = *fs.incident;
  incident.last = now;
  ++incident.notifications;
  incident.errors += ErrorCount(n);
  if (n.device_error && n.device_error->dev) fs.failed_device = n.device_error->dev;
  n.incident = incident.first_seq;
}

HealthEvent HealthBook::EventOf(Filesystem& fs, const Notification& n) {
  if (n.kind == Kind::kGap) return HealthEvent::kGap;
  if (!n.trusted) return HealthEvent::kUntrusted;
  const std::vector<std::string> marked = MarkedStructures(n);
  if (IsHealthyAgain(n)) {
    for (const std::string& structure : marked) fs.damaged.erase(structure);
    return fs.damaged.empty() && !fs.has_other_errors ? HealthEvent::kHealthy : HealthEvent::kCorrected;
  }
  if (n.corrected) return HealthEvent::kCorrected;
  for (const std::string& structure : marked) {
    if (fs.damaged.size() < kMaxDamaged) fs.damaged.insert(structure);
    else fs.has_other_errors = true;
  }
  if (marked.empty()) fs.has_other_errors = true;
  if (n.kind == Kind::kMetadata || n.kind == Kind::kCounter) fs.has_counted_errors = true;
  fs.scrubbing.clear();
  fs.scrubbed.clear();
  if (n.kind == Kind::kReadOnly) return HealthEvent::kMadeReadOnly;
  return n.kind == Kind::kShutdown ? HealthEvent::kShutdown : HealthEvent::kError;
}

HealthEvent HealthBook::EventOf(Filesystem& fs, const Found& found) {
  const uint64_t errors = found.counters ? found.counters->errors : 0;
  // An unmount just behind the error leaves no time to read what it has counted: told it was, then.
  const bool has_counted =
      fs.counted.value_or(0) > 0 || (fs.has_counted_errors && found.counters && found.counters->devices.empty());
  const bool is_reset = found.counters && errors == 0 && has_counted;
  if (found.counters) {
    fs.counted = errors;
    fs.cleared_at = std::min(fs.cleared_at, errors);
  }
  Evidence evidence{.mount = found.mount, .counters = found.counters, .covered = true};
  const bool is_told_by_itself = fs.state == HealthState::kWell && found.is_fresh && found.counters &&
                                 found.counters->last && found.counters->last->utc_seconds >= found.unseen_utc_s;
  if (errors <= fs.cleared_at || is_told_by_itself) evidence.counters.reset();
  switch (HealthOf(evidence, found.boot_utc_s)) {
    case HealthState::kShutDown: return HealthEvent::kFoundShutDown;
    case HealthState::kReadOnly: return HealthEvent::kFoundReadOnly;
    case HealthState::kErrors: return HealthEvent::kFoundErrors;
    case HealthState::kPastErrors: return HealthEvent::kFoundPast;
    default: return is_reset ? HealthEvent::kFoundReset : HealthEvent::kFoundWell;
  }
}

std::vector<HealthTold> HealthBook::Apply(uint32_t key, Filesystem& fs, HealthEvent event, HealthTime now, Why why) {
  const std::optional<HealthStep> step = Next(fs.state, event);
  if (!step) return {};
  HealthTold told{.key = key, .notification = {}};
  Notification& n = told.notification;
  n.utc_ns = now.utc_ns;
  n.boottime_ns = now.boottime_ns;
  n.filesystem = fs.info;
  n.error.count = 0;
  n.kind = Kind::kHealth;
  n.origin = fs.what == Class::kUser ? Origin::kUser : Origin::kKernel;
  n.sources = why.sources;
  n.incident = why.incident;
  if (!n.incident && fs.incident) n.incident = fs.incident->first_seq;
  n.health = HealthChange{.from = fs.state,
                          .to = step->to,
                          .rule = step->rule,
                          .since_utc_ns = fs.since_utc_ns,
                          .errors = fs.errors,
                          .uid = why.uid,
                          .reason = std::move(why.reason)};
  fs.state = step->to;
  fs.since_utc_ns = now.utc_ns;
  fs.errors = 0;
  fs.changed = ++changes_;
  if (fs.state == HealthState::kWell) {
    fs.damaged.clear();
    fs.has_other_errors = false;
    fs.has_counted_errors = false;
    fs.incident.reset();
  }
  return {std::move(told)};
}

std::vector<HealthTold> HealthBook::Begin(uint32_t key, const FilesystemInfo& info, const Found& found,
                                          HealthTime now) {
  Filesystem* fs = Find(key);
  std::vector<HealthTold> told;
  if (fs == nullptr) {
    fs = FindAgain(info);
    if (fs == nullptr) fs = Make(info, Class::kMounted);
    if (fs == nullptr) return told;
    Attach(key, *fs);
    const bool is_other = fs->what == Class::kMounted && (found.is_fresh || fs->is_of_earlier_boot);
    if (is_other) told = Apply(key, *fs, HealthEvent::kEnded, now, {.sources = SourceId::kMounts});
    fs->is_restored = fs->is_of_earlier_boot = false;
  }
  fs->info = info;
  fs->is_mounted = true;
  SourceSet sources = SourceId::kMounts;
  if (found.counters) sources.Add(SourceId::kCounters);
  std::ranges::move(Apply(key, *fs, EventOf(*fs, found), now, {.sources = sources}), std::back_inserter(told));
  return told;
}

std::vector<HealthTold> HealthBook::End(uint32_t key, HealthTime now) {
  Filesystem* fs = Find(key);
  if (fs == nullptr) return {};
  fs->is_mounted = false;
  std::vector<HealthTold> told = Apply(key, *fs, HealthEvent::kEnded, now, {.sources = SourceId::kMounts});
  fs->info.mounts.clear();
  return told;
}

void HealthBook::Forget(uint32_t key) {
  const auto found = keys_.find(key);
  if (found == keys_.end()) return;
  Filesystem* fs = found->second;
  keys_.erase(found);
  --fs->keys;
  DropIfForgotten(fs);
}

std::vector<HealthTold> HealthBook::Add(uint32_t key, Notification& n, HealthTime now) {
  if (key == 0 || n.kind == Kind::kHealth) return {};
  Filesystem* fs = Find(key);
  if (fs == nullptr) {
    fs = FindFor(n);
    if (fs == nullptr && (n.kind == Kind::kGap || !n.trusted || n.corrected)) return {};  // begins nothing
    if (fs == nullptr) fs = Make(n.filesystem, n.origin == Origin::kUser ? Class::kUser : Class::kUnmounted);
    if (fs == nullptr) return {};
    Attach(key, *fs);
    fs->is_restored = fs->is_of_earlier_boot = false;
  }
  if (!n.filesystem.type.empty() && n.filesystem.dev == fs->info.dev) fs->info = n.filesystem;
  const HealthEvent event = EventOf(*fs, n);
  Group(*fs, event, n, now);
  if (fs->what == Class::kUnmounted) return {};
  std::vector<HealthTold> told = Apply(key, *fs, event, now, {.sources = n.sources, .incident = n.incident});
  if (IsError(event)) fs->errors += ErrorCount(n);
  // Told late: its path was looked for until after the unmount.
  if (fs->what == Class::kMounted && !fs->is_mounted)
    std::ranges::move(Apply(key, *fs, HealthEvent::kEnded, now, {.sources = SourceId::kMounts}),
                      std::back_inserter(told));
  return told;
}

std::vector<HealthTold> HealthBook::Counted(uint32_t key, uint64_t errors, HealthTime now) {
  Filesystem* fs = Find(key);
  if (fs == nullptr) return {};
  const bool is_reset = fs->counted && *fs->counted > errors;
  fs->counted = errors;
  fs->cleared_at = std::min(fs->cleared_at, errors);
  if (!is_reset || errors > 0) return {};
  return Apply(key, *fs, HealthEvent::kCountersReset, now, {.sources = SourceId::kCounters});
}

std::vector<HealthTold> HealthBook::Remounted(uint32_t key, HealthTime now) {
  Filesystem* fs = Find(key);
  if (fs == nullptr) return {};
  return Apply(key, *fs, HealthEvent::kRemounted, now, {.sources = SourceId::kMounts});
}

void HealthBook::ScrubBegan(uint32_t key, uint64_t device) {
  Filesystem* fs = Find(key);
  if (fs == nullptr || fs->scrubbing.size() >= kMaxScrubbed) return;
  fs->scrubbing.insert(device);
  fs->scrubbed.erase(device);
}

std::vector<HealthTold> HealthBook::ScrubEnded(uint32_t key, uint64_t device, size_t devices, HealthTime now) {
  Filesystem* fs = Find(key);
  if (fs == nullptr || fs->scrubbing.erase(device) == 0) return {};
  fs->scrubbed.insert(device);
  if (fs->scrubbed.size() < devices) return {};
  fs->scrubbed.clear();
  return Apply(key, *fs, HealthEvent::kScrubbed, now, {.sources = SourceId::kKmsg});
}

std::vector<HealthTold> HealthBook::ClearOne(Filesystem& fs, uint32_t uid, std::string_view reason, HealthTime now) {
  fs.cleared_at = fs.counted.value_or(0);
  const auto key = std::ranges::find_if(keys_, [&](const auto& entry) { return entry.second == &fs; });
  const Why why{.uid = uid, .reason = std::string(reason.substr(0, kMaxReasonBytes))};
  return Apply(key != keys_.end() ? key->first : 0, fs, HealthEvent::kCleared, now, why);
}

std::optional<std::vector<HealthTold>> HealthBook::ClearMounted(DeviceNumber dev, uint32_t uid, std::string_view reason,
                                                                HealthTime now) {
  Filesystem* fs = FindMounted(dev);
  if (fs == nullptr) return std::nullopt;
  return ClearOne(*fs, uid, reason, now);
}

std::optional<std::vector<HealthTold>> HealthBook::ClearNamed(std::string_view name, uint32_t uid,
                                                              std::string_view reason, HealthTime now) {
  Filesystem* fs = FindNamed(name);
  if (fs == nullptr) return std::nullopt;
  std::vector<HealthTold> told = ClearOne(*fs, uid, reason, now);
  DropIfForgotten(fs);
  return told;
}

std::vector<HealthTold> HealthBook::AllBegun(HealthTime now) {
  std::vector<HealthTold> told;
  for (Filesystem& fs : filesystems_) {
    if (!fs.is_restored || fs.what == Class::kUser) continue;
    std::ranges::move(Apply(0, fs, HealthEvent::kEnded, now, {.sources = SourceId::kMounts}), std::back_inserter(told));
    fs.is_restored = fs.is_of_earlier_boot = false;
    fs.info.mounts.clear();
  }
  return told;
}

HealthState HealthBook::StateOf(uint32_t key) const {
  const Filesystem* fs = Find(key);
  return fs != nullptr ? fs->state : HealthState::kWell;
}

std::optional<HealthBook::Incident> HealthBook::IncidentOf(uint32_t key) const {
  const Filesystem* fs = Find(key);
  return fs != nullptr ? fs->incident : std::nullopt;
}

}  // namespace fsherald
