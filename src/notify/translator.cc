// SPDX-License-Identifier: MIT
#include "notify/translator.h"

#include <algorithm>
#include <cerrno>

#include "base/clock.h"
#include "filesystem/filesystem.h"
#include "filesystem/stack_frame.h"

namespace fsherald {
namespace {

constexpr size_t kMaxUnmounted = 256;
constexpr Reporter kShutdownReporter{.told_by_fanotify = false, .counted = false, .code = ESHUTDOWN};

bool IsHelper(std::string_view frame) {
  return std::ranges::any_of(FilesystemModules(), [&](const FilesystemModule& module) {
    return module.is_reporting_helper != nullptr && module.is_reporting_helper(FrameFunction(frame));
  });
}

// The superblock that a record or a fold names.
template <typename T>
FilesystemInfo Superblock(const T& source) {
  return {.type = std::string(source.filesystem_type), .device = source.device, .dev = source.dev, .uuid = source.uuid};
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

}  // namespace

FilesystemKey Translator::UnmountedKey(FilesystemInfo info) {
  for (const auto& [key, seen] : unmounted_)
    if (seen.device == info.device && (!seen.uuid || !info.uuid || seen.uuid == info.uuid)) return key;
  mount_hint_ = true;
  if (unmounted_.size() >= kMaxUnmounted) unmounted_.erase(unmounted_.begin());
  FilesystemKey key{next_unmounted_++};
  unmounted_.emplace(key, std::move(info));
  return key;
}

FilesystemKey Translator::KeyOfSuperblock(FilesystemInfo seen, uint64_t boottime_ns) {
  if (const Mounting* mounting = mounts_.FindByDevice(*seen.dev, seen.uuid, boottime_ns)) return {mounting->key};
  return UnmountedKey(std::move(seen));
}

FilesystemKey Translator::KeyOfName(const std::string& device, uint64_t boottime_ns) {
  if (device.empty()) return {};
  if (const Mounting* mounting = mounts_.FindByName(device, boottime_ns)) return {mounting->key};
  return UnmountedKey(FilesystemInfo{.device = device});
}

FilesystemInfo Translator::Seen(FilesystemKey key) const {
  auto it = unmounted_.find(key);
  return it == unmounted_.end() ? FilesystemInfo{} : it->second;
}

std::optional<FilesystemKey> Translator::TakeUnmounted(const FilesystemInfo& info) {
  auto it = std::ranges::find_if(unmounted_, [&](const auto& entry) {
    return entry.second.device == info.device && (!entry.second.uuid || !info.uuid || entry.second.uuid == info.uuid);
  });
  if (it == unmounted_.end()) return std::nullopt;
  FilesystemKey key = it->first;
  unmounted_.erase(it);
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

Signal Translator::TranslateError(TraceErrorRecord record, TraceSource& trace) {
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
  std::vector<std::string> stack = trace.Symbolize(record.head.stack);
  TraceSignal error{.boottime_ns = record.head.boottime_ns,
                    .task = NamedTask(record.head),
                    .function = std::move(record.function),
                    .line = line,
                    .stack = VisibleStack(stack)};
  if (record.type == TraceErrorRecord::Type::kShutdown) {
    error.kind = Kind::kShutdown;
    error.reporter = kShutdownReporter;
    error.function = FirstFunction(error.stack);
  } else {
    // A code point has one reporter; its stack, taken once, tells which.
    if (record.cell && !stack.empty()) {
      if (const FilesystemModule* module = FindFilesystemModule(record.filesystem_type))
        reporters_.emplace(*record.cell, module->reporter(stack));
    }
    error.reporter = (record.cell ? CellReporter(*record.cell) : std::nullopt)
                         .value_or(Reporter{.told_by_fanotify = true, .counted = true});
  }
  signal.what = std::move(error);
  return signal;
}

std::vector<Signal> Translator::Translate(TraceRecord record, TraceSource& trace) {
  std::vector<Signal> signals;
  if (auto* error = std::get_if<TraceErrorRecord>(&record)) {
    signals.push_back(TranslateError(std::move(*error), trace));
    return signals;
  }
  for (TraceLineRecord& line : lines_.Add(std::move(std::get<TraceLineRecord>(record))))
    if (std::optional<Signal> signal = TranslateWhole(std::move(line), trace)) signals.push_back(std::move(*signal));
  return signals;
}

std::vector<Signal> Translator::ExpireLines(uint64_t boottime_ns, TraceSource& trace) {
  std::vector<Signal> signals;
  for (TraceLineRecord& line : lines_.Expire(boottime_ns))
    if (std::optional<Signal> signal = TranslateWhole(std::move(line), trace)) signals.push_back(std::move(*signal));
  return signals;
}

Signal Translator::Translate(const TraceFold& fold) {
  uint64_t now_ns = BoottimeNowNs();
  TraceSignal error{.boottime_ns = now_ns, .function = fold.function, .folded = fold.count};
  if (fold.line != 0) error.line = fold.line;
  error.reporter = CellReporter(fold.cell).value_or(Reporter{.told_by_fanotify = true, .counted = true});
  if (fold.function.empty()) {
    error.kind = Kind::kShutdown;
    error.reporter = kShutdownReporter;
  }
  return {.filesystem = KeyOfSuperblock(Superblock(fold), now_ns), .what = std::move(error)};
}

std::optional<Signal> Translator::TranslateWhole(TraceLineRecord line, TraceSource& trace) {
  std::vector<std::string> stack = trace.Symbolize(line.head.stack);
  if (IsUserLine(stack)) {
    ++forged_;
    return std::nullopt;
  }
  std::optional<ParsedLog> parsed = ParseLog(line.text);
  if (!parsed) return std::nullopt;
  return Translate(LogSignal{.boottime_ns = line.head.boottime_ns,
                             .task = NamedTask(line.head),
                             .stack = VisibleStack(stack),
                             .message = std::move(parsed->message)});
}

std::optional<Signal> Translator::Translate(LogSignal line) {
  LogMessage& message = line.message;
  if (message.meaning != LogMessage::Meaning::kError) {
    mount_hint_ = mount_hint_ || message.meaning != LogMessage::Meaning::kPast;
    return std::nullopt;
  }
  if (message.function.empty()) message.function = FirstFunction(line.stack);
  FilesystemKey key = KeyOfName(message.device, line.boottime_ns);
  return Signal{.filesystem = key, .what = std::move(line)};
}

}  // namespace fsherald
