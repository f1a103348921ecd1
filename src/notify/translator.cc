// SPDX-License-Identifier: MIT
#include "notify/translator.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/clock.h"
#include "filesystem/filesystem.h"
#include "filesystem/kind_of_stack.h"
#include "filesystem/stack_frame.h"

namespace fsherald {
namespace {

constexpr size_t kMaxUnmounted = 256;
constexpr size_t kMaxDevices = 256;
constexpr size_t kMaxUuidsOfDevice = 8;
constexpr uint64_t kFreshNs = 1'000'000'000;
constexpr uint64_t kLineFollowsNs = 5'000'000;  // a line follows its tracepoint sooner, whatever the console
constexpr size_t kMaxStacks = 256;
constexpr Reporter kShutdownReporter{.told_by_fanotify = false, .counted = false, .code = ESHUTDOWN};

bool IsHelper(std::string_view frame) { return IsReportingFrame(FrameFunction(frame)); }

// The superblock that a record or a fold names; without a uuid where it has none.
template <typename T>
FilesystemInfo Superblock(const T& source) {
  FilesystemInfo info{.type = std::string(source.filesystem_type), .device = source.device, .dev = source.dev};
  if (source.uuid != Uuid()) info.uuid = source.uuid;
  return info;
}
FilesystemInfo Superblock(const TraceEventRecord& record) {
  return {.type = record.event.filesystem_type, .device = record.device, .dev = record.dev, .uuid = record.uuid};
}

// The stack from the function that met the error on, each frame without the function's size: "ext4_lookup+0x1a2".
std::vector<std::string> VisibleStack(const std::vector<std::string>& stack) {
  std::vector<std::string> visible;
  auto first = std::ranges::find_if_not(stack, IsHelper);
  for (auto it = first; it != stack.end(); ++it) visible.push_back(it->substr(0, it->find('/')));
  return visible;
}

std::string FirstFunction(const std::vector<std::string>& visible) {
  return visible.empty() ? std::string() : std::string(FrameFunction(visible.front()));
}

// "server:/export" is what is mounted of a server.
bool IsOfServer(const Mounting& mounting, const ErrorReport& report) {
  auto server = std::ranges::find(report.fields, "server", &SpecificField::name);
  if (server == report.fields.end()) return true;
  const std::string* name = std::get_if<std::string>(&server->value);
  return name != nullptr && mounting.info.device.starts_with(*name + ":");
}

// Whether it is gone, and had been mounted before that moment: not only seen in sysfs while its own mount(2) was at work.
bool IsOld(const Mounting& mounting, uint64_t boottime_ns) {
  const bool was_mounted = !mounting.info.mounts.empty() || !mounting.mounts_before.empty();
  return mounting.gone_boottime_ns && was_mounted && mounting.mounts_since_boottime_ns < boottime_ns;
}

// By its fsid, where that is known and made of the uuid.
bool CanHave(const Mounting& mounting, const Uuid& uuid) {
  const auto fsid_of = ModuleOf(mounting.info.type).fsid_of;
  return !mounting.info.fsid || fsid_of == nullptr || fsid_of(uuid) == *mounting.info.fsid;
}

// Whether what two sources call a file system's type can be that of one: ext4 serves ext3 as well. An empty one is not known.
bool CanBeOneType(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty() || a == b) return true;
  const FilesystemModule* module = FindFilesystemModule(a);
  return module != nullptr && module == FindFilesystemModule(b);
}

}  // namespace

// The latest: a device can carry one file system after the other, and a line names only the device.
std::optional<FilesystemKey> Translator::FindUnmounted(const FilesystemInfo& info) const {
  for (auto it = unmounted_.rbegin(); it != unmounted_.rend(); ++it) {
    const FilesystemInfo& seen = it->second;
    if (taken_.contains(it->first)) continue;
    if (info.device.empty() && seen.type != info.type) continue;  // without a device there is only the type to go by
    if (seen.device != info.device || !CanBeOneType(seen.type, info.type)) continue;
    if (!seen.uuid || !info.uuid || seen.uuid == info.uuid) return it->first;
  }
  return std::nullopt;
}

FilesystemKey Translator::UnmountedKey(FilesystemInfo info) {
  if (std::optional<FilesystemKey> known = FindUnmounted(info)) {
    // A line names the device alone; the tracepoint behind it says the rest.
    FilesystemInfo& seen = unmounted_[*known];
    if (!seen.uuid) seen = std::move(info);
    return *known;
  }
  if (unmounted_.size() >= kMaxUnmounted) {
    taken_.erase(unmounted_.begin()->first);
    unmounted_.erase(unmounted_.begin());
  }
  FilesystemKey key{next_unmounted_++};
  unmounted_.emplace(key, std::move(info));
  return key;
}

