// SPDX-License-Identifier: MIT
#include "mount/mount_table.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "base/clock.h"
#include "base/fd.h"
#include "mount/access.h"
#include "mount/mount_info.h"
#include "mount/mount_tree.h"
#include "mount/survey.h"

namespace fsherald {
namespace {

constexpr uint64_t kFirstRecheckNs = 20'000'000;
constexpr uint64_t kRecheckForNs = 60'000'000'000;
constexpr uint64_t kLookElsewhereAtLeastEveryNs = 60'000'000'000;
constexpr int kReadsOfAMovingTable = 4;
constexpr int kSurveysOfAMovingTable = 3;

struct Record {
  Mounting mounting;
  Traits traits;
  std::optional<uint64_t> absent_boottime_ns;  // last Refresh that did not see it; empty: there was none
  uint64_t seen_boottime_ns = 0;               // last Refresh that saw it
  std::optional<uint64_t> unreachable_since_ns;
  uint64_t look_elsewhere_ns = 0;  // when the mount tables of others are to be read for it again
};

bool Differ(const auto& a, const auto& b) { return a && b && *a != *b; }

bool AreDisjoint(const std::set<uint64_t>& a, const std::set<uint64_t>& b) {
  return std::none_of(a.begin(), a.end(), [&](uint64_t id) { return b.contains(id); });
}

bool IsSameMounting(const Record& record, const Sighting& seen) {
  const Traits& before = record.traits;
  const Traits& now = seen.traits;
  if (record.mounting.info.type != seen.info.type) return false;
  if (seen.may_hang && record.mounting.info.device != seen.info.device) return false;
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

// After the time it has been unreachable for: ever more rarely.
uint64_t NextLook(uint64_t since_ns, uint64_t now_ns) { return now_ns + std::max(kFirstRecheckNs, now_ns - since_ns); }

bool HasOption(std::string_view options, std::string_view option) {
  for (size_t end = 0; !options.empty(); options.remove_prefix(std::min(end + 1, options.size()))) {
    end = std::min(options.find(','), options.size());
    if (options.substr(0, end) == option) return true;
  }
  return false;
}

bool IsOn(const Mounting& mounting, DeviceNumber dev) {
  const auto is_it = [&](const BlockDevice& device) { return device.dev == dev; };
  return mounting.info.dev == dev || std::ranges::any_of(mounting.devices, is_it);
}

bool LooksDifferent(const Mounting& a, const Mounting& b) {
  return a.info != b.info || a.devices != b.devices || a.super_options != b.super_options ||
         a.read_only_mounts != b.read_only_mounts || a.access_path != b.access_path ||
         a.access_is_root != b.access_is_root;
}

bool AnyType(std::string_view) { return true; }
bool NoType(std::string_view) { return false; }

}  // namespace

class MountTable::Impl {
 public:
  Impl(Options options, Fd wakes, Fd events)
      : options_(std::move(options)), wakes_(std::move(wakes)), events_(std::move(events)) {}

  int event_fd() const { return wakes_.get(); }
  bool TakeChange();
  Result<MountChanges> Refresh(uint64_t now_ns);
  std::vector<const Mounting*> ReadOptions();
  std::optional<uint64_t> recheck_boottime_ns() const { return recheck_ns_; }
  std::vector<const Mounting*> mounted() const;
  const Mounting* Find(uint32_t key) const;
  Result<const Mounting*> FindByPath(const std::string& path) const;
  std::optional<DeviceNumber> NumberOf(const std::string& device) const {
    return BlockDeviceNumber(options_.sys_root, device);
  }
  void Forget(uint64_t boottime_ns);
  const Mounting* FindByName(std::string_view device, uint64_t boottime_ns, std::string_view type) const;
  std::optional<MountingAbove> FindAboveDevice(DeviceNumber disk, std::optional<uint64_t> sector,
                                               uint64_t boottime_ns) const;

  template <typename Matches>
  const Mounting* FindAt(Matches matches, const std::optional<Uuid>& uuid, uint64_t boottime_ns) const;

 private:
  std::string MountInfoPath() const { return options_.proc_root + "/self/mountinfo"; }
  Result<std::vector<MountInfoLine>> AsTheMachineHasThem(std::vector<MountInfoLine> ours) const;
  const Record* Live(DeviceNumber dev) const;
  const Mounting* OfMount(uint64_t mount_id) const;
  std::optional<uint64_t> MountThatMayHang(const std::string& path) const;

