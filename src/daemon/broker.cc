// SPDX-License-Identifier: MIT
#include "daemon/broker.h"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "mount/descriptor_mount.h"
#include "notify/coverage_words.h"
#include "protocol/messages.h"
#include "record/gap.h"
#include "record/stream.h"

namespace fsherald {
namespace {

constexpr char kSubscribeFd[] = "socket.subscribe";
constexpr char kReportFd[] = "socket.report";
constexpr uint64_t kFinishNs = 700'000'000;            // for the store at the end
constexpr uint64_t kSecondBytes = uint64_t{48} << 20;  // of memory, where the store cannot be written to

Fd TakeKept(const Broker::Options& options, const char* name) {
  return options.kept != nullptr ? options.kept->Take(name) : Fd();
}

// Nobody has marked it: what has it goes to those alone who have marked all.
constexpr FilesystemKey kNobodys{UINT32_MAX};

// A history that cannot be read may have any number, and takes none twice: one that no daemon has reached, unless it told 65536
// in each second since 1970.
uint64_t NumberBeyondAll() { return static_cast<uint64_t>(std::max<int64_t>(UtcNowNs(), 0)) / 1'000'000'000 << 16; }

HealthTime Now() { return {.boottime_ns = BoottimeNowNs(), .utc_ns = UtcNowNs()}; }

}  // namespace

Result<std::unique_ptr<Broker>> Broker::Open(Options options) {
  std::unique_ptr<Broker> broker(new Broker);
  broker->host_ = options.host;
  auto runtime_dir = RuntimeDir::Take(options.runtime_dir);
  if (!runtime_dir) return runtime_dir.error();
  broker->runtime_dir_.emplace(std::move(*runtime_dir));
  if (Status opened = broker->OpenJournal(options); !opened) return opened.error();
  if (Status opened = broker->OpenMonitor(options); !opened) return opened.error();
  broker->TellHealth(broker->health_.AllBegun(Now()));
  if (Status opened = broker->OpenSockets(options); !opened) return opened.error();
  broker->Commit(std::nullopt);
  return broker;
}

Status Broker::OpenJournal(const Options& options) {
  if (!options.store) return {};
  auto journal = Journal::Open(options.runtime_dir + "/journal");
  if (!journal) return journal.error();
  journal_ = std::move(*journal);
  if (journal_->was_refused())
    words_.push_back(options.runtime_dir + "/journal was no journal of this fsherald: a new one is begun");
  Store::Options second = *options.store;
  second.directory = options.runtime_dir + "/history";
  second.max_bytes = kSecondBytes;
  auto recorder = Recorder::Start({.store = *options.store, .second = second, .host = options.host}, journal_);
  if (!recorder) return recorder.error();
  recorder_ = std::move(*recorder);
  TakeUpState();
  auto replays = Replays::Start(
      {.store = options.store->directory,
       .second = second.directory,
       .host = options.host,
       .begun_seq = recorder_->last_seq() > journal_->last_seq() ? numbering_.told() : 0,  // it is a new one
       .told = [this] { return numbering_.told(); },
       .unstored = [this] { return Unstored(); }},
      journal_);
  if (!replays) return replays.error();
  replays_ = std::move(*replays);
  return {};
}

// The journal's is the newest; after a boot there is only the store's.
void Broker::TakeUpState() {
  std::string bytes = journal_->state();
  if (bytes.empty()) bytes = recorder_->cursors();
  auto found = DecodeDaemonState(std::as_bytes(std::span(bytes)));
  if (!found && !bytes.empty())
    words_.push_back("what an earlier daemon has left is not readable: this one begins anew");
  if (found) found_ = std::move(*found);
  const bool is_restored =
      found_.health.empty() || health_.Restore(std::as_bytes(std::span(found_.health)), host_.boot_id);
  if (!is_restored) words_.push_back("the states that an earlier daemon has left are not readable: they begin anew");
  // What a lost journal had numbered is not numbered again, as far as anybody knows of it.
  const uint64_t known = std::max(found_.told, journal_->last_seq());
  const uint64_t unknown = known > 0 ? 0 : NumberBeyondAll();  // the journal is as new as the store
  numbering_ = Numbering(std::max(known, recorder_->last_seq().value_or(unknown)));
  for (Notification& gap : found_.unstored) {
    const FilesystemKey key{static_cast<uint32_t>(unstored_.size() + 1)};  // any: it is written before there are others
    unstored_[key] = std::move(gap);
  }
  WriteUnstored();
}

Status Broker::OpenMonitor(const Options& options) {
  Monitor::Options of_all{
      .without = options.without, .xfs_health_monitor = options.xfs_health_monitor, .kept = options.kept};
  if (options.mounts_of) of_all.mounts_of = std::to_string(*options.mounts_of);
  of_all.observed = [this](FilesystemKey key, const FilesystemInfo& info, const Observation& observation) {
    Observe(key, info, observation);
  };
  of_all.forgotten = [this](FilesystemKey key) {
    health_.Forget(key.value);
    if (subscribers_) subscribers_->Forget(key);
  };
  if (journal_) {
    of_all.saved = DecodeSavedState(std::as_bytes(std::span(found_.monitor)));
    reads_.emplace(journal_->reads_memory(), of_all.saved ? of_all.saved->reads_next : 0);
    of_all.reads = &*reads_;
  }
  auto monitor = Monitor::Open(std::move(of_all), [this](const Notification& notification, FilesystemKey key) {
    Tell(notification, key.value == 0 ? std::span<const FilesystemKey>() : std::span(&key, 1));
  });
  if (!monitor) return monitor.error();
  monitor_ = std::move(*monitor);
  return {};
}

// The report socket last: who reports is told to those who have subscribed.
Status Broker::OpenSockets(const Options& options) {
  if (Status opened = OpenSubscribers(options); !opened) return opened;
  if (Status opened = OpenProducers(options); !opened) return opened;
  auto poller = Poller::Open();
  if (!poller) return poller.error();
  poller_ = std::move(*poller);
  for (int fd : {monitor_->fd(), producers_->fd(), subscribers_->fd()})
    if (Status added = poller_.Add(fd, EPOLLIN); !added) return added;
  if (!recorder_) return {};
  if (Status added = poller_.Add(replays_->fd(), EPOLLIN); !added) return added;
  return poller_.Add(recorder_->fd(), EPOLLIN);
}

Status Broker::OpenSubscribers(const Options& options) {
  auto subscribe = runtime_dir_->Listen(protocol::kSubscribeSocket, TakeKept(options, kSubscribeFd));
  if (!subscribe) return subscribe.error();
  to_keep_.push_back({kSubscribeFd, subscribe->get()});
  std::function<std::unique_ptr<Replay>(uint64_t)> replay;
  if (replays_) replay = [this](uint64_t since) { return replays_->Begin(since); };
  auto subscribers = Subscribers::Open(
      {.group = options.subscribe_group}, options.host, std::move(*subscribe),
      {.resolve_descriptor = [this](int descriptor, pid_t peer) { return KeyOfDescriptor(descriptor, peer); },
       .resolve_name = [this](const std::string& type, const std::string& name, uint32_t uid,
                              uid_t asker) { return user_filesystems_.OfMarkedName(type, name, uid, asker); },
       .describe = [this] { return CoverageWords(*monitor_); },
       .clear = [this](const ClearRequest& request, int descriptor,
                       const Peer& peer) { return Clear(request, descriptor, peer); },
       .marks_changed = [this] { marks_changed_ = true; },
       .replay = std::move(replay)});
  if (!subscribers) return subscribers.error();
  subscribers_ = std::move(*subscribers);
  return {};
}

Status Broker::OpenProducers(const Options& options) {
  auto report = runtime_dir_->Listen(protocol::kReportSocket, TakeKept(options, kReportFd));
  if (!report) return report.error();
  to_keep_.push_back({kReportFd, report->get()});
  Producers::Options of_all{.group = options.report_group};
  if (journal_) {  // the store wants all of them
    of_all.before_release = [this](const Producer::Progress& progress) { Commit(progress); };
    of_all.unreleased = found_.unreleased;
  } else {
    of_all.is_wanted = [this](std::span<const FilesystemKey> keys) {
      return std::ranges::any_of(keys, [this](FilesystemKey key) { return subscribers_->IsMarked(key); });
    };
  }
  auto producers = Producers::Open(std::move(of_all), std::move(*report), user_filesystems_,
                                   [this](Notification&& notification, std::span<const FilesystemKey> keys) {
                                     Tell(std::move(notification), keys);
                                   });
  if (!producers) return producers.error();
  producers_ = std::move(*producers);
  return {};
}

// The kernel's errors first: they cannot wait in memory of their own as a producer's can.
Status Broker::Pump() {
  for (int fd : poller_.Ready()) {
    if (fd == monitor_->fd()) {
      if (Status pumped = monitor_->Pump(); !pumped) return pumped;
      Commit(std::nullopt);
    } else if (fd == producers_->fd()) {
      producers_->Pump();  // which commits before each release
      if (!outgoing_.empty()) Commit(std::nullopt);
    } else if (fd == subscribers_->fd()) {
      subscribers_->Pump();
      if (std::exchange(marks_changed_, false)) producers_->MarksChanged();
      if (cleared_.empty()) continue;
      TellHealth(std::exchange(cleared_, {}));
      Commit(std::nullopt);
    } else if (fd == replays_->fd()) {
      replays_->Pump();
      subscribers_->Resume();
    } else {
      std::ranges::move(recorder_->TakeWords(), std::back_inserter(words_));
    }
  }
  return {};
}

void Broker::SetGroups(std::optional<gid_t> report_group, std::optional<gid_t> subscribe_group) {
  subscribers_->SetGroup(subscribe_group);
  producers_->SetGroup(report_group);
  runtime_dir_->Touch(protocol::kReportSocket);
}

void Broker::Finish() {
  monitor_->Finish();
  producers_->Finish();
  Commit(std::nullopt);
  subscribers_->Pump();
  if (!recorder_) return;
  if (!recorder_->Finish(kFinishNs))
    words_.push_back("not all is stored: the rest waits in " + runtime_dir_->path() + "/journal for the next daemon");
  std::ranges::move(recorder_->TakeWords(), std::back_inserter(words_));
}

std::vector<FdToKeep> Broker::TakeDescriptors() {
  if (monitor_->descriptor_count() + to_keep_.size() == descriptors_taken_) return {};
  descriptors_taken_ = monitor_->descriptor_count() + to_keep_.size();
  std::vector<FdToKeep> fds = monitor_->descriptors();
  fds.insert(fds.end(), to_keep_.begin(), to_keep_.end());
  return fds;
}

std::vector<std::string> Broker::TakeWords() { return std::exchange(words_, {}); }

void Broker::Tell(Notification notification, std::span<const FilesystemKey> keys) {
  const FilesystemKey key = keys.empty() ? FilesystemKey{} : keys.front();
  numbering_.Number(notification, key);
  std::vector<HealthTold> changes = health_.Add(key.value, notification, Now());
  Hand(std::move(notification), keys);
  TellHealth(std::move(changes), keys);
}

// `keys`: all that the file system has; empty: that in the change.
void Broker::TellHealth(std::vector<HealthTold> told, std::span<const FilesystemKey> keys) {
  for (HealthTold& one : told) {
    const FilesystemKey key{one.key};
    numbering_.Number(one.notification, key);
    if (keys.empty()) Hand(std::move(one.notification), std::span(key.value == 0 ? &kNobodys : &key, 1));
    else Hand(std::move(one.notification), keys);
  }
}

void Broker::Observe(FilesystemKey key, const FilesystemInfo& info, const Observation& seen) {
  using What = Observation::What;
  const HealthTime now = Now();
  const HealthBook::Found found{.mount = seen.mount,
                                .counters = seen.counters,
                                .is_fresh = seen.is_fresh,
                                .unseen_utc_s = seen.unseen_utc_s,
                                .boot_utc_s = SplitUtcNs(UtcFromBoottimeNs(0)).seconds};
  switch (seen.what) {
    case What::kBegun: return TellHealth(health_.Begin(key.value, info, found, now));
    case What::kEnded: return TellHealth(health_.End(key.value, now));
    case What::kCounted: return TellHealth(health_.Counted(key.value, seen.counters->errors, now));
    case What::kRemounted: return TellHealth(health_.Remounted(key.value, now));
    case What::kScrubBegan: return health_.ScrubBegan(key.value, seen.device);
    case What::kScrubEnded: return TellHealth(health_.ScrubEnded(key.value, seen.device, seen.devices, now));
  }
}

// It is told after the answer: who asks may be a subscriber himself.
Result<std::string> Broker::Clear(const ClearRequest& request, int descriptor, const Peer& peer) {
  std::optional<std::vector<HealthTold>> told;
  if (request.name.empty()) {
    auto mount = FindMountOf(descriptor, peer.pid);
    if (!mount) return mount.error();
    (void)monitor_->KeyOf(mount->dev);  // made just now, it is known from here on
    told = health_.ClearMounted(mount->dev, peer.uid, request.reason, Now());
  } else {
    told = health_.ClearNamed(request.name, peer.uid, request.reason, Now());
  }
  if (!told) return Error{"no such file system is known to the daemon, mounted or gone", ENOENT};
  if (told->empty()) return std::string("it is well: there was nothing to clear");
  const HealthState was = told->front().notification.health->from;
  std::ranges::move(*told, std::back_inserter(cleared_));
  return "it was " + std::string(Name(was)) + ", and is well";
}

void Broker::Hand(Notification notification, std::span<const FilesystemKey> keys) {
  if (journal_) outgoing_.push_back({std::move(notification), {keys.begin(), keys.end()}});
  else if (subscribers_) subscribers_->Deliver(notification, keys);
}

// `unreleased`: of the reporter that what is outgoing came from.
void Broker::Commit(const std::optional<Producer::Progress>& unreleased) {
  if (!journal_) return;
  WriteUnstored();
  for (const Outgoing& one : outgoing_) Write(one.notification, one.keys.empty() ? FilesystemKey{} : one.keys.front());
  const auto committed = fsherald::Commit(State(unreleased), monitor_->Save(host_), host_, *journal_);
  const bool is_whole = committed && *committed == Committed::kWhole;
  // Not committed: then what is outgoing is in the journal's memory for the next commit, and is told all the same.
  if (!is_whole && std::exchange(is_whole_, false))
    words_.push_back(committed ? "there is no room in " + runtime_dir_->path() +
                                     " for all that is still being put together: were the daemon killed now, the next "
                                     "one would tell of it by its count alone"
                               : committed.error().ToString());
  if (is_whole) is_whole_ = true;
  for (const Outgoing& one : outgoing_) subscribers_->Deliver(one.notification, one.keys);
  const size_t count = outgoing_.size();
  outgoing_.clear();
  monitor_->Release();
  if (count > 0) recorder_->Committed(count);
}

void Broker::Write(const Notification& notification, FilesystemKey key) {
  encoded_.clear();
  AppendStream(notification, host_, encoded_);
  if (!unstored_.empty() || !journal_->Append(notification.seq, encoded_)) CountUnstored(notification, key);
}

// Once there was no room, all is counted until there is room for all that was: so numbers in the store only rise.
void Broker::CountUnstored(const Notification& notification, FilesystemKey key) {
  auto [found, is_first] = unstored_.try_emplace(unstored_.size() < Group::kMaxCells ? key : FilesystemKey{});
  Notification& gap = found->second;
  if (is_first) {
    gap = GapFor(notification, SourceId::kGroup);
    gap.seq = notification.seq;
  }
  AddTo(*gap.gap, notification);
}

// By rising numbers.
std::vector<const Notification*> Broker::Unstored() const {
  std::vector<const Notification*> gaps;
  for (const auto& [key, gap] : unstored_) gaps.push_back(&gap);
  std::ranges::sort(gaps, {}, &Notification::seq);
  return gaps;
}

void Broker::WriteUnstored() {
  if (unstored_.empty()) return;
  const std::vector<const Notification*> gaps = Unstored();
  std::string all;
  std::vector<size_t> ends;
  for (const Notification* gap : gaps) {
    AppendStream(*gap, host_, all);
    ends.push_back(all.size());
  }
  if (!journal_->HasRoom(2 * all.size() + gaps.size() * 64)) return;
  size_t begin = 0;
  for (size_t i = 0; i < gaps.size(); begin = ends[i++])
    journal_->Append(gaps[i]->seq, std::string_view(all).substr(begin, ends[i] - begin));
  unstored_.clear();
}

DaemonState Broker::State(const std::optional<Producer::Progress>& unreleased) {
  DaemonState state{.told = numbering_.told(),
                    .monitor = {},
                    .health = health_.Save(host_.boot_id),
                    .unreleased = producers_->unreleased(),
                    .unstored = {}};
  if (unreleased) state.unreleased.push_back(*unreleased);
  for (const auto& [key, gap] : unstored_) state.unstored.push_back(gap);
  return state;
}

Result<FilesystemKey> Broker::KeyOfDescriptor(int descriptor, pid_t peer) {
  auto mount = FindMountOf(descriptor, peer);
  if (!mount) return mount.error();
  if (mount->is_fuse()) return user_filesystems_.OfMount(mount->dev, mount->mount_ids);
  if (std::optional<FilesystemKey> key = monitor_->KeyOf(mount->dev)) return *key;
  return Error{"no source that is there covers " + mount->type + " (see: fsherald doctor)", EOPNOTSUPP};
}

}  // namespace fsherald
