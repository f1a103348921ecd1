// SPDX-License-Identifier: MIT
#include "mount/mount_table.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/fd.h"
#include "mount/access.h"
#include "mount/mount_info.h"
#include "mount/survey.h"

namespace fsherald {
namespace {

constexpr uint64_t kFirstRecheckNs = 20'000'000;
constexpr uint64_t kRecheckForNs = 60'000'000'000;
constexpr int kReadsOfAMovingTable = 4;

struct Record {
  Mounting mounting;
  Traits traits;
  std::optional<uint64_t> absent_boottime_ns;  // last Refresh that did not see it; empty: there was none
  uint64_t seen_boottime_ns = 0;               // last Refresh that saw it
  std::optional<uint64_t> unreachable_since_ns;
};

bool Differ(const auto& a, const auto& b) { return a && b && *a != *b; }

bool AreDisjoint(const std::set<uint64_t>& a, const std::set<uint64_t>& b) {
  return std::none_of(a.begin(), a.end(), [&](uint64_t id) { return b.contains(id); });
}

bool IsSameMounting(const Record& record, const Observation& seen) {
  const Traits& before = record.traits;
  const Traits& now = seen.traits;
  if (record.mounting.info.type != seen.info.type) return false;
  if (before.instance && now.instance) return before.instance == now.instance;
  if (Differ(record.mounting.info.fsid, seen.info.fsid)) return false;
  if (before.access_mount_id && before.access_mount_id == now.access_mount_id &&
      Differ(before.access_unique_id, now.access_unique_id)) {
    return false;
  }
  return before.mount_ids.empty() || now.mount_ids.empty() || !AreDisjoint(before.mount_ids, now.mount_ids);
}

bool WasThereForCertain(const Record& record, uint64_t boottime_ns) {
  return boottime_ns >= record.mounting.since_boottime_ns + MountTable::kSlackNs &&
         boottime_ns <= record.seen_boottime_ns;
}

bool CanHaveBeenThere(const Record& record, uint64_t boottime_ns, bool uuid_agrees) {
  const Mounting& mounting = record.mounting;
  if (mounting.gone_boottime_ns && boottime_ns >= *mounting.gone_boottime_ns + MountTable::kSlackNs) return false;
  if (record.absent_boottime_ns) return boottime_ns + MountTable::kSlackNs > *record.absent_boottime_ns;
  return uuid_agrees || boottime_ns + MountTable::kBeforeFirstNs >= mounting.since_boottime_ns;
}

bool AnyType(std::string_view) { return true; }

}  // namespace

class MountTable::Impl {
 public:
  Impl(Options options, Fd events) : options_(std::move(options)), events_(std::move(events)) {}

  int event_fd() const { return events_.get(); }
  Result<MountChanges> Refresh(uint64_t now_ns);
  std::optional<uint64_t> recheck_boottime_ns() const { return recheck_ns_; }
  std::vector<const Mounting*> mounted() const;
  const Mounting* Find(uint32_t key) const;
  Result<const Mounting*> FindByPath(const std::string& path) const;
  void Forget(uint64_t boottime_ns);

  template <typename Matches>
  const Mounting* FindAt(Matches matches, const std::optional<Uuid>& uuid, uint64_t boottime_ns) const;

 private:
  std::string MountInfoPath() const { return options_.proc_root + "/self/mountinfo"; }
  const Record* Live(DeviceNumber dev) const;

  bool TakeEvent();
  Result<std::vector<MountInfoLine>> ReadSettledTable();
  KnownMountings Known() const;

  std::optional<Uuid> UuidOf(const Mounting& mounting, const std::optional<Access>& access) const;
  const Mounting* Appear(Observation seen, uint64_t now_ns);
  bool Update(Record& record, Observation seen, uint64_t now_ns);
  void PlanRecheck(uint64_t now_ns);