std::optional<Uuid> Translator::UuidOf(const Mounting& mounting) const {
  if (mounting.info.uuid) return mounting.info.uuid;
  if (auto learned = learned_.find({mounting.key}); learned != learned_.end() && CanHave(mounting, learned->second))
    return learned->second;
  // That of an error on its device, laid to another mounting or met before the mount table had this one.
  if (!mounting.info.fsid || ModuleOf(mounting.info.type).fsid_of == nullptr) return std::nullopt;
  const auto traced = traced_.find(mounting.info.device);
  if (traced == traced_.end()) return std::nullopt;
  for (const Uuid& uuid : traced->second.uuids)
    if (CanHave(mounting, uuid)) return uuid;
  return std::nullopt;
}

bool Translator::IsOf(const Mounting& mounting, const FilesystemInfo& seen) {
  if (mounting.info.uuid || !seen.uuid || ModuleOf(mounting.info.type).fsid_of == nullptr) return true;
  if (!CanHave(mounting, *seen.uuid)) return false;
  if (const std::optional<Uuid> known = UuidOf(mounting)) return known == seen.uuid;
  if (learned_.size() >= kMaxUnmounted) learned_.erase(learned_.begin());
  learned_.insert_or_assign(FilesystemKey{mounting.key}, *seen.uuid);
  return true;
}

const Mounting* Translator::MountedAs(const FilesystemInfo& seen, uint64_t boottime_ns) {
  const Mounting* mounting = mounts_.FindByDevice(*seen.dev, seen.uuid, boottime_ns);
  return mounting != nullptr && IsOf(*mounting, seen) ? mounting : nullptr;
}

const Mounting* Translator::MountedByNow(FilesystemKey key, uint64_t boottime_ns) {
  auto unmounted = unmounted_.find(key);
  if (unmounted == unmounted_.end() || !unmounted->second.dev || !unmounted->second.uuid) return nullptr;
  const FilesystemInfo seen = unmounted->second;  // the refresh may take it away
  if (const Mounting* mounting = MountedAs(seen, boottime_ns)) return mounting;
  refresh_(boottime_ns);
  return MountedAs(seen, boottime_ns);
}

Translator::Traced& Translator::TracedOn(const std::string& device) {
  if (traced_.size() >= kMaxDevices && !traced_.contains(device)) traced_.clear();
  return traced_[device];
}

void Translator::RememberUuid(const FilesystemInfo& seen) {
  if (!seen.uuid) return;
  std::deque<Uuid>& uuids = TracedOn(seen.device).uuids;
  if (std::ranges::find(uuids, *seen.uuid) != uuids.end()) return;
  uuids.push_front(*seen.uuid);
  if (uuids.size() > kMaxUuidsOfDevice) uuids.pop_back();
}

FilesystemKey Translator::KeyOfSuperblock(FilesystemInfo seen, uint64_t boottime_ns) {
  RememberUuid(seen);
  const Mounting* mounting = MountedAs(seen, boottime_ns);
  // Seen while mount(2) was still at work, it has no mount points yet.
  bool is_fresh =
      mounting != nullptr && mounting->info.mounts.empty() && boottime_ns < mounting->since_boottime_ns + kFreshNs;
  if (mounting == nullptr || is_fresh) {
    refresh_(boottime_ns);
    mounting = MountedAs(seen, boottime_ns);
  }
  Traced& traced = TracedOn(seen.device);
  traced.last_boottime_ns = boottime_ns;
  return traced.last.emplace(mounting != nullptr ? FilesystemKey{mounting->key} : UnmountedKey(std::move(seen)));
}

// ext4 serves ext2 and ext3 as well: the name alone has to do where none of that type carries it. But what another module
// serves has not said it.
const Mounting* Translator::MountedOn(const std::string& device, std::string_view type, uint64_t boottime_ns) const {
  if (const Mounting* of_type = mounts_.FindByName(device, boottime_ns, type)) return of_type;
  const Mounting* any = mounts_.FindByName(device, boottime_ns);
  return any == nullptr || type.empty() || ModuleOf(any->info.type).type == type ? any : nullptr;
}

