// SPDX-License-Identifier: MIT
// One block looks like this; a line of which nothing is known is left out.
//
//   10:31:07.412 metadata error on ext4 loop0 at /data: EUCLEAN Structure needs cleaning ×3
//     what     deleted inode referenced: 12
//     where    ext4_lookup:1855, Linux 6.18.44
//     file     /data/d/f (inode 12, generation 7, found by its handle)
//     device   loop0: read of 8 sectors at 2048 failed ×2, EIO
//     by       ls (pid 2211), cgroup /user.slice
//     stack    ext4_lookup+0x1a2
//              __lookup_slow+0x81
//     seen by  fanotify, trace, kmsg
#include "record/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <ctime>

#include "base/clock.h"
#include "base/styles.h"
#include "base/text.h"

namespace fsherald {
namespace {

constexpr size_t kMaxFrames = 6;  // the innermost tell where; the system call's entry is the same in each

using namespace styles;

class Block {
 public:
  Block(bool color, std::string& out) : color_(color), out_(out) {}

  void Text(std::string_view text) { out_.append(text); }

  void Styled(std::string_view style, std::string_view text) {
    if (color_) out_.append(style);
    out_.append(text);
    if (color_) out_.append(kNormal);
  }

  // A line below the first, with an empty label one that goes on with the line before it. `text` is safe to show.
  void Line(std::string_view label, std::string_view text) {
    Text("  ");
    Styled(kDim, fmt::format("{:<7}", label));
    Text("  ");
    Text(text);
    Text("\n");
  }

