// SPDX-License-Identifier: MIT
#include "notify/monitor.h"

#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/utsname.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "base/clock.h"
#include "base/poller.h"
#include "filesystem/filesystem_type.h"
#include "mount/mount_table.h"
#include "notify/counter_reads.h"
#include "notify/coverage.h"
#include "notify/earlier.h"
#include "notify/host.h"
#include "notify/observed.h"
#include "notify/sources.h"
#include "notify/state_watch.h"
#include "notify/teller.h"
#include "notify/traced_errors.h"
#include "notify/translator.h"
#include "object/path_finder.h"
#include "record/stream.h"
#include "source/fuse_servers.h"
#include "source/xfs_health.h"

namespace fsherald {
namespace {

constexpr int kMaxHastyRounds = 16;           // until a flood lets mounts and counters have their turn
constexpr uint64_t kFreshNs = 1'000'000'000;  // a mounting that is younger may have got its mount points only now
constexpr int kMaxRefreshes = 8;              // of a mount table that has not changed, in one round
constexpr uint64_t kLookAgainNs = 1'000'000;  // while the trace is hot
constexpr uint64_t kUnfinishedRecordNs =
    20'000'000;  // how long a program may take to write one, if its processor is taken away
constexpr uint64_t kUnfinishedLineNs = 100'000'000;  // how long the rest of a line may take, over a slow console
constexpr uint64_t kLastWalkNs = 1'000'000'000;      // for the walks that the end of the watch finds under way
constexpr uint64_t kKeepGoneNs = 10'000'000'000;     // signals of a mounting that is gone can still come

std::string KernelRelease() {
  utsname name{};
  ::uname(&name);
  return name.release;
}

template <typename T>
bool Contains(const std::vector<T>& values, const T& value) {
  return std::ranges::find(values, value) != values.end();
}

MountLook LookOf(const Mounting& mounting) {
  return {mounting.info.type, mounting.super_options, mounting.read_only_mounts};
}

}  // namespace

class Monitor::Impl {
 public:
  Impl(Options options, Handler handler) : options_(std::move(options)), handler_(std::move(handler)) {}

  Status Open() {
    auto poller = Poller::Open();
    if (!poller) return poller.error();
    poller_ = std::move(*poller);
    boot_id_ = ReadHost().boot_id;
    earlier_.emplace(std::move(options_.saved), boot_id_);
    auto sources = Sources::Open({.without = options_.without,
                                  .sys_root = options_.sys_root,
                                  .kmsg_path = options_.kmsg_path,
                                  .kept = options_.kept,
                                  .saved = earlier_->state()});
    if (!sources) return sources.error();
    sources_ = std::move(*sources);
    auto servers = FuseServers::Open(options_.proc_root, options_.sys_root);
    if (!servers) return servers.error();
    servers_ = std::make_unique<FuseServers>(std::move(*servers));
    if (Status opened = OpenHealth(); !opened) return opened;
    if (Status opened = OpenMounts(); !opened) return opened;
    auto paths = PathFinder::Start({.proc_root = options_.proc_root});
    if (!paths) return paths.error();
    paths_ = std::move(*paths);
    teller_ = std::make_unique<Teller>(paths_.get(), handler_);
    translator_ = std::make_unique<Translator>(*mounts_, options_.proc_root,
                                               [this](uint64_t boottime_ns) { LookForMounts(boottime_ns); });
    if (Status refreshed = RefreshMounts(); !refreshed) return refreshed;
    if (Status checked = CheckPaths(); !checked) return checked;
    if (Status added = AddDescriptors(); !added) return added;
    GoOn();
    return {};
  }

  int fd() const { return poller_.fd(); }

  // What is to be told leaves at once, before we even ask what else is ready: a counter, which follows an error and tells
  // what no source has told, never delays one. The rest stays ready, and wakes us again.
  Status Pump() {
    uint64_t now_ns = BoottimeNowNs();
    uint64_t told = teller_->told();
    Collect({}, now_ns);
    Tell(now_ns);
    TellStates(now_ns);
    hinted_ = translator_->TakeMountHint() || hinted_;
    hinted_ = mounts_->TakeChange() || hinted_;  // what woke us may have been it: nobody says so a second time
    if (teller_->told() == told || hinted_ || ++hasty_rounds_ == kMaxHastyRounds) return PumpRest();
    SetAlarm(BoottimeNowNs());
    return {};
  }

  Status PumpRest() {
    hasty_rounds_ = 0;
    std::vector<int> ready = poller_.Ready();
    uint64_t now_ns = BoottimeNowNs();
    if (std::vector<CounterSource::Event> risen = Risen(ready); !risen.empty()) {
      Collect(risen, now_ns);
      Tell(now_ns);
    }
    if (Contains(ready, paths_->event_fd())) teller_->TellFound();
    const bool server_ended = Contains(ready, servers_->fd());
    if (MountsChanged(ready, now_ns) || server_ended)
      if (Status refreshed = RefreshMounts(); !refreshed) return refreshed;
    if (server_ended) TellDeaths();
    SetAlarm(BoottimeNowNs());
    return {};
  }

  // What has been unmounted is forgotten by now: a server ends then of itself.
  void TellDeaths() {
    const uint64_t now_ns = BoottimeNowNs();
    for (Signal& death : servers_->Read(now_ns)) AddSignal(std::move(death), now_ns);
    Tell(now_ns);
  }