FilesystemKey Translator::KeyOfName(const std::string& device, std::string_view type,
                                    std::span<const std::string> stack, uint64_t boottime_ns) {
  if (device.empty()) return {};
  auto traced = traced_.find(device);
  if (traced != traced_.end() && traced->second.last && boottime_ns >= traced->second.last_boottime_ns &&
      boottime_ns - traced->second.last_boottime_ns < kLineFollowsNs)
    return *traced->second.last;
  // A mount(2) that is under way, and may be refused, is not of what was mounted there before and is gone; whether it is gone,
  // only a new look tells.
  const bool is_mounting = IsMounting(stack);
  const Mounting* mounting = is_mounting ? nullptr : MountedOn(device, type, boottime_ns);
  if (mounting == nullptr) {
    refresh_(boottime_ns);
    mounting = MountedOn(device, type, boottime_ns);
  }
  if (mounting != nullptr && !(is_mounting && IsOld(*mounting, boottime_ns))) return {mounting->key};
  return UnmountedKey(FilesystemInfo{.type = std::string(type), .device = device});
}

// It is of the only one mounted of its type (of the server that it names, if any), if that can be told: a mount that is
// under way, or a line without a stack to tell by, may be of another one.
FilesystemKey Translator::KeyOfType(const ErrorReport& report, std::span<const std::string> stack,
                                    uint64_t boottime_ns) {
  if (report.filesystem_type.empty()) return {};
  const bool is_certain = !stack.empty() && !IsMounting(stack);
  if (is_certain) refresh_(boottime_ns);
  const Mounting* only = is_certain ? OnlyMounted(report) : nullptr;
  if (only != nullptr && only->since_boottime_ns < boottime_ns + kFreshNs) return {only->key};
  return UnmountedKey(FilesystemInfo{.type = std::string(report.filesystem_type)});
}

const Mounting* Translator::OnlyMounted(const ErrorReport& report) const {
  const Mounting* only = nullptr;
  for (const Mounting* mounting : mounts_.mounted()) {
    if (ModuleOf(mounting->info.type).type != report.filesystem_type || !IsOfServer(*mounting, report)) continue;
    if (only != nullptr) return nullptr;
    only = mounting;
  }
  return only;
}

FilesystemInfo Translator::Seen(FilesystemKey key) const {
  if (auto it = unmounted_.find(key); it != unmounted_.end()) return it->second;
  FilesystemInfo info;
  if (const Mounting* mounting = mounts_.Find(key.value)) info.uuid = UuidOf(*mounting);
  return info;
}

std::optional<FilesystemKey> Translator::TakeUnmounted(const FilesystemInfo& info) {
  std::optional<FilesystemKey> key = FindUnmounted(info);
  if (!key) return std::nullopt;
  taken_.insert(*key);  // what is known of it stays: not all of it may have been told
  for (auto& [device, traced] : traced_)
    if (traced.last == key) traced.last.reset();
  return key;
}

std::optional<Reporter> Translator::CellReporter(uint32_t cell) const {
  auto it = reporters_.find(cell);
  if (it == reporters_.end()) return std::nullopt;
  return it->second;
}

Task Translator::NamedTask(TraceRecordHead& head) {
  Task task = std::move(head.task);
  task.cgroup = cgroups_.Find(head.cgroup_id);
  return task;
}

const Translator::NamedStack& Translator::Named(const std::vector<uint64_t>& addresses, Symbolizer& symbolizer) {
  if (auto known = stacks_.find(addresses); known != stacks_.end()) return known->second;
  if (stacks_.size() >= kMaxStacks) stacks_.clear();
  NamedStack& stack = stacks_[addresses];
  stack.complete = symbolizer.Symbolize(addresses);
  stack.visible = VisibleStack(stack.complete);
  stack.of_user_line = IsUserLine(stack.complete);
  stack.of_read_ahead = IsReadAhead(stack.complete);
  stack.of_completion = IsCompletion(stack.complete);
  return stack;
}

Signal Translator::TranslateError(TraceErrorRecord record, Symbolizer& symbolizer) {
  Signal signal{.filesystem = KeyOfSuperblock(Superblock(record), record.head.boottime_ns)};
  std::optional<uint32_t> line = record.line == 0 ? std::nullopt : std::optional(record.line);
  if (record.type == TraceErrorRecord::Type::kDetail) {
    signal.what = DetailSignal{.boottime_ns = record.head.boottime_ns,
                               .task = NamedTask(record.head),
                               .function = std::move(record.function),
                               .line = line,
                               .code = record.code,
                               .inode = record.inode,
                               .block = record.block};
    return signal;
  }
  const NamedStack& stack = Named(record.head.stack, symbolizer);
  TraceSignal error{.boottime_ns = record.head.boottime_ns,
                    .task = NamedTask(record.head),
                    .function = std::move(record.function),
                    .line = line,
                    .stack = stack.visible};
  if (record.type == TraceErrorRecord::Type::kShutdown) {
    error.kind = Kind::kShutdown;
    error.reporter = kShutdownReporter;
    error.function = FirstFunction(error.stack);
  } else {
    // A code point has one reporter; its stack, taken once, tells which.
    std::optional<Reporter> reporter = record.cell ? CellReporter(*record.cell) : std::nullopt;
    const FilesystemModule& module = ModuleOf(record.filesystem_type);
    if (!reporter && module.reporter != nullptr && !stack.complete.empty()) {
      reporter = module.reporter(stack.complete);
      if (record.cell) reporters_.emplace(*record.cell, *reporter);
    }
    error.reporter = reporter.value_or(Reporter{.told_by_fanotify = true, .counted = true});
  }
  signal.what = std::move(error);
  return signal;
}