 private:
  bool color_;
  std::string& out_;
};

// What follows is words: strings that are safe to show.

std::string LocalTime(int64_t utc_ns) {
  const auto [seconds, nanoseconds] = SplitUtcNs(utc_ns);
  const std::time_t time = seconds;
  std::tm local{};
  ::localtime_r(&time, &local);
  return fmt::format("{:02}:{:02}:{:02}.{:03}", local.tm_hour, local.tm_min, local.tm_sec, nanoseconds / 1'000'000);
}

// "2026-11-20 10:31:07.412 #41"
std::string DatedWords(const Notification& notification) {
  const std::time_t time = SplitUtcNs(notification.utc_ns).seconds;
  std::tm local{};
  ::localtime_r(&time, &local);
  return fmt::format("{:04}-{:02}-{:02} {} #{}", local.tm_year + 1900, local.tm_mon + 1, local.tm_mday,
                     LocalTime(notification.utc_ns), notification.seq);
}

std::string_view Title(Kind kind) {
  switch (kind) {
    case Kind::kMetadata: return "metadata error";
    case Kind::kDataRead: return "read error";
    case Kind::kDataWrite: return "write error";
    case Kind::kWriteback: return "write-back error";
    case Kind::kShutdown: return "shutdown";
    case Kind::kReadOnly: return "read-only";
    case Kind::kDevice: return "device error";
    case Kind::kCounter: return "counted error";
    case Kind::kGap: return "lost";
    case Kind::kHealth: return "health";
  }
  return "error";
}

// What is not true or not lost for certain is no alarm.
std::string_view HeadlineStyle(const Notification& notification) {
  if (!notification.trusted) return kBoldYellow;
  if (IsHealthyAgain(notification)) return kBoldGreen;
  return notification.corrected ? kBoldYellow : kBoldRed;
}

std::string HeadlineWords(const Notification& notification) {
  const std::string_view doubt = notification.trusted ? "" : "unverified: ";
  if (IsHealthyAgain(notification)) return fmt::format("{}healthy again", doubt);
  return fmt::format("{}{}{}", doubt, notification.corrected ? "corrected " : "", Title(notification.kind));
}

// Empty: nothing is known of it.
std::string FilesystemWords(const FilesystemInfo& filesystem) {
  std::string words = ForTerminal(filesystem.type);
  const auto append = [&words](std::string_view separator, const std::string& word) {
    if (!words.empty()) words.append(separator);
    words.append(word);
  };
  if (!filesystem.device.empty()) append(" ", ForTerminal(filesystem.device));
  else if (filesystem.dev) append(" ", "device " + ToString(*filesystem.dev));
  if (filesystem.mounts.empty()) return words;
  append(" at ", ForTerminal(filesystem.mounts.front()));
  if (filesystem.mounts.size() > 1) words += fmt::format(" (+{})", filesystem.mounts.size() - 1);
  return words;
}

// "EIO"
std::string ErrnoName(int code) {
  const char* name = ::strerrorname_np(code);
  return name != nullptr ? name : fmt::format("errno {}", code);
}

std::string ErrorWords(const ErrorInfo& error) {
  if (!error.code) return "errno unknown";
  const char* text = ::strerrordesc_np(*error.code);
  return text != nullptr ? fmt::format("{} {}", ErrnoName(*error.code), text) : ErrnoName(*error.code);
}

// "xfs_do_force_shutdown:523 (fs/xfs/xfs_fsops.c)"; the file in the function's place where that is not known.
std::string PlaceWords(const Location& location) {
  const std::string function = ForTerminal(location.function);
  const std::string file = ForTerminal(location.file);
  std::string words = !function.empty() ? function : !file.empty() ? file : "unknown function";
  if (location.line) words += fmt::format(":{}", *location.line);
  if (!function.empty() && !file.empty()) words += fmt::format(" ({})", file);
  return words;
}

std::string LocationWords(const Notification& notification, const Host& host) {
  std::string words = PlaceWords(*notification.location);
  const bool in_kernel = notification.origin == Origin::kKernel;
  if (in_kernel && !host.kernel_release.empty()) words += ", Linux " + ForTerminal(host.kernel_release);
  return words;
}

std::string_view HowFound(PathSource source) {
  switch (source) {
    case PathSource::kHandle: return ", found by its handle";
    case PathSource::kOpenFile: return ", found among the task's open files";
    case PathSource::kWalk: return ", found by reading the device";
    case PathSource::kProducer: return ", said by the file system";
    case PathSource::kIoctl: return ", found by asking the file system";
  }
  return "";
}

std::string ObjectWords(const ObjectInfo& object) {
  std::string known = object.inode ? fmt::format("inode {}", *object.inode) : "inode unknown";
  if (object.generation) known += fmt::format(", generation {}", *object.generation);
  if (!object.path) return known + ", path unknown";
  if (object.path_source) known += HowFound(*object.path_source);
  return fmt::format("{} ({})", ForTerminal(*object.path), known);
}

std::string ProcessWords(const Task& task) {
  std::string words = task.comm.empty() ? "a task without a name" : ForTerminal(task.comm);
  if (task.pid) words += fmt::format(" (pid {}", *task.pid);
  if (task.pid && task.tid && task.tid != task.pid) words += fmt::format(", thread {}", *task.tid);
  if (task.pid) words += ")";
  return words;
}

// Empty: nothing is known. What comes from user space says so: it is as true as that program is.
std::string TaskWords(const Notification& notification) {
  const std::optional<Task>& task = notification.task;
  std::string words = task ? ProcessWords(*task) : "";
  if (notification.origin == Origin::kUser) {
    words = fmt::format("reported by {} in user space", task ? words : "a program");
  }
  if (task && task->cgroup) words += ", cgroup " + ForTerminal(*task->cgroup);
  return words;
}

// Its size and its first bytes.
std::string BlobWords(std::string_view blob) {
  constexpr size_t kShown = 16;
  std::string words = fmt::format("{} byte{}", blob.size(), blob.size() == 1 ? "" : "s");
  for (size_t i = 0; i < std::min(blob.size(), kShown); ++i) {
    words += fmt::format("{} {:02x}", i == 0 ? ":" : "", static_cast<uint8_t>(blob[i]));
  }
  if (blob.size() > kShown) words += " ...";
  return words;
}

std::string RequestWords(const DeviceError& error) {
  const std::string_view operation = Name(error.operation);
  std::string words(operation.empty() ? "request" : operation);
  if (error.sectors) words += fmt::format(" of {} sector{}", *error.sectors, *error.sectors == 1 ? "" : "s");
  if (error.sector) words += fmt::format(" at {}{}", error.sectors ? "" : "sector ", *error.sector);
  return words;
}

std::string DeviceWords(const DeviceError& error) {
  std::string words = ForTerminal(error.device);
  if (words.empty()) words = error.dev ? ToString(*error.dev) : "unknown";
  words += fmt::format(": {} failed", RequestWords(error));
  if (error.count != 1) words += fmt::format(" ×{}", error.count);
  if (error.code) words += ", " + ErrnoName(*error.code);
  return words;
}

// The named values of the file system's own record; `inode` is left to the line of the file where there is one.
std::string FieldWords(const Specific& specific, bool has_object) {
  std::string words;
  for (const SpecificField& field : specific.fields) {
    const auto* number = std::get_if<uint64_t>(&field.value);
    const auto* text = std::get_if<std::string>(&field.value);
    if ((number == nullptr && text == nullptr) || (has_object && field.name == "inode")) continue;
    if (!words.empty()) words += ", ";
    words +=
        fmt::format("{} {}", ForTerminal(field.name), number != nullptr ? std::to_string(*number) : ForTerminal(*text));
  }
  return words;
}

// Whose reports they were. A group loses those of all sources.
std::string LoserWords(SourceId source) {
  switch (source) {
    case SourceId::kGroup: return "";
    case SourceId::kProducer: return " from user space";
    default: return fmt::format(" from {}", Name(source));
  }
}

std::string LossWords(const Gap& gap) {
  const std::string loser = LoserWords(gap.source);
  if (!gap.count) return "an unknown number of reports" + loser;
  return fmt::format("{}{} report{}{}", gap.exact ? "" : "at least ", *gap.count, *gap.count == 1 ? "" : "s", loser);
}

std::string SpanWords(const Gap& gap) {
  const std::string from = LocalTime(gap.from_utc_ns);
  const std::string to = LocalTime(gap.to_utc_ns);
  if (from == to) return from;
  if (gap.from_utc_ns == 0) return "until " + to;  // of what is not kept any more nobody knows when it began
  return from + " to " + to;
}

// What the reader would wonder about. That there is no file is no wonder where the code is known: it named none.
std::string UnknownWords(const Notification& notification) {
  if (IsHealthyAgain(notification)) return "";
  switch (notification.kind) {
    case Kind::kShutdown:
    case Kind::kReadOnly:
    case Kind::kDevice:
    case Kind::kGap:
    case Kind::kHealth: return "";  // of the whole file system or its device, by nobody's doing
    default: break;
  }
  std::string words;
  const auto append = [&words](std::string_view word) {
    if (!words.empty()) words += ", ";
    words += word;
  };
  if (!notification.location) append("where");
  if (!notification.location && !notification.object) append("which file");
  if (!notification.task && notification.origin == Origin::kKernel) append("by whom");
  return words;
}

void AddStack(const std::vector<std::string>& stack, bool whole, Block& block) {
  const size_t shown = whole ? stack.size() : std::min(stack.size(), kMaxFrames);
  for (size_t i = 0; i < shown; ++i) block.Line(i == 0 ? "stack" : "", ForTerminal(stack[i]));
  if (stack.size() > shown) block.Line("", fmt::format("... {} more", stack.size() - shown));
}

void AddLoss(const Notification& notification, Block& block) {
  const std::string filesystem = FilesystemWords(notification.filesystem);
  block.Styled(kBoldYellow, Title(Kind::kGap));
  block.Text(": ");
  block.Text(notification.gap ? LossWords(*notification.gap) : "an unknown number of reports");
  if (!filesystem.empty()) block.Text(" on " + filesystem);
  if (notification.gap && notification.gap->source == SourceId::kGroup) {
    block.Text(": this subscriber did not read fast enough");
    if (filesystem.empty()) block.Text(", or asked for what is not kept any more");
  }
  block.Text("\n");
  if (notification.gap) block.Line("when", SpanWords(*notification.gap));
}

std::string_view StateWords(HealthState state) {
  switch (state) {
    case HealthState::kNotCovered: return "not covered";
    case HealthState::kWell: return "well";
    case HealthState::kPastErrors: return "errors of the past";
    case HealthState::kErrors: return "errors";
    case HealthState::kReadOnly: return "read-only";
    case HealthState::kShutDown: return "shut down";
    case HealthState::kGone: return "gone";
    case HealthState::kUnknown: return "not known";
  }
  return "";
}

std::string_view RuleWords(HealthRule rule) {
  switch (rule) {
    case HealthRule::kErrors: return "an error was told";
    case HealthRule::kReadOnly: return "it has made itself read-only";
    case HealthRule::kShutdown: return "it has shut itself down";
    case HealthRule::kGone: return "it is not mounted any more";
    case HealthRule::kFound: return "it was found so";
    case HealthRule::kRemounted: return "it has been remounted";
    case HealthRule::kCountersReset: return "its own counters have been set back";
    case HealthRule::kRepaired: return "it says that what was damaged is healthy";
    case HealthRule::kScrubbed: return "a scrub has found no error";
    case HealthRule::kMountedAgain: return "it is mounted again";
    case HealthRule::kCleared: return "cleared by the operator";
  }
  return "";
}

std::string_view StyleOf(const HealthChange& change) {
  if (change.to == HealthState::kWell) return kBoldGreen;
  return change.to > change.from && change.to != HealthState::kGone ? kBoldRed : kBoldYellow;
}

void AddHealth(const Notification& notification, Block& block) {
  const std::string filesystem = FilesystemWords(notification.filesystem);
  const std::optional<HealthChange>& change = notification.health;
  block.Styled(change ? StyleOf(*change) : kBoldYellow, Title(Kind::kHealth));
  block.Text(" of ");
  block.Styled(kBold, filesystem.empty() ? "an unknown file system" : filesystem);
  if (!change) return block.Text(": changed\n");
  block.Text(fmt::format(": {}, was {}", StateWords(change->to), StateWords(change->from)));
  if (change->since_utc_ns) block.Text(" since " + LocalTime(*change->since_utc_ns));
  if (change->errors != 0) block.Text(fmt::format(", {} error{}", change->errors, change->errors == 1 ? "" : "s"));
  block.Text("\n");
  block.Line("why", WhyWords(*change));
  if (notification.incident) block.Line("follows", fmt::format("number {}", *notification.incident));
}

void AddHeadline(const Notification& notification, Block& block) {
  const std::string filesystem = FilesystemWords(notification.filesystem);
  block.Styled(HeadlineStyle(notification), HeadlineWords(notification));
  block.Text(" on ");
  block.Styled(kBold, filesystem.empty() ? "an unknown file system" : filesystem);
  if (IsHealthyAgain(notification)) return block.Text("\n");
  block.Text(": " + ErrorWords(notification.error));
  if (notification.error.count != 1) block.Styled(kBold, fmt::format(" ×{}", notification.error.count));
  block.Text("\n");
}

void AddError(const Notification& notification, const Host& host, const TextOptions& options, Block& block) {
  AddHeadline(notification, block);
  const auto line = [&block](std::string_view label, const std::string& words) {
    if (!words.empty()) block.Line(label, words);
  };
  if (!notification.trusted) line("trust", "written to the log by user space; nothing else has seen it");
  const auto& specific = notification.specific;
  if (specific && specific->message) line("what", ForTerminal(*specific->message));
  if (notification.location) line("where", LocationWords(notification, host));
  if (notification.object) line("file", ObjectWords(*notification.object));
  if (const auto& range = notification.range) {
    line("range", range->length_bytes ? fmt::format("{} bytes at {}", *range->length_bytes, range->offset_bytes)
                                      : fmt::format("from byte {} on", range->offset_bytes));
  }
  if (notification.device_error) line("device", DeviceWords(*notification.device_error));
  if (specific) line("detail", FieldWords(*specific, notification.object.has_value()));
  if (specific && specific->blob) line("blob", BlobWords(*specific->blob));
  line("by", TaskWords(notification));
  line("unknown", UnknownWords(notification));
  if (notification.incident && notification.incident != notification.seq) {
    line("follows", fmt::format("number {}", *notification.incident));
  }
  if (options.stack && notification.location) AddStack(notification.location->stack, options.whole_stack, block);
  line("seen by", SourceNames(notification.sources, ", "));
}

}  // namespace

std::string WhyWords(const HealthChange& change) {
  std::string words(RuleWords(change.rule));
  if (change.uid) words += fmt::format(" (uid {})", *change.uid);
  if (change.reason) words += ": " + ForTerminal(*change.reason);
  return words;
}

std::string SourceNames(SourceSet sources, std::string_view between) {
  std::string names;
  for (int i = 0; i < kSourceCount; ++i) {
    const auto source = static_cast<SourceId>(i);
    if (!sources.Has(source)) continue;
    if (!names.empty()) names += between;
    names += Name(source);
  }
  return names;
}

void AppendText(const Notification& notification, const Host& host, const TextOptions& options, std::string& out) {
  Block block(options.color, out);
  block.Styled(kDim, options.dated ? DatedWords(notification) : LocalTime(notification.utc_ns));
  block.Text(" ");
  if (notification.kind == Kind::kGap) AddLoss(notification, block);
  else if (notification.kind == Kind::kHealth) AddHealth(notification, block);
  else AddError(notification, host, options, block);
  block.Text("\n");
}

}  // namespace fsherald
