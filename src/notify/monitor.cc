// SPDX-License-Identifier: MIT
#include "notify/monitor.h"

#include <poll.h>
#include <sys/epoll.h>

#include <algorithm>

#include "base/clock.h"
#include "base/poller.h"
#include "filesystem/filesystem_type.h"
#include "mount/mount_table.h"
#include "notify/collector.h"
#include "notify/earlier.h"
#include "notify/host.h"
#include "notify/observed.h"
#include "notify/sources.h"
#include "notify/state_watch.h"
#include "notify/teller.h"
#include "notify/traced_errors.h"
#include "notify/translator.h"
#include "notify/watched_filesystems.h"
#include "object/path_finder.h"
#include "record/stream.h"
#include "source/fuse_servers.h"
#include "source/xfs_health.h"

namespace fsherald {
namespace {

constexpr int kMaxHastyRounds = 16;              // until a flood lets mounts and counters have their turn
constexpr uint64_t kFreshNs = 1'000'000'000;     // a mounting that is younger may have got its mount points only now
constexpr uint64_t kLastWalkNs = 1'000'000'000;  // for the walks that the end of the watch finds under way

template <typename T>
bool Contains(const std::vector<T>& values, const T& value) {
  return std::ranges::find(values, value) != values.end();
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
    OpenRooms();
    if (Status looked = watched_->Refresh(); !looked) return looked;
    if (Status checked = watched_->CheckPaths(); !checked) return checked;
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
    (void)watched_->TakeHints();
    const bool mounts_changed = watched_->TakeChange();  // what woke us may have been it: nobody says so a second time
    if (teller_->told() == told || mounts_changed || ++hasty_rounds_ == kMaxHastyRounds) return PumpRest();
    SetAlarm(BoottimeNowNs());
    return {};
  }

  Status PumpRest() {
    hasty_rounds_ = 0;
    std::vector<int> ready = poller_.Ready();
    uint64_t now_ns = BoottimeNowNs();
    if (std::vector<CounterSource::Event> risen = collector_->Risen(ready); !risen.empty()) {
      Collect(risen, now_ns);
      Tell(now_ns);
    }
    if (Contains(ready, paths_->event_fd())) teller_->TellFound();
    const bool server_ended = Contains(ready, servers_->fd());
    if (MountsChanged(ready, now_ns) || server_ended)
      if (Status looked = watched_->Refresh(); !looked) return looked;
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
    InOneRound([&] { collector_->CollectLast(now_ns); });
    watched_->CloseUnwatched();
    // The accounts stay: a Save after this one is where the next monitor goes on.
    TellTaken(join_.Take(Join::AfterAllWindowsNs(now_ns)), now_ns);
    watched_->LookAtOptions(now_ns);
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
    state.losses = collector_->losses();
    if (sources_.kmsg) state.kmsg_next = sources_.kmsg->next_sequence();
    if (options_.reads != nullptr) state.reads_next = saved_reads_ = options_.reads->next();
    if (sources_.fanotify) state.places = sources_.fanotify->places();
    state.filesystems = watched_->Save(rest.accounts);
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
    std::optional<FilesystemKey> key = watched_->KeyOf(dev);
    if (key || !watched_->Refresh()) return key;
    return watched_->KeyOf(dev);
  }

  std::vector<SourceReport> sources() const {
    std::vector<SourceReport> reports = sources_.reports;
    if (health_) reports.push_back(watched_->HealthReport());
    return reports;
  }

  std::vector<WatchedFilesystem> watched() const { return watched_->All(); }

  uint64_t refused() const {
    uint64_t refused = collector_->refused();
    if (sources_.trace) refused += sources_.trace->losses().records_refused;
    if (sources_.kmsg) refused += sources_.kmsg->counts().refused;
    return refused;
  }

 private:
  // What came while nobody ran: what the earlier monitor was putting together, then what waits in the queues that it left, and
  // what the counters know beyond both.
  void GoOn() {
    if (earlier_->is_there() && sources_.trace && sources_.trace->is_taken_over())
      collector_->GoOnFrom(earlier_->state()->losses);
    for (Notification& notification : earlier_->TakeRest()) {
      const Mounting* mounting = watched_->MountedAs(notification.filesystem);
      teller_->Retell(std::move(notification), mounting != nullptr ? FilesystemKey{mounting->key} : FilesystemKey{});
    }
    if (options_.reads != nullptr && sources_.fanotify) sources_.fanotify->ReadInto(*options_.reads, BoottimeNowNs());
    const uint64_t now_ns = BoottimeNowNs();
    if (earlier_->is_there()) InOneRound([&] { collector_->CollectAll(now_ns); });
    else collector_->ReadKmsg(now_ns);  // of these the clock has to tell which the counters had when they were read
    lines_are_new_ = true;
    Tell(now_ns);
    SetAlarm(BoottimeNowNs());
  }