std::optional<Signal> Translator::TranslateEvent(TraceEventRecord record, Symbolizer& symbolizer) {
  const uint64_t boottime_ns = record.head.boottime_ns;
  const NamedStack& stack = Named(record.head.stack, symbolizer);
  record.event.stack = stack.complete;
  std::optional<ErrorReport> report = ParseEvent(record.event);
  if (!report) return std::nullopt;
  if (report->device_error && report->device_error->device.empty()) report->device_error->device = record.device;
  const bool of_disk = report->device_error && report->device_error->dev;
  if (!report->topic.empty()) report->speculative = report->speculative || stack.of_read_ahead;
  report->task_is_any = report->task_is_any || stack.of_completion;
  const FilesystemKey key = of_disk ? KeyOfDisk(record.device, *report->device_error->dev, *report, boottime_ns)
                                    : KeyOfSuperblock(Superblock(record), boottime_ns);
  return Signal{.filesystem = key,
                .what = EventSignal{.boottime_ns = boottime_ns,
                                    .task = NamedTask(record.head),
                                    .stack = stack.visible,
                                    .report = std::move(*report)}};
}

// The file system on the disk, on its partition, or above both; and where on its own device that is. The sector of the
// report stays the disk's.
FilesystemKey Translator::KeyOfDisk(const std::string& device, DeviceNumber disk, ErrorReport& report,
                                    uint64_t boottime_ns) {
  const std::optional<uint64_t> sector = report.device_error->sector;
  const std::optional<MountingAbove> above = mounts_.FindAboveDevice(disk, sector, boottime_ns);
  if (!above) return KeyOfName(device, report.filesystem_type, {}, boottime_ns);
  report.device = above->device.name;
  if (report.inode) return {above->mounting->key};  // its range is the file's
  if (!above->sector || !report.range) report.range.reset();
  else report.range->offset_bytes = *above->sector * 512;
  return {above->mounting->key};
}

std::vector<Signal> Translator::Translate(TraceRecord record, Symbolizer& symbolizer) {
  std::vector<Signal> signals;
  if (auto* error = std::get_if<TraceErrorRecord>(&record)) {
    signals.push_back(TranslateError(std::move(*error), symbolizer));
    return signals;
  }
  if (auto* event = std::get_if<TraceEventRecord>(&record)) {
    if (std::optional<Signal> signal = TranslateEvent(std::move(*event), symbolizer))
      signals.push_back(std::move(*signal));
    return signals;
  }
  for (TraceLineRecord& line : lines_.Add(std::move(std::get<TraceLineRecord>(record))))
    if (std::optional<Signal> signal = TranslateWhole(std::move(line), symbolizer))
      signals.push_back(std::move(*signal));
  return signals;
}

std::vector<Signal> Translator::ExpireLines(uint64_t boottime_ns, Symbolizer& symbolizer) {
  std::vector<Signal> signals;
  for (TraceLineRecord& line : lines_.Expire(boottime_ns))
    if (std::optional<Signal> signal = TranslateWhole(std::move(line), symbolizer))
      signals.push_back(std::move(*signal));
  return signals;
}

// What is folded is only counted: of its reports nothing is known but what all of their point have in common.
std::optional<Signal> Translator::TranslateEvents(const TraceFold& fold) {
  const uint64_t now_ns = BoottimeNowNs();
  std::optional<ErrorReport> report = ParseEvent({.point = *fold.point, .filesystem_type = fold.filesystem_type});
  if (!report || report->meaning != ErrorReport::Meaning::kError || report->count == 0) return std::nullopt;
  ErrorReport common{.filesystem_type = report->filesystem_type,
                     .kind = report->kind,
                     .counted = report->counted,
                     .told_by_fanotify = report->told_by_fanotify,
                     .echo = report->echo,
                     .task_is_any = true};
  const bool of_disk = fold.filesystem_type.empty();
  const FilesystemKey key =
      of_disk ? KeyOfName(fold.device, {}, {}, now_ns) : KeyOfSuperblock(Superblock(fold), now_ns);
  return Signal{.filesystem = key,
                .what = EventSignal{.boottime_ns = now_ns, .report = std::move(common), .folded = fold.count}};
}