  const Options options_;
  const Fd events_;
  std::map<uint32_t, Record> records_;     // by key; pointers into it are handed out
  std::map<DeviceNumber, uint32_t> live_;  // the keys of those mounted
  uint32_t last_key_ = 0;
  std::optional<uint64_t> last_refresh_ns_;
  std::optional<uint64_t> recheck_ns_;
};

const Record* MountTable::Impl::Live(DeviceNumber dev) const {
  const auto found = live_.find(dev);
  return found == live_.end() ? nullptr : &records_.at(found->second);
}

// The kernel rearms the descriptor when it has told a change to poll(2).
bool MountTable::Impl::TakeEvent() {
  pollfd waiting{.fd = events_.get(), .events = POLLPRI, .revents = 0};
  return ::poll(&waiting, 1, 0) > 0 && (waiting.revents & (POLLPRI | POLLERR)) != 0;
}

// The kernel gives the table out in pieces, so a table that changed meanwhile may miss a line: it is read again. After the
// last reading no event is taken, so that none is lost.
Result<std::vector<MountInfoLine>> MountTable::Impl::ReadSettledTable() {
  TakeEvent();
  auto entries = ReadMountInfo(MountInfoPath(), options_.wanted);
  for (int reads = 1; reads < kReadsOfAMovingTable && TakeEvent(); ++reads) {
    entries = ReadMountInfo(MountInfoPath(), options_.wanted);
  }
  return entries;
}

KnownMountings MountTable::Impl::Known() const {
  KnownMountings known;
  for (const auto& [dev, key] : live_) {
    const Record& record = records_.at(key);
    known[dev] = {&record.mounting, &record.traits};
  }
  return known;
}

std::optional<Uuid> MountTable::Impl::UuidOf(const Mounting& mounting, const std::optional<Access>& access) const {
  auto from_device = [&]() -> std::optional<Uuid> {
    if (mounting.info.device.empty()) return std::nullopt;
    std::string node = mounting.info.device;
    std::replace(node.begin(), node.end(), '!', '/');  // as the kernel writes a slash in such a name
    return ReadUuidFromDevice(options_.dev_root + "/" + node, *mounting.info.dev, mounting.info.type);
  };
  // The ioctl is fast, but in that moment the file system cannot be unmounted: what was mounted just now may soon be, what
  // stood there at the first look will hardly be.
  if (last_refresh_ns_)
    if (auto uuid = from_device()) return uuid;
  if (access)
    if (auto uuid = ReadUuid(*access)) return uuid;
  return last_refresh_ns_ ? std::nullopt : from_device();
}

const Mounting* MountTable::Impl::Appear(Observation seen, uint64_t now_ns) {
  const uint32_t key = ++last_key_;
  const DeviceNumber dev = *seen.info.dev;
  Record& record = records_[key];
  record.mounting.key = key;
  record.mounting.since_boottime_ns = now_ns;
  record.absent_boottime_ns = last_refresh_ns_;
  live_[dev] = key;
  Update(record, std::move(seen), now_ns);
  return &record.mounting;
}

// Takes over what was seen; true if anything that others see is different now.
bool MountTable::Impl::Update(Record& record, Observation seen, uint64_t now_ns) {
  Mounting& mounting = record.mounting;
  const Mounting before = mounting;
  const auto uuid = mounting.info.uuid;
  if (!seen.info.fsid) seen.info.fsid = mounting.info.fsid;
  mounting.info = std::move(seen.info);
  mounting.info.uuid = uuid;
  mounting.access_path = seen.access ? seen.access->path : std::string();
  mounting.access_is_root = seen.access && seen.access->is_root;

  if (before.info.mounts != mounting.info.mounts) {
    mounting.mounts_before = before.info.mounts;
    mounting.mounts_since_boottime_ns = now_ns;
  }

  // A uuid can be given anew while mounted (tune2fs -U): ext4's fsid is made of it.
  const bool is_new = !before.info.dev;
  const bool other_fsid = before.info.fsid != mounting.info.fsid;
  const bool other_way = !uuid && before.access_path != mounting.access_path;
  if (is_new || other_fsid || other_way) {
    if (const auto read = UuidOf(mounting, seen.access)) mounting.info.uuid = read;
  }

  if (!seen.traits.instance) seen.traits.instance = record.traits.instance;
  record.traits = std::move(seen.traits);
  record.seen_boottime_ns = now_ns;
  if (seen.access) record.unreachable_since_ns.reset();
  else if (!record.unreachable_since_ns) record.unreachable_since_ns = now_ns;
  return before.info != mounting.info || before.access_path != mounting.access_path ||
         before.access_is_root != mounting.access_is_root;
}

void MountTable::Impl::PlanRecheck(uint64_t now_ns) {
  recheck_ns_.reset();
  for (const auto& [dev, key] : live_) {
    const auto since = records_.at(key).unreachable_since_ns;
    if (!since || now_ns - *since >= kRecheckForNs) continue;
    const uint64_t due = now_ns + std::max(kFirstRecheckNs, now_ns - *since);
    recheck_ns_ = std::min(recheck_ns_.value_or(due), due);
  }
}

Result<MountChanges> MountTable::Impl::Refresh(uint64_t now_ns) {
  auto entries = ReadSettledTable();
  if (!entries) return entries.error();
  Observations seen = Survey({options_.proc_root, options_.sys_root, options_.wanted}, std::move(*entries), Known());

  MountChanges changes;
  for (auto item = live_.begin(); item != live_.end();) {
    Record& record = records_.at(item->second);
    const auto found = seen.find(item->first);
    if (found != seen.end() && IsSameMounting(record, found->second)) {
      if (Update(record, std::move(found->second), now_ns)) changes.changed.push_back(&record.mounting);
      seen.erase(found);
      ++item;
      continue;
    }
    record.mounting.gone_boottime_ns = now_ns;
    changes.vanished.push_back(&record.mounting);
    item = live_.erase(item);
  }
  for (auto& [dev, observation] : seen) changes.appeared.push_back(Appear(std::move(observation), now_ns));
  last_refresh_ns_ = now_ns;
  PlanRecheck(now_ns);
  return changes;
}

std::vector<const Mounting*> MountTable::Impl::mounted() const {
  std::vector<const Mounting*> all;
  for (const auto& [key, record] : records_) {
    if (!record.mounting.gone_boottime_ns) all.push_back(&record.mounting);
  }
  return all;
}

const Mounting* MountTable::Impl::Find(uint32_t key) const {
  const auto found = records_.find(key);
  return found == records_.end() ? nullptr : &found->second.mounting;
}

template <typename Matches>
const Mounting* MountTable::Impl::FindAt(Matches matches, const std::optional<Uuid>& uuid, uint64_t boottime_ns) const {
  const Mounting* possible = nullptr;
  bool of_one_filesystem = true;
  for (const auto& [key, record] : records_) {
    const FilesystemInfo& info = record.mounting.info;
    if (!matches(info) || Differ(uuid, info.uuid)) continue;
    if (WasThereForCertain(record, boottime_ns)) return &record.mounting;
    if (!CanHaveBeenThere(record, boottime_ns, uuid && info.uuid)) continue;
    if (possible != nullptr && !(info.uuid && info.uuid == possible->info.uuid)) of_one_filesystem = false;
    possible = &record.mounting;  // the keys ascend: the latest
  }
  return of_one_filesystem ? possible : nullptr;
}

Result<const Mounting*> MountTable::Impl::FindByPath(const std::string& path) const {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return ErrnoError("stat", path);
  const DeviceNumber dev{major(status.st_dev), minor(status.st_dev)};
  const auto reached = Reach(path);
  if (const Record* record = Live(dev)) {
    if (!reached || !Differ(reached->fsid, record->mounting.info.fsid)) return &record->mounting;
    return Error{path + " is on a file system that was mounted after the mount table was read"};
  }
  auto entries = ReadMountInfo(MountInfoPath(), AnyType);
  if (!entries) return entries.error();
  for (const MountInfoLine& entry : *entries) {
    // stat(2) gives btrfs another number than the mount table does.
    if (entry.dev != dev && (!reached || reached->mount_id != entry.id)) continue;
    if (const Record* record = Live(entry.dev)) return &record->mounting;
    if (!options_.wanted(entry.type)) return Error{path + " is on " + entry.type + ", which is not watched"};
  }
  return Error{path + " is on device " + ToString(dev) + ", which carries no watched file system"};
}

void MountTable::Impl::Forget(uint64_t boottime_ns) {
  std::erase_if(records_, [&](const auto& item) {
    const auto& gone = item.second.mounting.gone_boottime_ns;
    return gone && *gone < boottime_ns;
  });
}

MountTable::MountTable(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MountTable::~MountTable() = default;

Result<std::unique_ptr<MountTable>> MountTable::Open(Options options) {
  if (!options.wanted) options.wanted = AnyType;
  const std::string path = options.proc_root + "/self/mountinfo";
  Fd events(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!events) return ErrnoError("open", path);
  return std::unique_ptr<MountTable>(new MountTable(std::make_unique<Impl>(std::move(options), std::move(events))));
}

int MountTable::event_fd() const { return impl_->event_fd(); }
Result<MountChanges> MountTable::Refresh(uint64_t now_boottime_ns) { return impl_->Refresh(now_boottime_ns); }
std::optional<uint64_t> MountTable::recheck_boottime_ns() const { return impl_->recheck_boottime_ns(); }
std::vector<const Mounting*> MountTable::mounted() const { return impl_->mounted(); }
const Mounting* MountTable::Find(uint32_t key) const { return impl_->Find(key); }
Result<const Mounting*> MountTable::FindByPath(const std::string& path) const { return impl_->FindByPath(path); }
void MountTable::Forget(uint64_t boottime_ns) { impl_->Forget(boottime_ns); }

const Mounting* MountTable::FindByDevice(DeviceNumber dev, const std::optional<Uuid>& uuid,
                                         uint64_t boottime_ns) const {
  return impl_->FindAt([&](const FilesystemInfo& info) { return info.dev == dev; }, uuid, boottime_ns);
}

const Mounting* MountTable::FindByName(std::string_view device, uint64_t boottime_ns) const {
  return impl_->FindAt([&](const FilesystemInfo& info) { return info.device == device; }, std::nullopt, boottime_ns);
}

}  // namespace fsherald