  Status OpenHealth() {
    if (!options_.xfs_health_monitor) return {};
    auto health = XfsHealthSource::Open();
    if (!health) return health.error();
    health_ = std::make_unique<XfsHealthSource>(std::move(*health));
    return {};
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

  // What an error passes on its way to the join and from there to the teller: each knows of the others what is named here.
  void OpenRooms() {
    teller_ = std::make_unique<Teller>(paths_.get(), handler_);
    translator_ = std::make_unique<Translator>(*mounts_, options_.proc_root,
                                               [this](uint64_t boottime_ns) { watched_->LookFor(boottime_ns); });
    collector_.emplace(
        Collector::Parts{.sources = sources_,
                         .health = health_.get(),
                         .reads = options_.reads,
                         .poller = poller_,
                         .translator = *translator_,
                         .join = join_,
                         .observed = *observed_},
        Collector::Handlers{.add = [this](Signal&& signal, uint64_t now_ns) { AddSignal(std::move(signal), now_ns); },
                            .is_marked = [this](FilesystemKey key) { return watched_->IsMarked(key); }});
    watched_.emplace(
        WatchedFilesystems::Parts{.sources = sources_,
                                  .health = health_.get(),
                                  .servers = *servers_,
                                  .mounts = *mounts_,
                                  .poller = poller_,
                                  .collector = *collector_,
                                  .translator = *translator_,
                                  .join = join_,
                                  .earlier = *earlier_,
                                  .traced_errors = traced_errors_,
                                  .states = states_,
                                  .observed = *observed_},
        WatchedFilesystems::Options{
            .paths = options_.paths, .forgotten = options_.forgotten, .looked = [this] { Tell(BoottimeNowNs()); }});
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

  bool MountsChanged(const std::vector<int>& ready, uint64_t now_ns) {
    const std::optional<uint64_t> recheck = mounts_->recheck_boottime_ns();
    return watched_->TakeHints() || Contains(ready, mounts_->event_fd()) || (recheck && *recheck <= now_ns);
  }

  void Collect(const std::vector<CounterSource::Event>& risen, uint64_t now_ns) {
    InOneRound([&] { collector_->Collect(risen, now_ns); });
  }

  // What is looked at, and closed, belongs to one collection.
  template <typename Work>
  void InOneRound(const Work& collect) {
    watched_->NextRound();
    collect();
    watched_->CloseEnded();
  }

  void AddSignal(Signal signal, uint64_t now_ns) {
    if (!IsNew(signal) || IsTold(signal)) return;
    watched_->Meet(signal.filesystem);
    if (auto* trace = std::get_if<TraceSignal>(&signal.what)) Remember(signal.filesystem, *trace);
    collector_->Told(signal.filesystem, now_ns);
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
           !watched_->IsWatched(signal.filesystem) && !join_.Knows(signal.filesystem);
  }

  // Not of another file system than those asked for, and not from before it was watched.
  bool IsNew(const Signal& signal) const {
    const std::optional<uint64_t> since_ns = watched_->WatchedSinceNs(signal.filesystem);
    if (!since_ns) return options_.paths.empty() || std::holds_alternative<GapSignal>(signal.what);
    auto* trace = std::get_if<TraceSignal>(&signal.what);
    auto* line = std::get_if<LogSignal>(&signal.what);
    auto* event = std::get_if<EventSignal>(&signal.what);
    // What /dev/kmsg gives by now was logged since: its clock is not asked, which can be off by more than an error needs to follow.
    if (line != nullptr && sources_.kmsg && lines_are_new_) return true;
    uint64_t boottime_ns = trace != nullptr   ? trace->boottime_ns
                           : line != nullptr  ? line->boottime_ns
                           : event != nullptr ? event->boottime_ns
                                              : UINT64_MAX;
    return boottime_ns >= *since_ns;
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
    if (is_fresh) watched_->LookFor(mounting->since_boottime_ns);
    return mounting;
  }

  // What errors have made of a file system, where no line and no event says it.
  void TellStates(uint64_t now_ns) {
    if (states_.IsDue(now_ns)) watched_->LookAtOptions(now_ns);
    for (const StateWatch::State& state : states_.Take(now_ns)) TellState(state);
    observed_->Tell(now_ns);
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
    if (watched_->is_hinted()) earlier(now_ns);
    earlier(collector_->due_ns(now_ns));
    earlier(mounts_->recheck_boottime_ns());
    earlier(states_.due_ns());
    earlier(observed_->due_ns());
    poller_.SetAlarm(alarm);
  }

  Options options_;
  Handler handler_;
  std::string boot_id_;
  std::optional<Earlier> earlier_;
  uint64_t saved_reads_ = 0;
  Poller poller_;
  Sources sources_;
  std::unique_ptr<MountTable> mounts_;
  std::unique_ptr<PathFinder> paths_;
  std::unique_ptr<FuseServers> servers_;
  std::unique_ptr<XfsHealthSource> health_;  // null: it was not asked for
  std::unique_ptr<Translator> translator_;
  std::unique_ptr<Teller> teller_;
  Join join_;
  TracedErrors traced_errors_;
  StateWatch states_;
  std::optional<Observed> observed_;    // from Open on, as all that may be empty
  std::optional<Collector> collector_;  // from Open on, as is the next
  std::optional<WatchedFilesystems> watched_;
  int hasty_rounds_ = 0;
  bool lines_are_new_ = false;  // those of the log that come
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