  void Finish() {
    uint64_t now_ns = BoottimeNowNs();
    CollectAll(now_ns);
    if (sources_.trace)
      for (const Signal& signal : translator_->ExpireLines(UINT64_MAX, *sources_.trace)) AddSignal(signal, now_ns);
    for (FilesystemKey key : unwatched_) join_.Close(key);
    // The accounts stay: a Save after this one is where the next monitor goes on.
    TellTaken(join_.Take(Join::AfterAllWindowsNs(now_ns)), now_ns);
    LookAtOptions(now_ns);
    for (const StateWatch::State& state : states_.Take(now_ns, true)) TellState(state);
    WaitForPaths();
    teller_->TellAll();
  }

  // The walks under way, and no longer than one may take.
  void WaitForPaths() {
    uint64_t deadline_ns = BoottimeNowNs() + kLastWalkNs;
    for (uint64_t now_ns = BoottimeNowNs(); teller_->waiting() > 0 && now_ns < deadline_ns; now_ns = BoottimeNowNs()) {
      pollfd event{.fd = paths_->event_fd(), .events = POLLIN, .revents = 0};
      if (::poll(&event, 1, static_cast<int>((deadline_ns - now_ns) / 1'000'000 + 1)) > 0) teller_->TellFound();
    }
  }

