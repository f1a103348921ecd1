// SPDX-License-Identifier: MIT
#include "notify/watched_filesystems.h"

#include <sys/epoll.h>
#include <sys/utsname.h>

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "filesystem/filesystem_type.h"

namespace fsherald {
namespace {

constexpr int kMaxLooks = 8;                      // at a mount table that has not changed, in one round
constexpr uint64_t kKeepGoneNs = 10'000'000'000;  // signals of a mounting that is gone can still come

std::string KernelRelease() {
  utsname name{};
  ::uname(&name);
  return name.release;
}

MountLook LookOf(const Mounting& mounting) {
  return {mounting.info.type, mounting.super_options, mounting.read_only_mounts};
}

// By its own lines, or by those of its devices. What a process serves, and what is not known and has no device, is told by
// nobody here.
bool IsToldByKernel(const Mounting& mounting) {
  if (!mounting.devices.empty()) return true;
  return ModuleOf(mounting.info.type).parse_log != nullptr && !IsServedByProcess(mounting.info.type);
}

bool HasAccount(const Join::Account& account) {
  return account.counted || account.fanotify_debt > 0 || !account.devices.empty();
}

FilesystemInfo IdentityOf(const FilesystemInfo& info) {
  return {
      .type = info.type, .device = info.device, .dev = info.dev, .uuid = info.uuid, .fsid = info.fsid, .mounts = {}};
}

}  // namespace

WatchedFilesystems::WatchedFilesystems(Parts parts, Options options)
    : parts_(parts), options_(std::move(options)), kernel_release_(KernelRelease()) {}

Status WatchedFilesystems::Refresh() {
  if (std::exchange(is_looking_, true)) return {};
  Status looked = Look();
  is_looking_ = false;
  if (looked && !parts_.collector.is_collecting()) options_.looked();
  return looked;
}

void WatchedFilesystems::LookFor(uint64_t boottime_ns) {
  if (!TakeChange() && (look_began_boottime_ns_ > boottime_ns || ++looks_this_round_ > kMaxLooks)) return;
  (void)Refresh();
}

bool WatchedFilesystems::TakeHints() {
  is_hinted_ = parts_.translator.TakeMountHint() || is_hinted_;
  is_hinted_ = parts_.collector.TakeMountHint() || is_hinted_;
  return is_hinted_;
}

bool WatchedFilesystems::TakeChange() {
  is_hinted_ = parts_.mounts.TakeChange() || is_hinted_;
  return is_hinted_;
}

Status WatchedFilesystems::Look() {
  const int64_t utc_s = UtcNowNs() / 1'000'000'000;
  is_hinted_ = false;
  look_began_boottime_ns_ = BoottimeNowNs();
  auto changes = parts_.mounts.Refresh(look_began_boottime_ns_);
  if (!changes) return changes.error();
  if (!changes->vanished.empty()) parts_.collector.CollectBeforeEnd();
  for (const Mounting* mounting : changes->vanished) End(*mounting);
  for (const Mounting* mounting : changes->appeared) Begin(*mounting);
  for (const Mounting* mounting : changes->changed) Change(*mounting);
  parts_.servers.Look();
  for (auto& [key, watched] : watched_) watched.coverage.server = parts_.servers.Covers(key);
  parts_.states.Looked(BoottimeNowNs());
  PollCounters();
  if (!parts_.collector.is_collecting()) ForgetUnwatched();
  Forget(BoottimeNowNs() - std::min(BoottimeNowNs(), kKeepGoneNs));
  looked_utc_s_ = utc_s;
  is_armed_ = true;
  return {};
}

void WatchedFilesystems::PollCounters() {
  if (!parts_.sources.counters) return;
  for (const CounterSource::Event& event : parts_.sources.counters->events())
    (void)parts_.poller.Add(event.fd, EPOLLPRI | EPOLLERR);
}

// A file system begins to be watched. First the counter is read, then it is marked: what happens between is owed by the
// counter, and lost to nobody.
void WatchedFilesystems::Begin(const Mounting& mounting) {
  if (!IsWanted(mounting)) return;
  const FilesystemKey key{mounting.key};
  if (parts_.sources.trace) parts_.sources.trace->Arrived(mounting.info.type);
  unwatched_.erase(key);
  Watched& watched = watched_[key];
  watched.since_boottime_ns = BoottimeNowNs();
  ReadCounters(mounting, watched);
  Past past = PastOf(mounting, watched);
  CoverByLogAndTrace(mounting, watched);
  if (FuseServers::IsServed(mounting.info.type) && mounting.info.dev) parts_.servers.Add(key, *mounting.info.dev);
  if (is_armed_ && !parts_.translator.UuidOf(mounting)) past.base.reset();
  Mark(mounting, watched);
  AddHealth(mounting, watched);
  JoinCoverage coverage = CoverageAmid(mounting, watched);
  coverage.told_amid += past.told_ahead;
  parts_.join.Open(key, coverage, past.base);
  if (past.base && *past.base < watched.past->errors)
    parts_.collector.Read(key);  // it has risen before we could be woken
  const bool goes_on = past.saved && parts_.sources.fanotify && parts_.sources.fanotify->is_taken_over();
  if (goes_on) parts_.join.Owe(key, past.saved->fanotify_debt);
  // What was mounted while we watched, or an earlier monitor did, has no past: all of it is new.
  if (past.saved || is_armed_) watched.since_boottime_ns = 0;
  parts_.states.Begin(key, LookOf(mounting));
  watched.state = MountStateOf(LookOf(mounting));
  parts_.observed.Add(mounting, {.mount = watched.state,
                                 .is_fresh = is_armed_,
                                 .unseen_utc_s = looked_utc_s_,
                                 .counters = std::move(past.found)});
}

void WatchedFilesystems::ReadCounters(const Mounting& mounting, Watched& watched) {
  const FilesystemKey key{mounting.key};
  CounterSource* counters = parts_.sources.counters.get();
  if (counters == nullptr || !counters->Add(key, ModuleOf(mounting.info.type), mounting.info, mounting.access_path))
    return;
  if (auto reading = counters->Read(key)) watched.past = *reading;
  parts_.collector.Begin(key);
  watched.coverage.counters = watched.past.has_value();
}

WatchedFilesystems::Past WatchedFilesystems::PastOf(const Mounting& mounting, const Watched& watched) {
  Past past{.base = {}, .found = watched.past, .saved = parts_.earlier.Take(mounting.info)};
  if (!watched.past) return past;
  past.base = past.found->errors = watched.past->errors - NewErrors(mounting, *watched.past);
  if (past.saved) {
    const Earlier::Start start =
        parts_.earlier.StartOf(*past.saved, *watched.past, *past.base, UtcNowNs() / 1'000'000'000);
    past.base = start.base;
    past.told_ahead = start.told_ahead;
  }
  if (!watched.past->devices.empty()) {
    CounterReading from = *watched.past;
    if (past.saved && !past.saved->devices.empty()) from.devices = past.saved->devices;
    parts_.join.CountDevices({mounting.key}, from, BoottimeNowNs());
  }
  return past;
}

void WatchedFilesystems::CoverByLogAndTrace(const Mounting& mounting, Watched& watched) {
  JoinCoverage coverage = IsToldByKernel(mounting) ? parts_.sources.LogAndTrace() : JoinCoverage{};
  coverage.counters = watched.coverage.counters;
  coverage.trace = coverage.trace && parts_.sources.trace->Covers(mounting.info.type);
  coverage.detail = coverage.detail && coverage.trace;
  watched.coverage = coverage;
}

// The tracepoint of an error wakes us; if that is how we came to mark, fanotify and the counter may have yet to tell it.
JoinCoverage WatchedFilesystems::CoverageAmid(const Mounting& mounting, const Watched& watched) const {
  JoinCoverage coverage = watched.coverage;
  const std::optional<Uuid> uuid = parts_.translator.UuidOf(mounting);
  if (!uuid) return coverage;
  TracedErrors::Amid amid = parts_.traced_errors.AmidAt(*uuid, BoottimeNowNs());
  coverage.told_amid = amid.errors;
  coverage.amid_tasks = std::move(amid.tasks);
  return coverage;
}

void WatchedFilesystems::Mark(const Mounting& mounting, Watched& watched) {
  const FilesystemModule& module = ModuleOf(mounting.info.type);
  FanotifySource* fanotify = parts_.sources.fanotify.get();
  watched.mark_refused.clear();
  if (fanotify == nullptr || !FanotifyCovers(&module, kernel_release_)) return;
  if (Status marked = fanotify->Mark(mounting); !marked) {
    watched.mark_refused = "the exact count and the errno by fanotify (" + marked.error().ToString() + ")";
    return;
  }
  watched.coverage.fanotify = true;
  watched.coverage.echoed = module.reporter == nullptr;
  watched.coverage.fanotify_since_ns = fanotify->WasMarkedBefore({mounting.key}) ? 0 : BoottimeNowNs();
  for (int fd : fanotify->fds()) (void)parts_.poller.Add(fd, EPOLLIN);
}

// What XFS's health monitor tells has mostly been told: it is an echo.
void WatchedFilesystems::AddHealth(const Mounting& mounting, Watched& watched) {
  watched.health_refused.clear();
  if (parts_.health == nullptr || !XfsHealthSource::IsOf(mounting.info.type)) return;
  if (Status added = parts_.health->Add(mounting, BoottimeNowNs()); !added) {
    watched.health_refused = "what XFS's health monitor would tell (" + added.error().ToString() + ")";
    return;
  }
  watched.coverage.health = watched.coverage.echoed = true;
}

// How many of the errors that a fresh mounting has counted are new, and told by nobody.
uint64_t WatchedFilesystems::NewErrors(const Mounting& mounting, const CounterReading& reading) {
  if (!is_armed_) return 0;
  if (std::optional<FilesystemKey> before = parts_.translator.TakeUnmounted(mounting.info)) parts_.join.Close(*before);
  return parts_.traced_errors.NewErrors(parts_.translator.UuidOf(mounting), reading, looked_utc_s_);
}

// Amid a collection what is drained still has to find it as it was: its coverage says what belongs to what.
void WatchedFilesystems::End(const Mounting& mounting) {
  const FilesystemKey key{mounting.key};
  if (!watched_.contains(key)) return;
  gone_.push_back({key, BoottimeNowNs()});
  parts_.observed.Add(mounting, {.what = Observation::What::kEnded});
  parts_.servers.Forget(key);
  if (parts_.health != nullptr) parts_.health->Forget(key);
  if (parts_.sources.fanotify) parts_.sources.fanotify->Forget(key);
  if (CounterSource* counters = parts_.sources.counters.get()) {
    for (const CounterSource::Event& event : counters->events())
      if (event.key == key) parts_.poller.Remove(event.fd);
    counters->Forget(key);
    parts_.collector.End(key);
  }
  if (parts_.collector.is_collecting()) ended_.push_back(key);
  else Close(key);
}

void WatchedFilesystems::CloseEnded() {
  for (FilesystemKey key : std::exchange(ended_, {})) Close(key);
}

void WatchedFilesystems::Close(FilesystemKey key) {
  watched_.erase(key);
  parts_.join.Close(key);
  parts_.states.End(key);
  parts_.collector.Unmark(key);
}

// What went before is done with.
void WatchedFilesystems::Forget(uint64_t before_boottime_ns) {
  parts_.mounts.Forget(before_boottime_ns);
  while (!gone_.empty() && gone_.front().boottime_ns < before_boottime_ns) {
    if (options_.forgotten) options_.forgotten(gone_.front().key);
    gone_.pop_front();
  }
}

// It has got an access path, lies on a wanted path by now, or has made something of itself.
void WatchedFilesystems::Change(const Mounting& mounting) {
  auto it = watched_.find({mounting.key});
  if (it == watched_.end()) return Begin(mounting);
  Watched& watched = it->second;
  LookAt(mounting, BoottimeNowNs());
  const bool has_health =
      parts_.health == nullptr || watched.coverage.health || !XfsHealthSource::IsOf(mounting.info.type);
  const bool was_marked = watched.coverage.fanotify;
  if (was_marked && has_health) return;
  if (!was_marked) Mark(mounting, watched);
  if (!has_health) AddHealth(mounting, watched);
  parts_.join.Open(it->first, was_marked ? watched.coverage : CoverageAmid(mounting, watched), std::nullopt);
}

void WatchedFilesystems::LookAtOptions(uint64_t now_ns) {
  for (const Mounting* mounting : parts_.mounts.ReadOptions()) LookAt(*mounting, now_ns);
  parts_.states.Looked(now_ns);
}

void WatchedFilesystems::LookAt(const Mounting& mounting, uint64_t now_ns) {
  parts_.states.Look({mounting.key}, LookOf(mounting), now_ns);
  const auto watched = watched_.find({mounting.key});
  if (watched == watched_.end()) return;
  const MountState state = MountStateOf(LookOf(mounting));
  if (std::exchange(watched->second.state, state) != state && state == MountState::kWritable)
    parts_.observed.Add(mounting, {.what = Observation::What::kRemounted});
}

void WatchedFilesystems::Meet(FilesystemKey key) {
  if (watched_.contains(key) || !unwatched_.insert(key).second) return;
  parts_.join.Open(key, parts_.sources.LogAndTrace(), std::nullopt);
}

void WatchedFilesystems::CloseUnwatched() {
  for (FilesystemKey key : unwatched_) parts_.join.Close(key);
}

void WatchedFilesystems::ForgetUnwatched() {
  std::erase_if(unwatched_, [&](FilesystemKey key) {
    if (parts_.join.IsBeingTold(key)) return false;
    parts_.join.Close(key);
    return true;
  });
}

bool WatchedFilesystems::IsMarked(FilesystemKey key) const {
  auto it = watched_.find(key);
  return it != watched_.end() && it->second.coverage.fanotify;
}

std::optional<uint64_t> WatchedFilesystems::WatchedSinceNs(FilesystemKey key) const {
  auto it = watched_.find(key);
  return it == watched_.end() ? std::nullopt : std::optional(it->second.since_boottime_ns);
}

std::optional<FilesystemKey> WatchedFilesystems::KeyOf(DeviceNumber dev) const {
  for (const Mounting* mounting : parts_.mounts.mounted()) {
    auto it = watched_.find({mounting->key});
    if (mounting->info.dev == dev && it != watched_.end() && IsCovered(it->second.coverage)) return it->first;
  }
  return std::nullopt;
}

const Mounting* WatchedFilesystems::MountedAs(const FilesystemInfo& info) const {
  for (const Mounting* mounting : parts_.mounts.mounted())
    if (mounting->info.dev == info.dev && IsSame(info, mounting->info)) return mounting;
  return nullptr;
}

Status WatchedFilesystems::CheckPaths() const {
  for (const std::string& path : options_.paths) {
    Result<const Mounting*> mounting = parts_.mounts.FindByPath(path);
    if (!mounting) return mounting.error();
    auto it = watched_.find({(*mounting)->key});
    if (it == watched_.end() || !IsCovered(it->second.coverage))
      return Error{path + ": no source that is there covers this file system (see: fsherald doctor " + path + ")", 0};
  }
  return {};
}

bool WatchedFilesystems::IsWanted(const Mounting& mounting) const {
  if (options_.paths.empty()) return true;
  return std::ranges::any_of(options_.paths, [&](const std::string& path) {
    Result<const Mounting*> on = parts_.mounts.FindByPath(path);
    return on && (*on)->key == mounting.key;
  });
}

Sight WatchedFilesystems::SightOf(const std::string& type, const JoinCoverage& coverage) const {
  const FilesystemModule& module = ModuleOf(type);
  return {.coverage = coverage,
          .type = type,
          .has_tracepoints = module.reporter != nullptr || module.parse_event != nullptr,
          .has_handler = module.reporter != nullptr,
          .tells_fanotify = FanotifyCovers(&module, kernel_release_),
          .keeps_counter = module.counter_event_path != nullptr,
          .detail_refused = parts_.sources.detail_refused()};
}

std::vector<WatchedFilesystem> WatchedFilesystems::All() const {
  std::vector<WatchedFilesystem> all;
  for (const Mounting* mounting : parts_.mounts.mounted()) {
    auto it = watched_.find({mounting->key});
    if (it == watched_.end()) continue;
    const Watched& watched = it->second;
    all.push_back({.info = mounting->info,
                   .coverage = watched.coverage,
                   .lacks = Lacks(SightOf(mounting->info.type, watched.coverage)),
                   .past = watched.past});
    for (const std::string& refused : {watched.mark_refused, watched.health_refused})
      if (!refused.empty()) all.back().lacks.push_back(refused);
  }
  return all;
}

std::vector<SavedState::Filesystem> WatchedFilesystems::Save(const std::vector<Join::Account>& accounts) const {
  std::vector<SavedState::Filesystem> filesystems;
  for (const Join::Account& account : accounts)
    if (const Mounting* mounting = parts_.mounts.Find(account.filesystem.value); mounting && HasAccount(account))
      filesystems.push_back({.info = IdentityOf(mounting->info),
                             .counted = account.counted,
                             .fanotify_debt = account.fanotify_debt,
                             .devices = account.devices});
  std::ranges::copy(parts_.earlier.absent(), std::back_inserter(filesystems));
  return filesystems;
}

SourceReport WatchedFilesystems::HealthReport() const {
  SourceReport report{.id = SourceId::kHealth, .active = parts_.health->size() > 0};
  if (report.active) {
    report.words = "XFS's own health monitor, where it could be had";
    return report;
  }
  report.words = "no XFS is mounted whose health monitor could be had";
  for (const auto& [key, watched] : watched_)
    if (!watched.health_refused.empty()) report.words = watched.health_refused;
  return report;
}

}  // namespace fsherald