  Result<std::vector<MountInfoLine>> ReadSettledTable();
  Result<Sightings> SettledSurvey(uint64_t now_ns);
  struct Look {
    uint64_t began_ns = 0;
    uint64_t ended_ns = 0;
  };
  KnownMountings Known(uint64_t now_ns) const;

  std::optional<Uuid> UuidOf(const Mounting& mounting, const std::optional<Access>& access) const;
  const Mounting* Appear(Sighting seen, const Look& look);
  bool Update(Record& record, Sighting seen, const Look& look);
  bool IsStillThere(const Traits& traits) const;
  void UpdateUuid(Mounting& mounting, const Mounting& before, const Sighting& seen) const;
  void PlanRecheck(uint64_t now_ns);

  const Options options_;
  const Fd wakes_;                         // in somebody's epoll
  const Fd events_;                        // polled here alone
  std::map<uint32_t, Record> records_;     // by key; pointers into it are handed out
  std::map<DeviceNumber, uint32_t> live_;  // the keys of those mounted
  MountTree tree_;                         // of the last Refresh
  uint32_t last_key_ = 0;
  std::optional<uint64_t> last_refresh_ns_;
  std::optional<uint64_t> recheck_ns_;
};

const Record* MountTable::Impl::Live(DeviceNumber dev) const {
  const auto found = live_.find(dev);
  return found == live_.end() ? nullptr : &records_.at(found->second);
}

// The kernel rearms the descriptor when it has told a change to poll(2).
bool MountTable::Impl::TakeChange() {
  pollfd waiting{.fd = events_.get(), .events = POLLPRI, .revents = 0};
  return ::poll(&waiting, 1, 0) > 0 && (waiting.revents & (POLLPRI | POLLERR)) != 0;
}

// The kernel gives the table out in pieces, so a table that changed meanwhile may miss a line: it is read again. After the
// last reading no event is taken, so that none is lost.
Result<std::vector<MountInfoLine>> MountTable::Impl::ReadSettledTable() {
  TakeChange();
  auto entries = ReadMountInfo(MountInfoPath(), AnyType);
  for (int reads = 1; reads < kReadsOfAMovingTable && TakeChange(); ++reads) {
    entries = ReadMountInfo(MountInfoPath(), AnyType);
  }
  return entries;
}

Result<std::vector<MountInfoLine>> MountTable::Impl::AsTheMachineHasThem(std::vector<MountInfoLine> ours) const {
  if (options_.mounts_of == "self") return ours;
  auto machine = ReadMountInfo(options_.proc_root + '/' + options_.mounts_of + "/mountinfo", AnyType);
  if (!machine) return machine.error();
  return AsSeenBy(*machine, std::move(ours));
}

KnownMountings MountTable::Impl::Known(uint64_t now_ns) const {
  KnownMountings known;
  for (const auto& [dev, key] : live_) {
    const Record& record = records_.at(key);
    known[dev] = {&record.mounting, &record.traits, now_ns >= record.look_elsewhere_ns};
  }
  return known;
}

std::optional<Uuid> MountTable::Impl::UuidOf(const Mounting& mounting, const std::optional<Access>& access) const {
  auto from_device = [&]() -> std::optional<Uuid> {
    if (mounting.devices.empty()) return std::nullopt;
    const BlockDevice& device = mounting.devices.front();
    std::string node = device.name;
    std::replace(node.begin(), node.end(), '!', '/');  // as the kernel writes a slash in such a name
    return ReadUuidFromDevice(options_.dev_root + "/" + node, device.dev, mounting.info.type);
  };
  // The ioctl is fast, but in that moment the file system cannot be unmounted: what was mounted just now may soon be, what
  // stood there at the first look will hardly be.
  if (last_refresh_ns_)
    if (auto uuid = from_device()) return uuid;
  if (access)
    if (auto uuid = ReadUuid(*access)) return uuid;
  return last_refresh_ns_ ? std::nullopt : from_device();
}

const Mounting* MountTable::Impl::Appear(Sighting seen, const Look& look) {
  const uint32_t key = ++last_key_;
  const DeviceNumber dev = *seen.info.dev;
  Record& record = records_[key];
  record.mounting.key = key;
  record.mounting.since_boottime_ns = look.ended_ns;
  record.absent_boottime_ns = last_refresh_ns_;
  live_[dev] = key;
  Update(record, std::move(seen), look);
  return &record.mounting;
}

bool MountTable::Impl::IsStillThere(const Traits& traits) const {
  return !traits.instance || InstanceOf(options_.sys_root, traits.directory) == traits.instance;
}

// A uuid can be given anew while mounted (tune2fs -U): ext4's fsid is made of it.
void MountTable::Impl::UpdateUuid(Mounting& mounting, const Mounting& before, const Sighting& seen) const {
  if (mounting.info.uuid) return;  // sysfs has told it
  mounting.info.uuid = before.info.uuid;
  if (options_.may_hang(mounting.info.type)) return;
  const bool is_new = !before.info.dev;
  const bool other_fsid = before.info.fsid != mounting.info.fsid;
  const bool other_way = !before.info.uuid && before.access_path != mounting.access_path;
  if (!is_new && !other_fsid && !other_way) return;
  // Unmounted by now, the device can carry another one, whose uuid it was.
  if (const auto read = UuidOf(mounting, seen.access); read && IsStillThere(seen.traits)) mounting.info.uuid = read;
}

static void SetOptions(Mounting& mounting, std::string super_options, size_t read_only_mounts) {
  mounting.super_options = std::move(super_options);
  mounting.read_only = HasOption(mounting.super_options, "ro");
  mounting.read_only_mounts = read_only_mounts;
}

// Takes over what was seen; true if anything that others see is different now.
bool MountTable::Impl::Update(Record& record, Sighting seen, const Look& look) {
  const uint64_t now_ns = look.began_ns;
  Mounting& mounting = record.mounting;
  const Mounting before = mounting;
  if (!seen.info.fsid) seen.info.fsid = mounting.info.fsid;
  mounting.info = std::move(seen.info);
  mounting.devices = std::move(seen.devices);
  if (seen.super_options) SetOptions(mounting, std::move(*seen.super_options), seen.read_only_mounts);
  mounting.access_path = seen.access ? seen.access->path : std::string();
  mounting.access_is_root = seen.access && seen.access->is_root;

  if (before.info.mounts != mounting.info.mounts) {
    mounting.mounts_before = before.info.mounts;
    mounting.mounts_since_boottime_ns = look.ended_ns;
  }
  if (!seen.traits.instance) {
    seen.traits.instance = record.traits.instance;
    seen.traits.directory = record.traits.directory;
  }
  UpdateUuid(mounting, before, seen);

  const auto before_look_ns = std::exchange(record.look_elsewhere_ns, 0);
  record.traits = std::move(seen.traits);
  record.seen_boottime_ns = now_ns;
  if (seen.access || seen.may_hang) record.unreachable_since_ns.reset();
  else if (!record.unreachable_since_ns) record.unreachable_since_ns = now_ns;
  if (record.unreachable_since_ns)
    record.look_elsewhere_ns = now_ns < before_look_ns ? before_look_ns
                                                       : std::min(NextLook(*record.unreachable_since_ns, now_ns),
                                                                  now_ns + kLookElsewhereAtLeastEveryNs);
  return LooksDifferent(before, mounting);
}

void MountTable::Impl::PlanRecheck(uint64_t now_ns) {
  recheck_ns_.reset();
  for (const auto& [dev, key] : live_) {
    const Record& record = records_.at(key);
    const auto since = record.unreachable_since_ns;
    if (!since || now_ns - *since >= kRecheckForNs) continue;
    recheck_ns_ = std::min(recheck_ns_.value_or(record.look_elsewhere_ns), record.look_elsewhere_ns);
  }
}

// What is seen of a device is seen at several moments: where the table has changed amid that, it can be of two file systems that the
// device has carried, one after the other.
Result<Sightings> MountTable::Impl::SettledSurvey(uint64_t now_ns) {
  for (int surveys = 1;; ++surveys) {
    auto entries = ReadSettledTable();
    if (!entries) return entries.error();
    tree_ = MountTree(*entries, options_.may_hang, true);
    entries = AsTheMachineHasThem(std::move(*entries));
    if (!entries) return entries.error();
    Sightings seen =
        Survey({options_.proc_root, options_.sys_root, options_.dev_root, options_.wanted, options_.may_hang}, *entries,
               tree_, Known(now_ns));
    if (surveys == kSurveysOfAMovingTable || !TakeChange()) return seen;
  }
}

Result<MountChanges> MountTable::Impl::Refresh(uint64_t now_ns) {
  auto surveyed = SettledSurvey(now_ns);
  if (!surveyed) return surveyed.error();
  Sightings& seen = *surveyed;
  const Look look{now_ns, std::max(now_ns, options_.clock())};

  MountChanges changes;
  for (auto item = live_.begin(); item != live_.end();) {
    Record& record = records_.at(item->second);
    const auto found = seen.find(item->first);
    if (found != seen.end() && IsSameMounting(record, found->second)) {
      if (Update(record, std::move(found->second), look)) changes.changed.push_back(&record.mounting);
      seen.erase(found);
      ++item;
      continue;
    }
    record.mounting.gone_boottime_ns = look.ended_ns;
    changes.vanished.push_back(&record.mounting);
    item = live_.erase(item);
  }
  for (auto& [dev, observation] : seen) changes.appeared.push_back(Appear(std::move(observation), look));
  last_refresh_ns_ = now_ns;
  PlanRecheck(now_ns);
  return changes;
}

// A table that changes while it is read, or has changed since Refresh, is Refresh's: a line here is of the mounting that
// stood there then, or it is left out.
std::vector<const Mounting*> MountTable::Impl::ReadOptions() {
  auto entries = ReadMountInfo(MountInfoPath(), options_.wanted);
  if (entries) entries = AsTheMachineHasThem(std::move(*entries));
  if (!entries) return {};
  std::map<DeviceNumber, std::vector<MountInfoLine>> by_device;
  for (MountInfoLine& entry : *entries) {
    const Record* record = Live(entry.dev);
    const bool is_known =
        record != nullptr && record->mounting.info.type == entry.type && record->traits.mount_ids.contains(entry.id);
    if (is_known) by_device[entry.dev].push_back(std::move(entry));
  }
  std::vector<const Mounting*> changed;
  for (const auto& [dev, lines] : by_device) {
    Mounting& mounting = records_.at(live_.at(dev)).mounting;
    std::string options = SharedOptions(lines);
    const size_t read_only_mounts = CountReadOnly(lines);
    if (options == mounting.super_options && read_only_mounts == mounting.read_only_mounts) continue;
    SetOptions(mounting, std::move(options), read_only_mounts);
    changed.push_back(&mounting);
  }
  return changed;
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
  const Mounting* certain = nullptr;
  const Mounting* possible = nullptr;
  const Mounting* agreeing = nullptr;
  bool of_one_filesystem = true;
  for (const auto& [key, record] : records_) {
    const FilesystemInfo& info = record.mounting.info;
    if (!matches(record.mounting) || Differ(uuid, info.uuid)) continue;
    if (WasThereForCertain(record, boottime_ns)) {
      if (certain != nullptr) return nullptr;  // one device below two: a seed device of btrfs
      certain = &record.mounting;
    }
    if (!CanHaveBeenThere(record, boottime_ns, uuid && info.uuid)) continue;
    if (possible != nullptr && !(info.uuid && info.uuid == possible->info.uuid)) of_one_filesystem = false;
    possible = &record.mounting;  // the keys ascend: the latest
    if (uuid && info.uuid) agreeing = possible;
  }
  if (certain != nullptr) return certain;
  return of_one_filesystem ? possible : agreeing;
}

const Mounting* MountTable::Impl::FindByName(std::string_view device, uint64_t boottime_ns,
                                             std::string_view type) const {
  const auto is_called_so = [&](const Mounting& mounting) {
    if (!type.empty() && mounting.info.type != type) return false;
    if (mounting.info.device == device && !options_.may_hang(mounting.info.type)) return true;
    return std::ranges::find(mounting.devices, device, &BlockDevice::name) != mounting.devices.end();
  };
  return FindAt(is_called_so, std::nullopt, boottime_ns);
}

std::optional<MountingAbove> MountTable::Impl::FindAboveDevice(DeviceNumber disk, std::optional<uint64_t> sector,
                                                               uint64_t boottime_ns) const {
  const auto on = [&](DeviceNumber dev) {
    return FindAt([&](const Mounting& mounting) { return IsOn(mounting, dev); }, std::nullopt, boottime_ns);
  };
  if (const Mounting* mounting = on(disk))
    return MountingAbove{mounting, {BlockDeviceName(options_.sys_root, disk), disk}, sector};
  std::optional<MountingAbove> found;
  for (DeviceAbove& above : DevicesAbove(options_.sys_root, disk, sector)) {
    const Mounting* mounting = on(above.device.dev);
    if (mounting == nullptr) continue;
    if (above.sector) return MountingAbove{mounting, std::move(above.device), above.sector};  // its partition
    if (found && found->mounting != mounting) return std::nullopt;
    if (!found) found = MountingAbove{mounting, std::move(above.device), std::nullopt};
  }
  return found;
}

const Mounting* MountTable::Impl::OfMount(uint64_t mount_id) const {
  for (const auto& [dev, key] : live_) {
    const Record& record = records_.at(key);
    if (record.traits.mount_ids.contains(mount_id)) return &record.mounting;
  }
  return nullptr;
}

// The mount that may hang on which a path lies, or that it would have to be asked for the way. The tree knows nothing of
// symbolic links; where it sees no obstacle, the kernel is asked.
std::optional<uint64_t> MountTable::Impl::MountThatMayHang(const std::string& path) const {
  const Result<uint64_t> id = MountOfPath(path, tree_);
  if (!id) return std::nullopt;
  const Mounting* mounting = OfMount(*id);
  if (mounting != nullptr && options_.may_hang(mounting->info.type)) return *id;
  return tree_.MayHang(*id) ? std::optional(*id) : std::nullopt;
}

Result<const Mounting*> MountTable::Impl::FindByPath(const std::string& path) const {
  if (const auto mount_id = MountThatMayHang(path)) {
    if (const Mounting* mounting = OfMount(*mount_id)) return mounting;
    return Error{path + " is on a file system of another machine or of a process, which is not watched"};
  }
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
  if (!options.may_hang) options.may_hang = NoType;
  if (!options.clock) options.clock = BoottimeNowNs;
  const std::string path = options.proc_root + '/' + options.mounts_of + "/mountinfo";
  Fd wakes(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  Fd events(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!wakes || !events) return ErrnoError("open", path);
  return std::unique_ptr<MountTable>(
      new MountTable(std::make_unique<Impl>(std::move(options), std::move(wakes), std::move(events))));
}

int MountTable::event_fd() const { return impl_->event_fd(); }
bool MountTable::TakeChange() { return impl_->TakeChange(); }
Result<MountChanges> MountTable::Refresh(uint64_t now_boottime_ns) { return impl_->Refresh(now_boottime_ns); }
std::vector<const Mounting*> MountTable::ReadOptions() { return impl_->ReadOptions(); }
std::optional<uint64_t> MountTable::recheck_boottime_ns() const { return impl_->recheck_boottime_ns(); }
std::vector<const Mounting*> MountTable::mounted() const { return impl_->mounted(); }
const Mounting* MountTable::Find(uint32_t key) const { return impl_->Find(key); }
Result<const Mounting*> MountTable::FindByPath(const std::string& path) const { return impl_->FindByPath(path); }
std::optional<DeviceNumber> MountTable::NumberOf(const std::string& device) const { return impl_->NumberOf(device); }
void MountTable::Forget(uint64_t boottime_ns) { impl_->Forget(boottime_ns); }

const Mounting* MountTable::FindByDevice(DeviceNumber dev, const std::optional<Uuid>& uuid,
                                         uint64_t boottime_ns) const {
  return impl_->FindAt([&](const Mounting& mounting) { return IsOn(mounting, dev); }, uuid, boottime_ns);
}

const Mounting* MountTable::FindByName(std::string_view device, uint64_t boottime_ns, std::string_view type) const {
  return impl_->FindByName(device, boottime_ns, type);
}

std::optional<MountingAbove> MountTable::FindAboveDevice(DeviceNumber disk, std::optional<uint64_t> sector,
                                                         uint64_t boottime_ns) const {
  return impl_->FindAboveDevice(disk, sector, boottime_ns);
}

}  // namespace fsherald