  SavedState Save(const Host& host) {
    const uint64_t now_ns = BoottimeNowNs();
    const Join::Rest rest = join_.Settle(now_ns);
    SavedState state{.boot_id = boot_id_, .utc_s = UtcNowNs() / 1'000'000'000};
    if (sources_.trace) state.trace = sources_.trace->position();
    state.losses = losses_;
    if (sources_.kmsg) state.kmsg_next = sources_.kmsg->next_sequence();
    if (options_.reads != nullptr) state.reads_next = saved_reads_ = options_.reads->next();
    if (sources_.fanotify) state.places = sources_.fanotify->places();
    for (const Join::Account& account : rest.accounts)
      if (const Mounting* mounting = mounts_->Find(account.filesystem.value); mounting && HasAccount(account))
        state.filesystems.push_back({.info = IdentityOf(mounting->info),
                                     .counted = account.counted,
                                     .fanotify_debt = account.fanotify_debt,
                                     .devices = account.devices});
    std::ranges::copy(earlier_->absent(), std::back_inserter(state.filesystems));
    state.rest = teller_->parked(host);
    for (const Joined& joined : rest.joined)
      AppendStream(
          Teller::Describe(joined, translator_->Seen(joined.filesystem), mounts_->Find(joined.filesystem.value)), host,
          state.rest.emplace_back());
    return state;
  }

  void Release() {
    if (sources_.trace) sources_.trace->Release();
    if (options_.reads != nullptr) options_.reads->Release(saved_reads_);
  }

  size_t descriptor_count() const {
    return (sources_.trace ? sources_.trace->descriptors().size() : 0) +
           (sources_.fanotify ? sources_.fanotify->descriptor_count() : 0);
  }

  std::vector<FdToKeep> descriptors() const {
    std::vector<FdToKeep> fds;
    if (sources_.trace) fds = sources_.trace->descriptors();
    if (sources_.fanotify) std::ranges::copy(sources_.fanotify->descriptors(), std::back_inserter(fds));
    return fds;
  }

  // A mount that was made just now is looked for.
  std::optional<FilesystemKey> KeyOf(DeviceNumber dev) {
    std::optional<FilesystemKey> key = FindKey(dev);
    if (key || !RefreshMounts()) return key;
    return FindKey(dev);
  }

  std::vector<SourceReport> sources() const {
    std::vector<SourceReport> reports = sources_.reports;
    if (health_) reports.push_back(HealthReport());
    return reports;
  }

  std::vector<WatchedFilesystem> watched() const {
    std::vector<WatchedFilesystem> watched;
    for (const Mounting* mounting : mounts_->mounted()) {
      auto it = watched_.find({mounting->key});
      if (it == watched_.end()) continue;
      watched.push_back({.info = mounting->info,
                         .coverage = it->second.coverage,
                         .lacks = Lacks(SightOf(mounting->info.type, it->second.coverage)),
                         .past = it->second.past});
      if (!it->second.mark_refused.empty()) watched.back().lacks.push_back(it->second.mark_refused);
      if (!it->second.health_refused.empty()) watched.back().lacks.push_back(it->second.health_refused);
    }
    return watched;
  }

  uint64_t refused() const {
    uint64_t refused = refused_;
    if (sources_.trace) refused += sources_.trace->losses().records_refused;
    if (sources_.kmsg) refused += sources_.kmsg->counts().refused;
    return refused;
  }

 private:
  struct Watched {
    JoinCoverage coverage;
    std::optional<CounterReading> past;
    std::string mark_refused;                  // why fanotify does not cover it, where it should
    std::string health_refused;                // the same of its health monitor
    uint64_t since_boottime_ns = 0;            // what happened before is the past
    MountState state = MountState::kWritable;  // as last seen
  };

  struct Gone {
    FilesystemKey key;
    uint64_t boottime_ns = 0;
  };

  // A counter as it stood before the sources were drained.
  struct ErrorCount {
    FilesystemKey key;
    uint64_t boottime_ns = 0;
    uint64_t errors = 0;
  };

  static bool HasAccount(const Join::Account& account) {
    return account.counted || account.fanotify_debt > 0 || !account.devices.empty();
  }

  static FilesystemInfo IdentityOf(const FilesystemInfo& info) {
    return {
        .type = info.type, .device = info.device, .dev = info.dev, .uuid = info.uuid, .fsid = info.fsid, .mounts = {}};
  }

  // What came while nobody ran: what the earlier monitor was putting together, then what waits in the queues that it left, and
  // what the counters know beyond both.
  void GoOn() {
    if (earlier_->is_there() && sources_.trace && sources_.trace->is_taken_over()) losses_ = earlier_->state()->losses;
    for (Notification& notification : earlier_->TakeRest()) {
      const Mounting* mounting = MountedAs(notification.filesystem);
      teller_->Retell(std::move(notification), mounting != nullptr ? FilesystemKey{mounting->key} : FilesystemKey{});
    }
    if (options_.reads != nullptr && sources_.fanotify) sources_.fanotify->ReadInto(*options_.reads, BoottimeNowNs());
    const uint64_t now_ns = BoottimeNowNs();
    if (earlier_->is_there()) CollectAll(now_ns);
    else ReadKmsg(now_ns);  // of these the clock has to tell which the counters had when they were read
    lines_are_new_ = true;
    Tell(now_ns);
    SetAlarm(BoottimeNowNs());
  }

  const Mounting* MountedAs(const FilesystemInfo& info) const {
    for (const Mounting* mounting : mounts_->mounted())
      if (mounting->info.dev == info.dev && IsSame(info, mounting->info)) return mounting;
    return nullptr;
  }

  Status OpenHealth() {
    if (!options_.xfs_health_monitor) return {};
    auto health = XfsHealthSource::Open();
    if (!health) return health.error();
    health_ = std::make_unique<XfsHealthSource>(std::move(*health));
    return {};
  }

  // It is found out only where an XFS is mounted.
  SourceReport HealthReport() const {
    SourceReport report{.id = SourceId::kHealth, .active = health_->size() > 0};
    if (report.active) {
      report.words = "XFS's own health monitor, where it could be had";
      return report;
    }
    report.words = "no XFS is mounted whose health monitor could be had";
    for (const auto& [key, watched] : watched_)
      if (!watched.health_refused.empty()) report.words = watched.health_refused;
    return report;
  }

  Status OpenMounts() {
    auto mounts = MountTable::Open({.proc_root = options_.proc_root,
                                    .sys_root = options_.sys_root,
                                    .mounts_of = options_.mounts_of,
                                    .wanted = [](std::string_view type) { return !IsPseudoFilesystem(type); },
                                    .may_hang = IsRemoteOrUser});
    if (!mounts) return mounts.error();
    mounts_ = std::move(*mounts);
    observed_.emplace(options_.observed, *mounts_);
    return {};
  }

  std::optional<FilesystemKey> FindKey(DeviceNumber dev) const {
    for (const Mounting* mounting : mounts_->mounted()) {
      auto it = watched_.find({mounting->key});
      if (mounting->info.dev == dev && it != watched_.end() && IsCovered(it->second.coverage)) return it->first;
    }
    return std::nullopt;
  }

  Sight SightOf(const std::string& type, const JoinCoverage& coverage) const {
    const FilesystemModule& module = ModuleOf(type);
    return {.coverage = coverage,
            .type = type,
            .has_tracepoints = module.reporter != nullptr || module.parse_event != nullptr,
            .has_handler = module.reporter != nullptr,
            .tells_fanotify = FanotifyCovers(&module, kernel_release_),
            .keeps_counter = module.counter_event_path != nullptr,
            .detail_refused = sources_.detail_refused()};
  }

  Status CheckPaths() const {
    for (const std::string& path : options_.paths) {
      Result<const Mounting*> mounting = mounts_->FindByPath(path);
      if (!mounting) return mounting.error();
      auto it = watched_.find({(*mounting)->key});
      if (it == watched_.end() || !IsCovered(it->second.coverage))
        return Error{path + ": no source that is there covers this file system (see: fsherald doctor " + path + ")", 0};
    }
    return {};
  }

  bool IsWanted(const Mounting& mounting) const {
    if (options_.paths.empty()) return true;
    return std::ranges::any_of(options_.paths, [&](const std::string& path) {
      Result<const Mounting*> on = mounts_->FindByPath(path);
      return on && (*on)->key == mounting.key;
    });
  }

  Status AddDescriptors() {
    if (sources_.trace)
      if (Status added = poller_.Add(sources_.trace->fd(), EPOLLIN); !added) return added;
    if (sources_.kmsg)
      if (Status added = poller_.Add(sources_.kmsg->fd(), EPOLLIN); !added) return added;
    if (Status added = poller_.Add(paths_->event_fd(), EPOLLIN); !added) return added;
    if (Status added = poller_.Add(servers_->fd(), EPOLLIN); !added) return added;
    if (health_)
      if (Status added = poller_.Add(health_->fd(), EPOLLIN); !added) return added;
    return poller_.Add(mounts_->event_fd(), EPOLLPRI | EPOLLERR);
  }

  // A file system begins to be watched. First the counter is read, then it is marked: what happens between is owed by the
  // counter, and lost to nobody.
  void Begin(const Mounting& mounting) {
    FilesystemKey key{mounting.key};
    if (!IsWanted(mounting)) return;
    const FilesystemModule& module = ModuleOf(mounting.info.type);
    if (sources_.trace) sources_.trace->Arrived(mounting.info.type);
    unwatched_.erase(key);
    Watched& watched = watched_[key];
    watched.since_boottime_ns = BoottimeNowNs();
    if (sources_.counters && sources_.counters->Add(key, module, mounting.info, mounting.access_path)) {
      if (auto reading = sources_.counters->Read(key)) watched.past = *reading;
      if (sources_.counters->IsSilent(key)) counter_reads_.Begin(key, BoottimeNowNs());
      watched.coverage.counters = watched.past.has_value();
    }
    const std::optional<SavedState::Filesystem> saved = earlier_->Take(mounting.info);
    std::optional<uint64_t> base;
    if (watched.past) base = watched.past->errors - NewErrors(mounting, *watched.past);
    std::optional<CounterReading> found = watched.past;  // what is new is told by itself
    if (found) found->errors = *base;
    uint64_t told_ahead = 0;
    if (base && saved) {
      const Earlier::Start start = earlier_->StartOf(*saved, *watched.past, *base, UtcNowNs() / 1'000'000'000);
      base = start.base;
      told_ahead = start.told_ahead;
    }
    if (watched.past && !watched.past->devices.empty()) {
      CounterReading from = *watched.past;
      if (saved && !saved->devices.empty()) from.devices = saved->devices;
      join_.CountDevices(key, from, BoottimeNowNs());
    }
    bool counters = watched.coverage.counters;
    watched.coverage = sources_.LogAndTrace();
    if (!IsToldByKernel(mounting, module)) watched.coverage = {};
    watched.coverage.counters = counters;
    watched.coverage.trace = watched.coverage.trace && sources_.trace->Covers(mounting.info.type);
    watched.coverage.detail = watched.coverage.detail && watched.coverage.trace;
    if (FuseServers::IsServed(mounting.info.type) && mounting.info.dev) servers_->Add(key, *mounting.info.dev);
    if (armed_ && !translator_->UuidOf(mounting)) base.reset();
    Mark(mounting, module, watched);
    AddHealth(mounting, watched);
    JoinCoverage coverage = CoverageAmid(mounting, watched);
    coverage.told_amid += told_ahead;
    join_.Open(key, coverage, base);
    if (saved && sources_.fanotify && sources_.fanotify->is_taken_over()) join_.Owe(key, saved->fanotify_debt);
    if (saved) watched.since_boottime_ns = 0;
    states_.Begin(key, LookOf(mounting));
    watched.state = MountStateOf(LookOf(mounting));
    observed_->Add(
        mounting,
        {.mount = watched.state, .is_fresh = armed_, .unseen_utc_s = refreshed_utc_s_, .counters = std::move(found)});
    if (!armed_) return;
    watched.since_boottime_ns = 0;  // it was mounted while we watched: all of it is new
  }

  // By its own lines, or by those of its devices. What a process serves, and what is not known and has no device, is told by
  // nobody here.
  static bool IsToldByKernel(const Mounting& mounting, const FilesystemModule& module) {
    if (!mounting.devices.empty()) return true;
    return module.parse_log != nullptr && !IsServedByProcess(mounting.info.type);
  }

  // The tracepoint of an error wakes us; if that is how we came to mark, fanotify and the counter may have yet to tell it.
  JoinCoverage CoverageAmid(const Mounting& mounting, const Watched& watched) const {
    JoinCoverage coverage = watched.coverage;
    const std::optional<Uuid> uuid = translator_->UuidOf(mounting);
    if (!uuid) return coverage;
    TracedErrors::Amid amid = traced_errors_.AmidAt(*uuid, BoottimeNowNs());
    coverage.told_amid = amid.errors;
    coverage.amid_tasks = std::move(amid.tasks);
    return coverage;
  }

  void Mark(const Mounting& mounting, const FilesystemModule& module, Watched& watched) {
    watched.mark_refused.clear();
    if (!sources_.fanotify || !FanotifyCovers(&module, kernel_release_)) return;
    if (Status marked = sources_.fanotify->Mark(mounting); !marked) {
      watched.mark_refused = "the exact count and the errno by fanotify (" + marked.error().ToString() + ")";
      return;
    }
    watched.coverage.fanotify = true;
    watched.coverage.echoed = module.reporter == nullptr;
    const bool is_new = !sources_.fanotify->WasMarkedBefore({mounting.key});
    watched.coverage.fanotify_since_ns = is_new ? BoottimeNowNs() : 0;
    for (int fd : sources_.fanotify->fds()) (void)poller_.Add(fd, EPOLLIN);
  }

  // What XFS's health monitor tells has mostly been told: it is an echo.
  void AddHealth(const Mounting& mounting, Watched& watched) {
    watched.health_refused.clear();
    if (!health_ || !XfsHealthSource::IsOf(mounting.info.type)) return;
    if (Status added = health_->Add(mounting, BoottimeNowNs()); !added) {
      watched.health_refused = "what XFS's health monitor would tell (" + added.error().ToString() + ")";
      return;
    }
    watched.coverage.health = watched.coverage.echoed = true;
  }

  // How many of the errors that a fresh mounting has counted are new, and told by nobody.
  uint64_t NewErrors(const Mounting& mounting, const CounterReading& reading) {
    if (!armed_) return 0;
    if (std::optional<FilesystemKey> before = translator_->TakeUnmounted(mounting.info)) join_.Close(*before);
    return traced_errors_.NewErrors(translator_->UuidOf(mounting), reading, refreshed_utc_s_);
  }

  // Amid a collection what is drained still has to find it as it was: its coverage says what belongs to what.
  void End(const Mounting& mounting) {
    FilesystemKey key{mounting.key};
    if (!watched_.contains(key)) return;
    gone_.push_back({key, BoottimeNowNs()});
    observed_->Add(mounting, {.what = Observation::What::kEnded});
    servers_->Forget(key);
    if (health_) health_->Forget(key);
    if (sources_.fanotify) sources_.fanotify->Forget(key);
    if (sources_.counters) {
      for (const CounterSource::Event& event : sources_.counters->events())
        if (event.key == key) poller_.Remove(event.fd);
      sources_.counters->Forget(key);
      counter_reads_.End(key);
    }
    if (collecting_) ended_.push_back(key);
    else Close(key);
  }

  void Close(FilesystemKey key) {
    watched_.erase(key);
    join_.Close(key);
    states_.End(key);
    std::erase_if(hushed_, [&](const auto& hushed) {
      if (hushed.second != key) return false;
      sources_.trace->SetQuiet(hushed.first, false);  // no mark wakes us for it any more
      return true;
    });
  }

  bool MountsChanged(const std::vector<int>& ready, uint64_t now_ns) {
    hinted_ = translator_->TakeMountHint() || hinted_;  // the look that follows forgets it
    std::optional<uint64_t> recheck = mounts_->recheck_boottime_ns();
    return hinted_ || Contains(ready, mounts_->event_fd()) || (recheck && *recheck <= now_ns);
  }

  // For what was there at that moment and is in no mount table. Where nothing has changed, what a look since then has not found is
  // mounted where we do not see it.
  void LookForMounts(uint64_t boottime_ns) {
    hinted_ = mounts_->TakeChange() || hinted_;
    if (!hinted_ && (look_began_boottime_ns_ > boottime_ns || ++refreshes_this_round_ > kMaxRefreshes)) return;
    (void)RefreshMounts();
  }

  // Once at a time: what is drained before an end may name a device that is in no mount table either.
  Status RefreshMounts() {
    if (std::exchange(refreshing_, true)) return {};
    Status refreshed = BeginAndEnd();
    refreshing_ = false;
    if (refreshed && !collecting_) Tell(BoottimeNowNs());
    return refreshed;
  }

  Status BeginAndEnd() {
    int64_t utc_s = UtcNowNs() / 1'000'000'000;
    hinted_ = false;
    look_began_boottime_ns_ = BoottimeNowNs();
    auto changes = mounts_->Refresh(look_began_boottime_ns_);
    if (!changes) return changes.error();
    if (!changes->vanished.empty()) {
      if (collecting_) TakeBeforeEnd();
      else DrainBeforeEnd();
    }
    for (const Mounting* mounting : changes->vanished) End(*mounting);
    for (const Mounting* mounting : changes->appeared) Begin(*mounting);
    for (const Mounting* mounting : changes->changed) Change(*mounting);
    servers_->Look();
    for (auto& [key, watched] : watched_) watched.coverage.server = servers_->Covers(key);
    states_.Looked(BoottimeNowNs());
    if (sources_.counters)
      for (const CounterSource::Event& event : sources_.counters->events())
        (void)poller_.Add(event.fd, EPOLLPRI | EPOLLERR);
    if (!collecting_) {
      std::erase_if(unwatched_, [&](FilesystemKey key) {
        if (join_.IsBeingTold(key)) return false;
        join_.Close(key);
        return true;
      });
    }
    Forget(BoottimeNowNs() - std::min(BoottimeNowNs(), kKeepGoneNs));
    refreshed_utc_s_ = utc_s;
    armed_ = true;
    return {};
  }

  // What went before is done with.
  void Forget(uint64_t before_boottime_ns) {
    mounts_->Forget(before_boottime_ns);
    while (!gone_.empty() && gone_.front().boottime_ns < before_boottime_ns) {
      if (options_.forgotten) options_.forgotten(gone_.front().key);
      gone_.pop_front();
    }
  }

  // It has got an access path, lies on a wanted path by now, or has made something of itself.
  void Change(const Mounting& mounting) {
    auto it = watched_.find({mounting.key});
    if (it == watched_.end()) return Begin(mounting);
    LookAt(mounting, BoottimeNowNs());
    const bool has_health = !health_ || it->second.coverage.health || !XfsHealthSource::IsOf(mounting.info.type);
    if (it->second.coverage.fanotify && has_health) return;
    const bool was_marked = it->second.coverage.fanotify;
    if (!was_marked) Mark(mounting, ModuleOf(mounting.info.type), it->second);
    if (!has_health) AddHealth(mounting, it->second);
    join_.Open(it->first, was_marked ? it->second.coverage : CoverageAmid(mounting, it->second), std::nullopt);
  }

  // What was said of a file system before it went belongs to it.
  void DrainBeforeEnd() { Collect({}, BoottimeNowNs()); }

  // The same amid a collection, which adds it at its end: read later, it would be of the next mounting, or of nobody.
  void TakeBeforeEnd() {
    if (sources_.fanotify) early_.push_back(sources_.fanotify->Read(BoottimeNowNs()));
  }

  // The counters that have risen.
  std::vector<CounterSource::Event> Risen(const std::vector<int>& ready) const {
    if (!sources_.counters) return {};
    std::vector<CounterSource::Event> risen = sources_.counters->events();
    std::erase_if(risen, [&](const CounterSource::Event& event) { return !Contains(ready, event.fd); });
    return risen;
  }

  // Takes what all sources have. The order is what the join relies on: counters, fanotify, then what the kernel says before
  // both.
  void Collect(const std::vector<CounterSource::Event>& risen, uint64_t now_ns) {
    refreshes_this_round_ = 0;
    // Until all that was read is in the join, nothing that ends is told and forgotten: what else there is of the same errors would
    // be taken for others.
    const bool was_collecting = std::exchange(collecting_, true);
    std::vector<ErrorCount> counts = ReadCounts(risen);
    std::vector<Signal> readings = ReadSilent(now_ns);
    XfsHealthSignals health = health_ ? health_->Read(now_ns, UtcFromBoottimeNs(now_ns)) : XfsHealthSignals();
    FanotifyEvents late = sources_.fanotify ? sources_.fanotify->Read(now_ns) : FanotifyEvents();
    size_t taken = 0;
    do {  // what the kernel said before fanotify, also where that was read amid this
      taken = early_.size();
      DrainTrace(now_ns);
      ReadKmsg(now_ns);
    } while (early_.size() > taken);
    AddFanotify(late, now_ns);
    for (const FanotifyEvents& early : std::exchange(early_, {})) AddFanotify(early, now_ns);
    for (Signal& signal : health.signals) AddSignal(std::move(signal), now_ns);
    refused_ += health.refused;
    hinted_ = hinted_ || health.unmounted;
    AddCounters(counts, now_ns);
    for (Signal& reading : readings) join_.Add(std::move(reading), now_ns);
    if (options_.reads == nullptr && sources_.trace) sources_.trace->Release();
    collecting_ = was_collecting;
    for (FilesystemKey key : std::exchange(ended_, {})) Close(key);
  }

  // With all counters, whether they have risen or not.
  void CollectAll(uint64_t now_ns) {
    counter_reads_.Hurry(now_ns);
    Collect(sources_.counters ? sources_.counters->events() : std::vector<CounterSource::Event>(), now_ns);
  }

  // The counters that tell of no rise.
  std::vector<Signal> ReadSilent(uint64_t now_ns) {
    std::vector<Signal> readings;
    for (FilesystemKey key : counter_reads_.Take(now_ns)) {
      const uint64_t boottime_ns = BoottimeNowNs();
      if (Result<CounterReading> reading = sources_.counters->Read(key)) {
        observed_->AddCount(key, reading->errors);
        readings.push_back({key, CounterSignal{.boottime_ns = boottime_ns, .reading = std::move(*reading)}});
      } else if (!sources_.counters->IsSilent(key)) counter_reads_.End(key);  // it is unmounted
    }
    return readings;
  }

  std::vector<ErrorCount> ReadCounts(const std::vector<CounterSource::Event>& risen) {
    std::vector<ErrorCount> counts;
    for (const CounterSource::Event& event : risen) {
      uint64_t now_ns = BoottimeNowNs();
      if (Result<uint64_t> errors = sources_.counters->ReadErrors(event.key)) {
        counts.push_back({event.key, now_ns, *errors});
        observed_->AddCount(event.key, *errors);
      } else poller_.Remove(event.fd);
    }
    return counts;
  }

  // The counters are read whole only where the sources do not explain their number: in the ordinary case that is never.
  void AddCounters(const std::vector<ErrorCount>& counts, uint64_t now_ns) {
    for (const ErrorCount& count : counts) {
      if (join_.Explains(count.key, count.errors)) continue;
      CounterReading reading = sources_.counters->Read(count.key).value_or(CounterReading{});
      // Risen once more since the sources were drained, or gone: then the number stands, and what describes it does not.
      if (reading.errors != count.errors) reading = CounterReading{.errors = count.errors};
      AddSignal({count.key, CounterSignal{.boottime_ns = count.boottime_ns, .reading = std::move(reading)}}, now_ns);
    }
  }

  void AddFanotify(const FanotifyEvents& events, uint64_t now_ns) {
    for (const auto& [key, signal] : events.errors) AddSignal({key, signal}, now_ns);
    for (const GapSignal& gap : events.gaps) AddSignal({{}, gap}, now_ns);
    refused_ += events.refused.total();
  }

  // Behind a record that is being written stand those of errors that fanotify may have told already: without them its counts would
  // be taken for other errors.
  void DrainTrace(uint64_t now_ns) {
    if (!sources_.trace) return;
    const uint64_t until_ns = BoottimeNowNs() + kUnfinishedRecordNs;  // what was read before has taken its own time
    const auto add = [&](TraceRecord&& record) {
      std::optional<uint32_t> cell;
      if (auto* error = std::get_if<TraceErrorRecord>(&record)) cell = error->cell;
      std::vector<Signal> signals = translator_->Translate(std::move(record), *sources_.trace);
      for (Signal& signal : signals) {
        FilesystemKey key = signal.filesystem;
        AddSignal(std::move(signal), now_ns);
        if (cell) Hush(*cell, key);
      }
    };
    while (!sources_.trace->Drain(add) && BoottimeNowNs() < until_ns) ::sched_yield();
    for (const TraceFold& fold : sources_.trace->Folds())
      if (std::optional<Signal> signal = translator_->Translate(fold)) AddSignal(std::move(*signal), now_ns);
    if (translator_->waits_for_pieces())
      for (const Signal& signal : translator_->ExpireLines(now_ns - kUnfinishedLineNs, *sources_.trace))
        AddSignal(signal, now_ns);
    AddLosses(now_ns);
  }

  // Where fanotify wakes us for each error of a code point anyway, its records need not.
  void Hush(uint32_t cell, FilesystemKey key) {
    std::optional<Reporter> reporter = translator_->CellReporter(cell);
    auto it = watched_.find(key);
    bool told_by_fanotify =
        reporter && reporter->told_by_fanotify && it != watched_.end() && it->second.coverage.fanotify;
    if (told_by_fanotify && hushed_.emplace(cell, key).second) sources_.trace->SetQuiet(cell, true);
  }

  void AddLosses(uint64_t now_ns) {
    TraceSource::Losses losses = sources_.trace->losses();
    auto add = [&](uint64_t lost, uint64_t& known, SourceId source) {
      if (lost == known) return;
      AddSignal({{},
                 GapSignal{.from_boottime_ns = drained_boottime_ns_,
                           .to_boottime_ns = now_ns,
                           .source = source,
                           .count = lost - known}},
                now_ns);
      known = lost;
    };
    add(losses.errors_uncounted, losses_.errors_uncounted, SourceId::kTrace);
    add(losses.lines_dropped, losses_.lines_dropped, SourceId::kKmsg);
    add(losses.details_dropped, losses_.details_dropped, SourceId::kTrace);
    drained_boottime_ns_ = now_ns;
  }

  void ReadKmsg(uint64_t now_ns) {
    if (!sources_.kmsg) return;
    KmsgEvents events = sources_.kmsg->Read(now_ns);
    for (KmsgEvent& event : events.events)
      if (std::optional<Signal> signal = translator_->Translate(std::move(event.signal))) AddSignal(*signal, now_ns);
    for (const GapSignal& gap : events.gaps) AddSignal({{}, gap}, now_ns);
  }

  void AddSignal(Signal signal, uint64_t now_ns) {
    if (!IsNew(signal) || IsTold(signal)) return;
    // Of a file system that is in no mount table, trace and log still belong together.
    if (!watched_.contains(signal.filesystem) && unwatched_.insert(signal.filesystem).second)
      join_.Open(signal.filesystem, sources_.LogAndTrace(), std::nullopt);
    if (auto* trace = std::get_if<TraceSignal>(&signal.what)) Remember(signal.filesystem, *trace);
    counter_reads_.Told(signal.filesystem, now_ns);
    join_.Add(std::move(signal), now_ns);
  }

  void Remember(FilesystemKey key, const TraceSignal& error) {
    if (const std::optional<Uuid> uuid = translator_->Seen(key).uuid)
      traced_errors_.Remember(*uuid, key, error, UtcFromBoottimeNs(error.boottime_ns) / 1'000'000'000);
  }

  // Takes off what fanotify or the counter alone tells, and the trace of another mounting of the file system. True: nothing is left.
  bool TakeAstray(Joined& joined, const std::optional<Uuid>& uuid, uint64_t now_ns) {
    const SourceSet sources = joined.notification.sources;
    uint64_t& count = joined.notification.error.count;
    if (!uuid || joined.notification.kind == Kind::kGap) return false;
    if (sources.Has(SourceId::kTrace) && sources.Has(SourceId::kFanotify))
      traced_errors_.Confirm(*uuid, joined.filesystem, count);
    uint64_t astray = 0;
    if (sources == SourceSet(SourceId::kFanotify))
      astray = traced_errors_.TakeAstray(*uuid, joined.filesystem, TracedErrors::Teller::kFanotify, count, now_ns);
    if (sources == SourceSet(SourceId::kCounters))
      astray = traced_errors_.TakeAstray(*uuid, joined.filesystem, TracedErrors::Teller::kCounter, count, now_ns);
    count -= astray;
    return astray > 0 && count == 0;
  }

  // What fanotify says of a file system that is gone and done with, trace and log have said already.
  bool IsTold(const Signal& signal) const {
    return sources_.trace != nullptr && std::holds_alternative<FanotifySignal>(signal.what) &&
           !watched_.contains(signal.filesystem) && !join_.Knows(signal.filesystem);
  }

  // Not of another file system than those asked for, and not from before it was watched.
  bool IsNew(const Signal& signal) const {
    auto it = watched_.find(signal.filesystem);
    if (it == watched_.end()) return options_.paths.empty() || std::holds_alternative<GapSignal>(signal.what);
    auto* trace = std::get_if<TraceSignal>(&signal.what);
    auto* line = std::get_if<LogSignal>(&signal.what);
    auto* event = std::get_if<EventSignal>(&signal.what);
    // What /dev/kmsg gives by now was logged since: its clock is not asked, which can be off by more than an error needs to follow.
    if (line != nullptr && sources_.kmsg && lines_are_new_) return true;
    uint64_t boottime_ns = trace != nullptr   ? trace->boottime_ns
                           : line != nullptr  ? line->boottime_ns
                           : event != nullptr ? event->boottime_ns
                                              : UINT64_MAX;
    return boottime_ns >= it->second.since_boottime_ns;
  }

  void Tell(uint64_t now_ns) {
    TellTaken(join_.Take(now_ns, translator_->waits_for_pieces()), now_ns);
    observed_->AddScrubs(translator_->TakeScrubs(), now_ns);
    observed_->Tell(now_ns);
  }

  void TellTaken(std::vector<Joined> taken, uint64_t now_ns) {
    observed_->TellBegun();
    for (Joined& joined : taken) {
      // It came while it was being mounted, or amid a look at the mount table that was too early for it.
      const uint64_t boottime_ns = joined.notification.boottime_ns.value_or(now_ns);
      if (const Mounting* by_now = translator_->MountedByNow(joined.filesystem, boottime_ns))
        joined.filesystem = {by_now->key};
      FilesystemKey key = joined.filesystem;
      const Mounting* mounting = WithMountPoints(mounts_->Find(key.value), now_ns);
      FilesystemInfo seen = translator_->Seen(key);
      if (TakeAstray(joined, seen.uuid, now_ns)) continue;
      states_.Told(key, joined.notification.kind, now_ns);
      teller_->Tell(std::move(joined), seen, mounting);
    }
  }

  // Of a mount that was being made at the last look it is not known yet where it is.
  const Mounting* WithMountPoints(const Mounting* mounting, uint64_t now_ns) {
    const bool is_fresh = mounting != nullptr && mounting->info.mounts.empty() && !mounting->gone_boottime_ns &&
                          now_ns < mounting->since_boottime_ns + kFreshNs;
    if (is_fresh) LookForMounts(mounting->since_boottime_ns);
    return mounting;
  }

  // What errors have made of a file system, where no line and no event says it.
  void TellStates(uint64_t now_ns) {
    if (states_.IsDue(now_ns)) LookAtOptions(now_ns);
    for (const StateWatch::State& state : states_.Take(now_ns)) TellState(state);
    observed_->Tell(now_ns);
  }

  void LookAtOptions(uint64_t now_ns) {
    for (const Mounting* mounting : mounts_->ReadOptions()) LookAt(*mounting, now_ns);
    states_.Looked(now_ns);
  }

  void LookAt(const Mounting& mounting, uint64_t now_ns) {
    states_.Look({mounting.key}, LookOf(mounting), now_ns);
    const auto watched = watched_.find({mounting.key});
    if (watched == watched_.end()) return;
    const MountState state = MountStateOf(LookOf(mounting));
    if (std::exchange(watched->second.state, state) != state && state == MountState::kWritable)
      observed_->Add(mounting, {.what = Observation::What::kRemounted});
  }

  void TellState(const StateWatch::State& state) {
    Joined joined{.filesystem = state.filesystem};
    joined.notification.kind = state.kind;
    joined.notification.boottime_ns = state.seen_boottime_ns;
    joined.notification.sources = SourceId::kMounts;
    teller_->Tell(std::move(joined), {}, mounts_->Find(state.filesystem.value));
  }

  void SetAlarm(uint64_t now_ns) {
    std::optional<uint64_t> alarm = join_.deadline_ns();
    auto earlier = [&](std::optional<uint64_t> moment) {
      if (moment) alarm = std::min(alarm.value_or(*moment), *moment);
    };
    if (hinted_) earlier(now_ns);
    if (sources_.trace && sources_.trace->hot()) earlier(now_ns + kLookAgainNs);
    if (sources_.fanotify && sources_.fanotify->has_taken()) earlier(now_ns);
    if (translator_->waits_for_pieces()) earlier(now_ns + kUnfinishedLineNs);
    earlier(mounts_->recheck_boottime_ns());
    earlier(counter_reads_.due_ns());
    earlier(states_.due_ns());
    earlier(observed_->due_ns());
    poller_.SetAlarm(alarm);
  }

  Options options_;
  Handler handler_;
  std::string boot_id_;
  std::optional<Earlier> earlier_;
  uint64_t saved_reads_ = 0;
  const std::string kernel_release_ = KernelRelease();
  Poller poller_;
  Sources sources_;
  std::unique_ptr<MountTable> mounts_;
  std::unique_ptr<PathFinder> paths_;
  std::unique_ptr<FuseServers> servers_;
  std::unique_ptr<XfsHealthSource> health_;  // null: it was not asked for
  std::unique_ptr<Translator> translator_;
  std::unique_ptr<Teller> teller_;
  Join join_;
  std::map<FilesystemKey, Watched> watched_;
  CounterReads counter_reads_;
  TracedErrors traced_errors_;
  StateWatch states_;
  std::optional<Observed> observed_;          // from Open on, as all that may be empty
  std::map<uint32_t, FilesystemKey> hushed_;  // cells that wake us by fanotify alone
  TraceSource::Losses losses_;
  uint64_t drained_boottime_ns_ = BoottimeNowNs();
  int64_t refreshed_utc_s_ = 0;
  uint64_t look_began_boottime_ns_ = 0;  // the last one at the mount table
  std::set<FilesystemKey> unwatched_;    // that the join knows all the same
  std::deque<Gone> gone_;                // lately; the earliest first
  std::vector<FilesystemKey> ended_;     // amid a collection, which closes them at its end
  bool collecting_ = false;
  std::vector<FanotifyEvents> early_;  // taken amid a collection
  bool refreshing_ = false;
  int refreshes_this_round_ = 0;  // because of a device that is in no mount table
  int hasty_rounds_ = 0;
  bool hinted_ = false;         // the mount table may have changed
  bool lines_are_new_ = false;  // those of the log that come
  bool armed_ = false;          // the first look at the mount table is over
  uint64_t refused_ = 0;        // fanotify's records, and the health monitors'
};

Monitor::Monitor(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Monitor::~Monitor() = default;

Result<std::unique_ptr<Monitor>> Monitor::Open(Options options, Handler handler) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(handler));
  if (Status opened = impl->Open(); !opened) return opened.error();
  return std::unique_ptr<Monitor>(new Monitor(std::move(impl)));
}

int Monitor::fd() const { return impl_->fd(); }
Status Monitor::Pump() { return impl_->Pump(); }
void Monitor::Finish() { impl_->Finish(); }
SavedState Monitor::Save(const Host& host) { return impl_->Save(host); }
void Monitor::Release() { impl_->Release(); }
size_t Monitor::descriptor_count() const { return impl_->descriptor_count(); }
std::vector<FdToKeep> Monitor::descriptors() const { return impl_->descriptors(); }
std::optional<FilesystemKey> Monitor::KeyOf(DeviceNumber dev) { return impl_->KeyOf(dev); }
std::vector<SourceReport> Monitor::sources() const { return impl_->sources(); }
std::vector<WatchedFilesystem> Monitor::watched() const { return impl_->watched(); }
uint64_t Monitor::refused() const { return impl_->refused(); }

}  // namespace fsherald