std::optional<Signal> Translator::Translate(const TraceFold& fold) {
  if (fold.point) return TranslateEvents(fold);
  uint64_t now_ns = BoottimeNowNs();
  TraceSignal error{.boottime_ns = now_ns, .function = fold.function, .folded = fold.count};
  if (fold.line != 0) error.line = fold.line;
  error.reporter = CellReporter(fold.cell).value_or(Reporter{.told_by_fanotify = true, .counted = true});
  if (fold.function.empty()) {
    error.kind = Kind::kShutdown;
    error.reporter = kShutdownReporter;
  }
  return Signal{.filesystem = KeyOfSuperblock(Superblock(fold), now_ns), .what = std::move(error)};
}

std::optional<Signal> Translator::TranslateWhole(TraceLineRecord line, Symbolizer& symbolizer) {
  const NamedStack& stack = Named(line.head.stack, symbolizer);
  std::optional<ParsedLog> parsed = ParseLog(line.text);
  if (!parsed) return std::nullopt;
  LogSignal signal{.boottime_ns = line.head.boottime_ns, .task = NamedTask(line.head), .trusted = !stack.of_user_line};
  if (!parsed->report.traced) signal.stack = stack.visible;  // else its error's tracepoint has it
  signal.report = std::move(parsed->report);
  signal.report.kind = KindOfStack(signal.report.filesystem_type, stack.complete).value_or(signal.report.kind);
  if (!signal.report.topic.empty()) signal.report.speculative = signal.report.speculative || stack.of_read_ahead;
  signal.report.task_is_any = signal.report.task_is_any || stack.of_completion;
  return Translate(std::move(signal));
}

std::optional<Signal> Translator::Translate(LogSignal line) {
  ErrorReport& report = line.report;
  if (!line.trusted) return TranslateForged(std::move(line));
  if (report.meaning == ErrorReport::Meaning::kLost) return TranslateLost(line);
  if (report.meaning == ErrorReport::Meaning::kScrubBegan || report.meaning == ErrorReport::Meaning::kScrubEnded) {
    const bool has_ended = report.meaning == ErrorReport::Meaning::kScrubEnded;
    scrubs_.push_back({.filesystem = KeyOfLine(line), .device = report.scrubbed, .has_ended = has_ended});
    return std::nullopt;
  }
  if (report.meaning != ErrorReport::Meaning::kError && report.meaning != ErrorReport::Meaning::kAddition) {
    mount_hint_ = mount_hint_ || report.meaning != ErrorReport::Meaning::kPast;
    return std::nullopt;
  }
  // What we met ourselves, looking for a path on the device, is no news.
  const bool is_ours = line.task && line.task->pid == static_cast<uint32_t>(::getpid());
  if (is_ours && report.filesystem_type.empty()) return std::nullopt;
  return Signal{.filesystem = KeyOfLine(line), .what = std::move(line)};
}

// A line of the block layer names a disk, any other the device of its file system, or none.
FilesystemKey Translator::KeyOfLine(LogSignal& line) {
  ErrorReport& report = line.report;
  const uint64_t boottime_ns = line.boottime_ns;
  if (report.device.empty()) return KeyOfType(report, line.stack, boottime_ns);
  if (report.device_error && report.filesystem_type.empty())
    if (std::optional<DeviceNumber> disk = mounts_.NumberOf(report.device))
      return KeyOfDisk(report.device, *disk, report, boottime_ns);
  return KeyOfName(report.device, report.filesystem_type, line.stack, boottime_ns);
}

// What user space wrote to the log is of no file system that is known: it says itself which one it means.
std::optional<Signal> Translator::TranslateForged(LogSignal line) {
  if (line.report.meaning != ErrorReport::Meaning::kError) return std::nullopt;
  line.stack.clear();
  return Signal{.filesystem = {}, .what = std::move(line)};
}

// The kernel could not report an error, and says so in its log.
std::optional<Signal> Translator::TranslateLost(const LogSignal& line) {
  return Signal{.filesystem = KeyOfName(line.report.device, line.report.filesystem_type, {}, line.boottime_ns),
                .what = GapSignal{.from_boottime_ns = line.boottime_ns,
                                  .to_boottime_ns = line.boottime_ns,
                                  .source = SourceId::kFanotify,
                                  .count = line.report.count,
                                  .exact = true}};
}

}  // namespace fsherald
