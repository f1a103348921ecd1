// SPDX-License-Identifier: MIT
#include "join/join.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <string_view>
#include <utility>

#include "filesystem/block_layer.h"

#include "filesystem/stack_frame.h"

namespace fsherald {
namespace {

constexpr size_t kCoalesceDistance = 32;

// Sets what is not known yet; what is known stays.
template <typename T>
void Learn(std::optional<T>& known, const std::optional<T>& news) {
  if (!known) known = news;
}

void LearnInode(Notification& told, const std::optional<uint64_t>& inode) {
  if (inode && !told.object) told.object = ObjectInfo{.inode = *inode};
}

// Two errors that differ in nothing a reader could see but their times.
bool SameError(const Joined& a, const Joined& b) {
  const Notification& x = a.notification;
  const Notification& y = b.notification;
  auto point = [](const Notification& n) {
    return n.location ? std::pair<std::string_view, uint32_t>(n.location->function, n.location->line.value_or(0))
                      : std::pair<std::string_view, uint32_t>();
  };
  return x.kind != Kind::kGap && x.kind == y.kind && x.error.code == y.error.code && point(x) == point(y) &&
         a.report == b.report && x.object == y.object && x.range == y.range && x.sources == y.sources &&
         x.device_error == y.device_error && x.corrected == y.corrected && x.trusted == y.trusted &&
         x.task.has_value() == y.task.has_value() && (!x.task || *x.task == *y.task);
}

void Append(Joined joined, std::vector<Joined>& out) {
  size_t first = out.size() > kCoalesceDistance ? out.size() - kCoalesceDistance : 0;
  for (size_t i = out.size(); i-- > first;) {
    if (out[i].filesystem != joined.filesystem || !SameError(out[i], joined)) continue;
    out[i].notification.error.count += joined.notification.error.count;
    return;
  }
  out.push_back(std::move(joined));
}

Joined MakeGap(FilesystemKey key, const GapSignal& signal) {
  Joined gap{.filesystem = key};
  Notification& told = gap.notification;
  told.kind = Kind::kGap;
  told.boottime_ns = signal.to_boottime_ns;
  told.error.count = 0;  // a gap is no error: sums over notifications stay exact
  told.sources = signal.source;
  // The caller turns boot time into UTC, as for every notification.
  told.gap = Gap{.source = signal.source,
                 .count = signal.count,
                 .exact = signal.exact,
                 .from_utc_ns = static_cast<int64_t>(signal.from_boottime_ns),
                 .to_utc_ns = static_cast<int64_t>(signal.to_boottime_ns)};
  return gap;
}

std::string TopicOf(const DeviceCounter& counter) { return counter.name + " of " + counter.device; }

// A line of a device's counters as the error that the growth of one of them is.
void TakeGrowth(const DeviceCounts::Growth& growth, ErrorReport& report) {
  const DeviceCounter& counter = growth.counter;
  report.kind = counter.kind;
  report.counter = counter.name;
  report.counted = true;
  report.count = growth.count;
  report.topic = TopicOf(counter);
  report.follows = counter.kind != Kind::kDevice;  // a failed request is of its device, whichever task tells of it
  if (counter.kind == Kind::kDevice)
    report.device_error = DeviceError{.device = KernelName(counter.device), .operation = counter.operation};
}

// Growth of a device's counter that no line told.
Joined Untold(FilesystemKey key, const DeviceCounts::Growth& growth) {
  Joined joined{.filesystem = key};
  ErrorReport& report = joined.report.emplace();
  TakeGrowth(growth, report);
  joined.notification.kind = Kind::kCounter;
  joined.notification.sources = SourceId::kCounters;
  joined.notification.error.count = growth.count;
  if (!growth.counter.device.empty()) report.fields.push_back({"device", growth.counter.device});
  if (growth.counter.id) report.fields.push_back({"devid", *growth.counter.id});
  return joined;
}

// What the counters keep of one error.
void Describe(const CounterReading::Occurrence& occurrence, Joined& joined) {
  Notification& told = joined.notification;
  Learn(told.error.code, occurrence.code);
  if (!told.location && !occurrence.function.empty())
    told.location = Location{.function = occurrence.function, .line = occurrence.line};
  LearnInode(told, occurrence.inode);
  if (!joined.report) {
    joined.report.emplace();
    joined.report->inode = occurrence.inode;
    joined.report->block = occurrence.block;
  }
  told.sources.Add(SourceId::kCounters);
}

}  // namespace

void Join::Open(FilesystemKey key, const JoinCoverage& coverage, std::optional<uint64_t> counter_base) {
  Filesystem& fs = At(key);
  fs.coverage = coverage;
  fs.closed = false;
  fs.episodes.Expect({.fanotify = coverage.fanotify,
                      .of_any = coverage.echoed,
                      .before_lines = coverage.lines && !coverage.lines_with_task});
  for (uint32_t tid : coverage.amid_tasks) MetAmid(fs, tid);
  if (counter_base) {
    fs.counter_base = counter_base;
    fs.last_count = *counter_base;
    fs.accounted = coverage.told_amid;  // the counter follows an error: these it may have yet to count
    fs.fanotify_debt = 0;
    fs.reading.reset();
    fs.reading_due_ns.reset();
  }
}

void Join::CountDevices(FilesystemKey key, const CounterReading& base, uint64_t boottime_ns) {
  At(key).devices.Start(base.devices, boottime_ns);
}

void Join::Close(FilesystemKey key) {
  if (auto it = filesystems_.find(key); it != filesystems_.end()) it->second.closed = true;
}

void Join::Add(Signal signal, uint64_t now_ns) {
  const FilesystemKey key = signal.filesystem;
  Filesystem& fs = At(key);
  if (auto* trace = std::get_if<TraceSignal>(&signal.what)) AddTrace(fs, std::move(*trace), now_ns);
  if (auto* detail = std::get_if<DetailSignal>(&signal.what)) AddDetail(fs, *detail, now_ns);
  if (auto* event = std::get_if<EventSignal>(&signal.what)) AddEvent(key, fs, std::move(*event), now_ns);
  if (auto* line = std::get_if<LogSignal>(&signal.what)) AddReport(key, fs, std::move(*line), now_ns);
  if (auto* fanotify = std::get_if<FanotifySignal>(&signal.what)) AddFanotify(fs, *fanotify, now_ns);
  if (auto* counter = std::get_if<CounterSignal>(&signal.what)) AddCounter(fs, *counter, now_ns);
  if (auto* gap = std::get_if<GapSignal>(&signal.what)) fs.gaps.push_back(*gap);
}

// Cleared by e2fsck: what follows counts from there.
void Join::NoticeCleared(Filesystem& fs, uint64_t errors) {
  if (!fs.counter_base || errors < fs.last_count) {
    fs.counter_base = errors;
    fs.accounted = 0;
  }
  fs.last_count = errors;
}

bool Join::Explains(FilesystemKey key, uint64_t errors) {
  auto it = filesystems_.find(key);
  if (it == filesystems_.end()) return false;
  Filesystem& fs = it->second;
  if (errors < fs.last_count) return false;
  fs.last_count = errors;
  // Without the trace the counters say where an error was that fanotify told.
  if (!fs.coverage.trace || !fs.counter_base) return false;
  // What fanotify told is left out: before Take it may be of the same errors.
  return errors - *fs.counter_base <= fs.accounted;
}

Join::Pending& Join::NewPending(Filesystem& fs, uint64_t boottime_ns, const Task* task, SourceId source,
                                uint64_t now_ns) {
  Pending& pending = fs.pending.emplace_back();
  pending.number = fs.next_number++;
  pending.told.boottime_ns = boottime_ns;
  pending.told.sources = source;
  if (task != nullptr) pending.told.task = *task;
  pending.deadline_ns = now_ns + options_.window_ns;
  pending.fanotify_deadline_ns = now_ns + options_.fanotify_window_ns;
  return pending;
}

void Join::MetAmid(Filesystem& fs, uint32_t tid) {
  if (fs.amid_tasks.insert(tid).second) ++fs.marked_amid;
}

void Join::AwaitFanotify(Filesystem& fs, Pending& pending, uint64_t count) const {
  if (!fs.coverage.fanotify) return;
  uint64_t boottime_ns = *pending.told.boottime_ns;
  if (boottime_ns >= fs.coverage.fanotify_since_ns) {
    pending.awaits_fanotify = count;
  } else if (boottime_ns + options_.amid_window_ns >= fs.coverage.fanotify_since_ns) {
    MetAmid(fs, pending.told.task ? pending.told.task->tid.value_or(0) : 0);
  }
}

// The task has gone on to its next error: the line of the one before, if any, is here.
void Join::EndLineOf(Filesystem& fs, uint32_t tid) {
  const auto awaiting = fs.awaiting_lines.find(tid);
  if (awaiting == fs.awaiting_lines.end()) return;
  const auto earlier = std::ranges::lower_bound(fs.pending, awaiting->second, {}, &Pending::number);
  if (earlier != fs.pending.end() && earlier->number == awaiting->second) earlier->awaits_line = false;
}

void Join::AddTrace(Filesystem& fs, TraceSignal&& signal, uint64_t now_ns) {
  if (fs.coverage.lines_with_task && signal.task.tid) EndLineOf(fs, *signal.task.tid);

  bool folded = signal.folded > 0;
  Pending& pending = NewPending(fs, signal.boottime_ns, folded ? nullptr : &signal.task, SourceId::kTrace, now_ns);
  pending.traced = true;
  pending.counted = signal.reporter.counted && signal.kind == Kind::kMetadata;
  pending.told.kind = signal.kind;
  pending.told.error.code = signal.reporter.code;
  pending.told.error.count = folded ? signal.folded : 1;
  if (!signal.function.empty())
    pending.told.location =
        Location{.function = signal.function, .line = signal.line, .stack = std::move(signal.stack)};
  if (signal.reporter.told_by_fanotify) AwaitFanotify(fs, pending, pending.told.error.count);
  pending.awaits_line = fs.coverage.lines && !folded;
  if (pending.awaits_line && signal.task.tid) fs.awaiting_lines[*signal.task.tid] = pending.number;
  pending.awaits_detail = fs.coverage.detail && signal.reporter.told_by_fanotify && !folded;
  if (pending.counted) fs.accounted += pending.told.error.count;
  if (fs.coverage.detail) fs.traced_points.emplace(signal.function, signal.line.value_or(0));
}

Join::Pending* Join::FindForDetail(Filesystem& fs, const DetailSignal& signal) {
  for (auto it = fs.pending.rbegin(); it != fs.pending.rend(); ++it)
    if (it->awaits_detail && it->told.location && it->told.location->function == signal.function &&
        it->told.location->line == signal.line && (!it->told.task || it->told.task->tid == signal.task.tid))
      return &*it;
  return nullptr;
}

void Join::AddDetail(Filesystem& fs, const DetailSignal& signal, uint64_t now_ns) {
  Pending* pending = FindForDetail(fs, signal);
  if (pending == nullptr) {
    // Of a traced code point: the trace has folded it, and counted it. Else it is an error without a tracepoint whose
    // line fell to the rate limit.
    if (fs.traced_points.contains({signal.function, signal.line.value_or(0)})) return;
    pending = &NewPending(fs, signal.boottime_ns, &signal.task, SourceId::kTrace, now_ns);
    pending->told.location = Location{.function = signal.function, .line = signal.line};
    AwaitFanotify(fs, *pending, 1);
    ++fs.accounted;
  }
  pending->awaits_detail = false;
  pending->told.sources.Add(SourceId::kTrace);
  Learn(pending->told.task, std::optional<Task>(signal.task));
  if (signal.code != 0) pending->told.error.code = signal.code;
  // Fanotify's description went to the first error that it could be of; of two tasks' errors, the handler knows whose.
  std::optional<ObjectInfo>& object = pending->told.object;
  if (object && object->inode != signal.inode) object.reset();
  if (!pending->report) pending->report.emplace();
  Learn(pending->report->inode, signal.inode);
  Learn(pending->report->block, signal.block);
}

Join::Pending* Join::FindForLine(Filesystem& fs, const LogSignal& signal) {
  auto fits = [&](const Pending& pending) {
    if (!pending.traced || pending.report || !pending.awaits_line) return false;
    if (signal.task && pending.told.task && pending.told.task->tid != signal.task->tid) return false;
    if (signal.report.kind == Kind::kShutdown && pending.told.kind == Kind::kShutdown) return true;
    return pending.told.location && pending.told.location->function == signal.report.function &&
           pending.told.location->line == signal.report.line;
  };
  // With the task known, the line is of its newest error; without, lines come in the order of the errors.
  if (signal.task) {
    auto it = std::find_if(fs.pending.rbegin(), fs.pending.rend(), fits);
    return it == fs.pending.rend() ? nullptr : &*it;
  }
  auto it = std::find_if(fs.pending.begin(), fs.pending.end(), fits);
  return it == fs.pending.end() ? nullptr : &*it;
}

// A line of ext4's errors belongs to its tracepoint or to fanotify's count; all others are told apart by what they are about.
void Join::AddReport(FilesystemKey key, Filesystem& fs, LogSignal&& signal, uint64_t now_ns) {
  const ErrorReport& report = signal.report;
  if (!signal.trusted) return AddForged(key, std::move(signal));
  if (report.traced || report.told_by_fanotify) return AddLine(fs, std::move(signal), now_ns);
  if (report.kind == Kind::kDevice && report.device_error && report.filesystem_type.empty())
    return causes_.Add(key, signal.boottime_ns, std::move(signal.report), SourceId::kKmsg, now_ns);
  if (!report.counters.empty()) return AddDeviceCounters(fs, std::move(signal), now_ns);
  if (report.counted) fs.accounted += report.count;
  if (report.claims) {
    fs.devices.Claim(report.counter, signal.boottime_ns);
    signal.report.counted = true;
  }
  if (report.corrected && report.device_error) causes_.Correct(key, *report.device_error);
  fs.episodes.Add(std::move(signal), now_ns);
}

// What has grown is new, each counter an error of its own; what has been told already by a line before is an addition to it.
void Join::AddDeviceCounters(Filesystem& fs, LogSignal&& signal, uint64_t now_ns) {
  const std::vector<DeviceCounter> counters = std::exchange(signal.report.counters, {});
  const std::vector<DeviceCounts::Growth> growth =
      fs.devices.AddLine(counters, signal.report.counters_are_old, signal.boottime_ns);
  for (const DeviceCounts::Growth& one : growth) {
    LogSignal grown = signal;
    TakeGrowth(one, grown.report);
    fs.episodes.Add(std::move(grown), now_ns);
  }
  if (!growth.empty() || signal.report.counters_are_old) return;
  signal.report.meaning = ErrorReport::Meaning::kAddition;
  fs.episodes.Add(std::move(signal), now_ns);
}

// It is told as it is, belongs to nothing, and nobody counts it. Of a flood the first are told, and how many more came.
void Join::AddForged(FilesystemKey key, LogSignal&& signal) {
  if (forged_.size() >= kMaxForged) {
    if (!forged_lost_)
      forged_lost_ = GapSignal{.from_boottime_ns = signal.boottime_ns, .source = SourceId::kKmsg, .count = 0};
    forged_lost_->to_boottime_ns = signal.boottime_ns;
    ++*forged_lost_->count;
    return;
  }
  Joined joined{.filesystem = key};
  Notification& told = joined.notification;
  told.boottime_ns = signal.boottime_ns;
  told.kind = signal.report.kind;
  told.error.code = signal.report.code;
  told.task = std::move(signal.task);
  told.sources = SourceId::kKmsg;
  told.trusted = false;
  if (!signal.report.function.empty())
    told.location = Location{.function = signal.report.function, .line = signal.report.line};
  joined.report = std::move(signal.report);
  Append(std::move(joined), forged_);
}

void Join::AddEvent(FilesystemKey key, Filesystem& fs, EventSignal&& signal, uint64_t now_ns) {
  const ErrorReport& report = signal.report;
  const bool is_request =
      report.kind == Kind::kDevice && report.device_error && report.echo == ErrorReport::Echo::kNone;
  if (is_request && signal.folded == 0)
    return causes_.Add(key, signal.boottime_ns, std::move(signal.report), SourceId::kTrace, now_ns);
  if (report.counted) fs.accounted += std::max(report.count, signal.folded);
  fs.episodes.Add(std::move(signal), now_ns);
}

void Join::AddLine(Filesystem& fs, LogSignal&& signal, uint64_t now_ns) {
  const ErrorReport& message = signal.report;
  Pending* pending = nullptr;
  if (message.traced && fs.coverage.trace) {
    pending = FindForLine(fs, signal);
    if (pending == nullptr) return;  // its error was folded, and counted, or has left without it
  } else {
    Task comm_only{.comm = message.comm};
    const Task* task = signal.task ? &*signal.task : message.comm.empty() ? nullptr : &comm_only;
    pending = &NewPending(fs, signal.boottime_ns, task, SourceId::kKmsg, now_ns);
    pending->counted = message.counted;
    if (message.told_by_fanotify) AwaitFanotify(fs, *pending, 1);
    pending->awaits_detail = message.counted && fs.coverage.detail;
    if (message.counted) ++fs.accounted;
    if (!message.function.empty() || !signal.stack.empty())
      pending->told.location =
          Location{.function = message.function, .line = message.line, .stack = std::move(signal.stack)};
  }
  pending->told.range = message.range;
  pending->awaits_line = false;
  pending->told.kind = message.kind;
  pending->told.sources.Add(SourceId::kKmsg);
  Learn(pending->told.error.code, message.code);
  pending->report = std::move(signal.report);
  MatchFanotify(fs, now_ns);
}

void Join::AddFanotify(Filesystem& fs, const FanotifySignal& signal, uint64_t now_ns) {
  if (fs.coverage.echoed) return fs.episodes.AddRecord(signal, now_ns);
  Credit credit{.signal = signal, .left = signal.count};
  credit.described = fs.episodes.TakeDescribed(signal, now_ns);
  if (credit.described) --credit.left;
  // A late line, or the error handler's arguments, or the counter may still say where it was.
  bool may_learn = fs.coverage.detail || (fs.coverage.lines && !fs.coverage.lines_with_task) ||
                   (fs.coverage.counters && !fs.coverage.trace && !fs.coverage.lines);
  credit.deadline_ns = may_learn ? now_ns + options_.window_ns : now_ns;
  fs.credits.push_back(std::move(credit));
}

// The pending error that a fanotify record describes: that of its inode, else the first that is no other inode's.
Join::Pending* Join::FindForFanotify(Filesystem& fs, const FanotifySignal& signal) {
  Pending* first = nullptr;
  Pending* likely = nullptr;
  for (Pending& pending : fs.pending) {
    if (pending.awaits_fanotify == 0) continue;
    if (first == nullptr) first = &pending;
    bool said = pending.report && pending.report->inode;
    if (said && signal.inode && *pending.report->inode == *signal.inode) return &pending;
    if (likely == nullptr && !(said && signal.inode != pending.report->inode)) likely = &pending;
  }
  return likely != nullptr ? likely : first;
}

void Join::Assign(Filesystem& fs, Credit& credit, Pending& pending, uint64_t now_ns) const {
  Notification& told = pending.told;
  std::string_view function = told.location ? std::string_view(told.location->function) : std::string_view();
  std::optional<uint32_t> line = told.location ? told.location->line : std::nullopt;
  bool contradicts = pending.report && pending.report->inode && pending.report->inode != credit.signal.inode;
  if (!credit.described && contradicts) {
    credit.described = true;  // it described an error that has left
  } else if (!credit.described) {
    credit.described = true;
    credit.function = function;
    credit.line = line;
    told.error.code = credit.signal.code;
    if (credit.signal.inode) {
      told.object = ObjectInfo{.inode = *credit.signal.inode, .generation = credit.signal.generation};
    }
  } else if (!told.error.code && !function.empty() && function == credit.function && line == credit.line) {
    told.error.code = credit.signal.code;  // merged by the kernel with one of the same code point
  }
  uint64_t count = std::min(pending.awaits_fanotify, credit.left);
  pending.awaits_fanotify -= count;
  credit.left -= count;
  told.sources.Add(SourceId::kFanotify);
  // The error handler is called after fanotify, which may itself be late: a slow console comes before both.
  if (pending.awaits_detail) pending.deadline_ns = std::max(pending.deadline_ns, now_ns + options_.window_ns);
  if (pending.awaits_fanotify == 0 && fs.coverage.lines_with_task) pending.awaits_line = false;
}

void Join::MatchFanotify(Filesystem& fs, uint64_t now_ns) const {
  auto next = fs.pending.begin();  // what stands before it awaits nothing, and will not again
  for (Credit& credit : fs.credits) {
    uint64_t paid = std::min(credit.left, fs.fanotify_debt);
    fs.fanotify_debt -= paid;
    credit.left -= paid;
    if (paid > 0) credit.described = true;  // it described an error that was told without it
    while (credit.left > 0) {
      Pending* pending = credit.described ? nullptr : FindForFanotify(fs, credit.signal);
      if (pending == nullptr) {
        next = std::find_if(next, fs.pending.end(),
                            [](const Pending& candidate) { return candidate.awaits_fanotify > 0; });
        if (next == fs.pending.end()) break;
        pending = &*next;
      }
      Assign(fs, credit, *pending, now_ns);
    }
  }
  std::erase_if(fs.credits, [](const Credit& credit) { return credit.left == 0; });
}

void Join::AddCounter(Filesystem& fs, const CounterSignal& signal, uint64_t now_ns) {
  if (!signal.reading.devices.empty()) {
    fs.device_readings.push_back(signal);
    return;
  }
  NoticeCleared(fs, signal.reading.errors);
  fs.reading = signal.reading;
  bool late = fs.coverage.lines && !fs.coverage.lines_with_task && !fs.coverage.trace;
  fs.reading_due_ns = late ? now_ns + options_.fanotify_window_ns : now_ns;  // behind a slow console too
}

bool Join::Done(const Pending& pending, const Filesystem& fs, uint64_t now_ns) const {
  if (fs.closed) return true;
  if (pending.awaits_line && lines_are_unfinished_) return false;
  bool waits = (pending.awaits_line || pending.awaits_detail) && now_ns < pending.deadline_ns;
  bool waits_for_fanotify = pending.awaits_fanotify > 0 && now_ns < pending.fanotify_deadline_ns;
  return !waits && !waits_for_fanotify;
}

void Join::TakePending(FilesystemKey key, Filesystem& fs, uint64_t now_ns, std::vector<Joined>& out) {
  for (Pending& pending : fs.pending) {
    if (!Done(pending, fs, now_ns)) continue;
    fs.fanotify_debt += pending.awaits_fanotify;
    Notification& told = pending.told;
    if (pending.report) LearnInode(told, pending.report->inode);
    if (told.error.code == EIO) causes_.Attach(key, ErrorReport{.code = EIO}, told);
    if (told.error.code == ESHUTDOWN && told.kind == Kind::kMetadata) told.kind = Kind::kShutdown;
    const bool may_be_echoed = told.kind == Kind::kShutdown && pending.traced && !told.sources.Has(SourceId::kFanotify);
    if (may_be_echoed) fs.shutdown_told_until_ns = now_ns + options_.episodes.remembered_ns;
    Append(Joined{key, std::move(told), std::move(pending.report)}, out);
    pending.taken = true;
  }
  std::erase_if(fs.pending, [](const Pending& pending) { return pending.taken; });
  const uint64_t first = fs.pending.empty() ? fs.next_number : fs.pending.front().number;
  std::erase_if(fs.awaiting_lines, [&](const auto& awaiting) { return awaiting.second < first; });
}

// A place is that of the reports, else the first function of the stack.
static std::optional<Location> PlaceOf(ErrorReport& report, std::optional<Location> stack) {
  if (report.function.empty() && !stack) return std::nullopt;
  Location place = std::move(stack).value_or(Location{});
  place.function = report.function.empty() && !place.stack.empty() ? std::string(FrameFunction(place.stack.front()))
                                                                   : report.function;
  place.line = report.line;
  place.file = report.file;
  return place;
}

void Join::TakeEpisodes(FilesystemKey key, Filesystem& fs, uint64_t now_ns, std::vector<Joined>& out) {
  for (Episodes::Episode& episode : fs.episodes.Take(now_ns, fs.closed)) {
    Notification& told = episode.told;
    ErrorReport& report = episode.report;
    told.error.code = report.code;
    told.error.count = std::max({told.error.count, episode.counted, episode.books.taken(ErrorReport::Echo::kRecord)});
    if (episode.counted == 0) report.counter.clear();
    told.location = PlaceOf(report, std::move(told.location));
    if (report.task_is_any) told.task.reset();
    if (report.inode) told.object = ObjectInfo{.inode = *report.inode, .generation = report.generation};
    told.range = report.range;
    told.device_error = report.device_error;
    told.corrected = report.corrected || (episode.corrections > 0 && episode.corrections >= episode.counted);
    causes_.Attach(key, report, told);
    // Of a request that failed, the device alone knows why.
    if (!told.error.code && told.kind == Kind::kDevice && told.device_error) told.error.code = told.device_error->code;
    // Fanotify says no kind: what a device has failed is known to be that.
    if (!episode.kind_is_known && told.device_error) told.kind = Kind::kDevice;
    Append(Joined{key, std::move(told), std::move(report)}, out);
  }
}

void Join::TakeCauses(std::vector<Causes::Cause> causes, std::vector<Joined>& out) {
  for (Causes::Cause& cause : causes) {
    Joined joined{.filesystem = cause.filesystem};
    Notification& told = joined.notification;
    told.kind = Kind::kDevice;
    told.boottime_ns = cause.first_boottime_ns;
    told.error = {.code = cause.error.code, .count = cause.error.count};
    told.sources = cause.sources;
    told.range = cause.report.range;
    told.device_error = std::move(cause.error);
    told.corrected = cause.corrected;
    joined.report = std::move(cause.report);
    Append(std::move(joined), out);
  }
}

void Join::TakeCredits(FilesystemKey key, Filesystem& fs, uint64_t now_ns, std::vector<Joined>& out) const {
  for (Credit& credit : fs.credits) {
    if (!fs.closed && now_ns < credit.deadline_ns) continue;
    credit.left -= fs.episodes.TakeOwed(credit.left, now_ns);
    const bool is_told = credit.signal.code == ESHUTDOWN && !credit.described && now_ns < fs.shutdown_told_until_ns;
    if (is_told && credit.left > 0) {
      --credit.left;
      credit.described = true;
      fs.shutdown_told_until_ns = 0;
    }
    if (credit.left == 0) continue;
    if (credit.signal.after_boottime_ns < fs.coverage.fanotify_since_ns + options_.amid_window_ns) {
      uint64_t told = std::min(credit.left, fs.marked_amid);
      fs.marked_amid -= told;
      credit.left -= told;
      if (credit.left == 0) continue;
    }
    Joined joined{.filesystem = key};
    Notification& told = joined.notification;
    told.boottime_ns = credit.signal.boottime_ns;
    told.error.count = credit.left;
    told.sources = SourceId::kFanotify;
    if (!credit.described) {
      told.error.code = credit.signal.code;
      if (credit.signal.inode)
        told.object = ObjectInfo{.inode = *credit.signal.inode, .generation = credit.signal.generation};
    }
    fs.accounted += credit.left;
    // The counter's last error is this one where the counter stands just where this one takes the account.
    bool is_last = credit.left == 1 && fs.reading && fs.reading->last && fs.counter_base &&
                   fs.reading->errors == *fs.counter_base + fs.accounted && !fs.coverage.trace;
    if (is_last) Describe(*fs.reading->last, joined);
    credit.left = 0;
    Append(std::move(joined), out);
  }
  std::erase_if(fs.credits, [](const Credit& credit) { return credit.left == 0; });
}

// What is left of failed requests goes to their error, if it has not been told yet, or is what the requests that wait for
// one were counted as. Of anything else nobody knows whose it is.
void Join::SettleDevices(FilesystemKey key, Filesystem& fs, std::vector<Joined>& out) {
  for (const CounterSignal& signal : std::exchange(fs.device_readings, {}))
    for (const DeviceCounts::Growth& growth : fs.devices.AddReading(signal.reading.devices, signal.boottime_ns))
      if (!fs.episodes.Count(TopicOf(growth.counter), growth.count)) Append(ToldByCounter(key, growth), out);
}

Joined Join::ToldByCounter(FilesystemKey key, const DeviceCounts::Growth& growth) {
  Joined joined = Untold(key, growth);
  Notification& told = joined.notification;
  if (growth.counter.kind != Kind::kDevice || !causes_.Attach(key, *joined.report, told)) return joined;
  told.kind = Kind::kDevice;
  told.error.code = told.device_error->code;
  return joined;
}

void Join::SettleCounter(FilesystemKey key, Filesystem& fs, uint64_t now_ns, std::vector<Joined>& out) {
  if (!fs.reading_due_ns || (!fs.closed && now_ns < *fs.reading_due_ns)) return;
  fs.reading_due_ns.reset();
  uint64_t accounted = fs.accounted;
  for (const Credit& credit : fs.credits) accounted += credit.left;
  uint64_t grown = fs.reading->errors - *fs.counter_base;
  if (grown <= accounted) return;
  Joined joined{.filesystem = key};
  Notification& told = joined.notification;
  // The moment of the last error, to the second; the others' are not known.
  if (fs.reading->last) told.utc_ns = fs.reading->last->utc_seconds * 1'000'000'000;
  told.kind = Kind::kCounter;
  told.sources = SourceId::kCounters;
  told.error.count = grown - accounted;
  if (told.error.count == 1 && fs.reading->last) Describe(*fs.reading->last, joined);
  fs.accounted += told.error.count;
  Append(std::move(joined), out);
}

std::vector<Joined> Join::Take(uint64_t now_ns, bool lines_are_unfinished) {
  lines_are_unfinished_ = lines_are_unfinished;
  std::vector<Joined> out;
  for (auto it = filesystems_.begin(); it != filesystems_.end();) {
    auto& [key, fs] = *it;
    MatchFanotify(fs, now_ns);
    TakePending(key, fs, now_ns, out);
    SettleDevices(key, fs, out);
    TakeEpisodes(key, fs, now_ns, out);
    for (const Episodes::Episode& episode : fs.episodes.open()) causes_.Await(key, episode.report, episode.due_ns());
    if (fs.closed) TakeCauses(causes_.TakeAll(key), out);
    TakeCredits(key, fs, now_ns, out);
    SettleCounter(key, fs, now_ns, out);
    for (const GapSignal& gap : fs.gaps) out.push_back(MakeGap(key, gap));
    fs.gaps.clear();
    it = fs.closed ? filesystems_.erase(it) : std::next(it);
  }
  TakeCauses(causes_.Take(now_ns), out);
  std::ranges::move(forged_, std::back_inserter(out));
  forged_.clear();
  if (forged_lost_) out.push_back(MakeGap({}, *std::exchange(forged_lost_, std::nullopt)));
  return out;
}

bool Join::IsQuiet() const {
  if (deadline_ns() || forged_lost_) return false;
  return std::ranges::all_of(filesystems_, [](const auto& entry) {
    const Filesystem& fs = entry.second;
    return fs.gaps.empty() && fs.device_readings.empty() && !fs.closed;
  });
}

Join::Rest Join::Settle(uint64_t now_ns) const {
  if (IsQuiet()) return {.joined = {}, .accounts = Accounts()};
  Join rest = *this;
  std::vector<Joined> joined = rest.Take(AfterAllWindowsNs(now_ns));
  return {std::move(joined), rest.Accounts()};
}

std::vector<Join::Account> Join::Accounts() const {
  std::vector<Account> accounts;
  for (const auto& [key, fs] : filesystems_) {
    Account account{.filesystem = key, .counted = std::nullopt, .fanotify_debt = fs.fanotify_debt, .devices = {}};
    if (fs.counter_base) account.counted = *fs.counter_base + fs.accounted;
    account.devices = fs.devices.known();
    accounts.push_back(std::move(account));
  }
  return accounts;
}

std::optional<uint64_t> Join::deadline_ns() const {
  std::optional<uint64_t> earliest;
  auto consider = [&](uint64_t deadline) { earliest = std::min(earliest.value_or(deadline), deadline); };
  if (!forged_.empty()) consider(0);
  if (const auto deadline = causes_.deadline_ns()) consider(*deadline);
  for (const auto& [key, fs] : filesystems_) {
    if (const auto deadline = fs.episodes.deadline_ns()) consider(*deadline);
    for (const Pending& pending : fs.pending) {
      bool waits = pending.awaits_line || pending.awaits_detail;
      consider(waits && pending.awaits_fanotify == 0 ? pending.deadline_ns
               : waits                               ? std::max(pending.deadline_ns, pending.fanotify_deadline_ns)
                                                     : pending.fanotify_deadline_ns);
    }
    for (const Credit& credit : fs.credits) consider(credit.deadline_ns);
    if (fs.reading_due_ns) consider(*fs.reading_due_ns);
  }
  return earliest;
}

}  // namespace fsherald
