// SPDX-License-Identifier: MIT
// A file system looks like this; what there is nothing to say about is left out.
//
//   ext4  loop0  at /data
//     seen by   fanotify, trace, kmsg, counters
//     not seen  the words and the block of errors beyond the log's rate limit
//     past      3 errors counted since the last check
//       first   2026-11-20 10:31:07  ext4_lookup:1855, EUCLEAN, inode 12
//       last    2026-11-20 10:31:09  ext4_lookup:1855, EUCLEAN, inode 12
//       clear   unmount it, then: fsck.ext4 -f /dev/loop0
//     log       2026-11-20 10:31:07  ext4_lookup:1855: inode 12: deleted inode referenced: 12 (by ls)
#include "cli/doctor_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/styles.h"
#include "base/text.h"
#include "cli/occurrence_words.h"
#include "cli/time_text.h"
#include "notify/coverage.h"
#include "notify/coverage_words.h"

namespace fsherald {
namespace {

constexpr size_t kMaxLines = 5;  // of the log, for one file system
constexpr size_t kMaxMounts = 4;

using namespace styles;

class Page {
 public:
  explicit Page(bool color) : color_(color) {}

  std::string Styled(std::string_view style, std::string_view text) const {
    if (!color_) return std::string(text);
    return fmt::format("{}{}{}", style, text, kNormal);
  }
  void Heading(std::string_view text) { text_ += fmt::format("\n{}\n", Styled(kBold, text)); }
  void Line(std::string_view text) { text_ += fmt::format("{}\n", text); }
  // A label of at most `width` characters, then words.
  void Item(size_t indent, size_t width, std::string_view label, std::string_view words) {
    text_ += fmt::format("{:{}}{}  {}\n", "", indent, Styled(kDim, fmt::format("{:<{}}", label, width)), words);
  }
  std::string Take() { return std::move(text_); }

 private:
  bool color_;
  std::string text_;
};

std::string Plural(uint64_t count, std::string_view word) {
  return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s");
}

// What is lost without the source.
std::string_view Gives(SourceId source) {
  switch (source) {
    case SourceId::kFanotify: return "the exact number of errors, their errno, and the file";
    case SourceId::kTrace: return "function and line, call stack, task and cgroup of each error";
    case SourceId::kKmsg: return "the kernel's own words, inode and block, and the errors of devices";
    case SourceId::kCounters: return "errors that happened while nobody watched, and the proof that none was missed";
    case SourceId::kProducer: return "errors of file systems in user space";
    case SourceId::kGroup: return "";  // no source of errors
    case SourceId::kHealth:
      return "what XFS itself knows to be sick, and the errors of its files' data with kind and range";
    case SourceId::kMounts: return "what a file system has made of itself: read-only, or shut down";
  }
  return "";
}

void AddMachine(const Machine& machine, Page& page) {
  constexpr size_t kWidth = 19;
  const auto state = [&](bool good, std::string_view words) { return page.Styled(good ? kGreen : kYellow, words); };
  page.Heading("this kernel and this process");
  std::string user = machine.uid ? fmt::format("uid {}", *machine.uid) : "not known";
  if (machine.uid == 0U) user += ", root";
  if (machine.in_user_namespace)
    user += state(false, " of a user namespace: its capabilities do not count for the host");
  page.Item(2, kWidth, "user", user);
  for (const NeededCapability& capability : NeededCapabilities()) {
    const bool has = machine.Has(capability);
    page.Item(
        2, kWidth, capability.name,
        fmt::format("{}  for {}{}", state(has && !machine.in_user_namespace, has ? "yes" : "no "), capability.gives,
                    has && machine.in_user_namespace ? ", but in its user namespace only" : ""));
  }
  page.Item(2, kWidth, "type information",
            fmt::format("{}  for trace (BTF, /sys/kernel/btf/vmlinux)",
                        state(machine.has_btf, machine.has_btf ? "yes" : "no ")));
  if (!machine.lockdown)
    page.Item(2, kWidth, "lockdown", "not known: " + ForTerminal(machine.lockdown.error().ToString()));
  else page.Item(2, kWidth, "lockdown", state(*machine.lockdown != "confidentiality", ForTerminal(*machine.lockdown)));
}

void AddSources(const std::vector<SourceReport>& sources, Page& page) {
  page.Heading("sources");
  for (const SourceReport& source : sources) {
    const std::string state = source.active ? page.Styled(kGreen, "works") : page.Styled(kYellow, "does not work");
    page.Item(2, 8, Name(source.id), fmt::format("{}: {}", state, ForTerminal(source.words)));
    page.Item(2, 8, "", fmt::format("{} {}", source.active ? "gives" : "would give", Gives(source.id)));
  }
}

std::string MountWords(const std::vector<std::string>& mounts) {
  if (mounts.empty()) return "mounted in another mount namespace";
  std::string words = "at ";
  for (size_t i = 0; i < std::min(mounts.size(), kMaxMounts); ++i) {
    words += fmt::format("{}{}", i == 0 ? "" : ", ", ForTerminal(mounts[i]));
  }
  if (mounts.size() > kMaxMounts) words += fmt::format(" and {} more", mounts.size() - kMaxMounts);
  return words;
}

std::string WhyNotCovered(const MountedFilesystem& mounted) {
  const std::string type = ForTerminal(mounted.info.type);
  switch (mounted.backing) {
    case MountedFilesystem::Backing::kDevice:
      return fmt::format("no source that sees {} is there; see its lines in the kernel's log (dmesg)", type);
    case MountedFilesystem::Backing::kUserSpace:
      return fmt::format("{} is served by a process, which alone knows its errors: they are told where it reports them",
                         type);
    case MountedFilesystem::Backing::kNone: break;
  }
  return fmt::format("{} stands on no device of this machine and reports no errors", type);
}

// Kernel names have '!' for the '/' in a device's node.
std::string DeviceNode(const MountedFilesystem& mounted) {
  if (mounted.source.starts_with("/dev/") && mounted.source != "/dev/root") return mounted.source;
  std::string node = "/dev/" + mounted.info.device;
  std::ranges::replace(node, '!', '/');
  return node;
}

std::string ClearWords(const MountedFilesystem& mounted, bool by_device) {
  const auto& mounts = mounted.info.mounts;
  if (by_device)
    return fmt::format("btrfs device stats --reset {}",
                       ForTerminal(mounts.empty() ? DeviceNode(mounted) : mounts.front()));
  const std::string command =
      fmt::format("fsck.{} -f {}", ForTerminal(mounted.info.type), ForTerminal(DeviceNode(mounted)));
  if (std::ranges::find(mounts, "/") == mounts.end()) return "unmount it, then: " + command;
  return fmt::format("boot once with fsck.mode=force (or from another system: {})", command);
}

std::string DeviceCounterWords(const DeviceCounter& counter) {
  const std::string device =
      counter.device.empty() && counter.id ? fmt::format("device {}", *counter.id) : counter.device;
  return fmt::format("{}: {} {}", ForTerminal(device), counter.name, counter.value);
}

void AddPast(const DoctorRow& row, Page& page) {
  const auto& past = row.watched->past;
  if (!past) return page.Item(4, 8, "past", "not known: it has no counter that can be read");
  std::string warnings;
  if (past->warnings > 0) warnings = fmt::format("; {} since it was mounted", Plural(past->warnings, "warning"));
  const bool by_device = !past->devices.empty();
  const std::string_view since = by_device ? "since its device stats were last reset" : "since the last check";
  if (past->errors == 0) return page.Item(4, 8, "past", fmt::format("no errors counted {}{}", since, warnings));
  const std::string errors = page.Styled(kBoldRed, Plural(past->errors, "error"));
  page.Item(4, 8, "past", fmt::format("{} counted {}{}", errors, since, warnings));
  for (const DeviceCounter& counter : past->devices)
    if (counter.value > 0) page.Item(6, 6, "of", DeviceCounterWords(counter));
  if (past->first && past->errors > 1) page.Item(6, 6, "first", OccurrenceWords(*past->first));
  if (past->last) page.Item(6, 6, past->errors > 1 ? "last" : "when", OccurrenceWords(*past->last));
  page.Item(6, 6, "clear", ClearWords(row.mounted, by_device));
}

std::string LineWords(const PastLine& line, bool name_device) {
  std::string words = LocalTimeText(line.last_utc_ns) + "  ";
  if (name_device) words += ForTerminal(line.device) + ": ";
  words += ForTerminal(line.words);
  if (line.count > 1) words += fmt::format(" ×{} since {}", line.count, LocalTimeText(line.first_utc_ns));
  if (line.reminder) words += " [the kernel's reminder of older errors]";
  return words;
}

// The newest, oldest of these first.
void AddLines(const std::vector<PastLine>& lines, size_t indent, bool name_device, Page& page) {
  const size_t hidden = lines.size() > kMaxLines ? lines.size() - kMaxLines : 0;
  std::string_view label = "log";
  if (hidden > 0)
    page.Item(indent, 8, std::exchange(label, ""), fmt::format("{} before these", Plural(hidden, "line")));
  for (size_t i = hidden; i < lines.size(); ++i) {
    page.Item(indent, 8, std::exchange(label, ""), LineWords(lines[i], name_device));
  }
}

// What is lacking of every watched file system, when there are several: said once.
std::vector<std::string> CommonLacks(const std::vector<DoctorRow>& rows) {
  std::map<std::string, size_t> counts;
  std::vector<std::string> common;
  size_t watched = 0;
  for (const DoctorRow& row : rows) {
    if (!row.watched || !IsCovered(row.watched->coverage)) continue;
    ++watched;
    for (const std::string& lack : row.watched->lacks) ++counts[lack];
  }
  for (const auto& [lack, count] : counts) {
    if (watched > 1 && count == watched) common.push_back(lack);
  }
  return common;
}

void AddRow(const DoctorRow& row, const std::vector<std::string>& common, Page& page) {
  const FilesystemInfo& info = row.mounted.info;
  page.Line(fmt::format("  {}  {}  {}", page.Styled(kBold, ForTerminal(info.type)), ForTerminal(info.device),
                        MountWords(info.mounts)));
  if (!row.watched || !IsCovered(row.watched->coverage)) {
    page.Item(4, 8, "seen by", fmt::format("{}: {}", page.Styled(kYellow, "none"), WhyNotCovered(row.mounted)));
  } else {
    page.Item(4, 8, "seen by", SourceWords(row.watched->coverage));
    for (const std::string& lack : row.watched->lacks) {
      if (std::ranges::find(common, lack) == common.end()) page.Item(4, 8, "not seen", ForTerminal(lack));
    }
    AddPast(row, page);
  }
  AddLines(row.lines, 4, false, page);
}

void AddRows(const std::vector<DoctorRow>& rows, Page& page) {
  const std::vector<std::string> common = CommonLacks(rows);
  page.Heading(Plural(rows.size(), "file system") + (rows.empty() ? " on a device or in user space" : ""));
  for (const DoctorRow& row : rows) AddRow(row, common, page);
  if (!common.empty()) page.Line("  of all that are watched");
  for (const std::string& lack : common) page.Item(4, 8, "not seen", ForTerminal(lack));
}

std::vector<std::string> AdviceFor(const DoctorReport& report) {
  std::vector<std::string> advice = MachineAdvice(report.machine);
  const bool is_refused = std::ranges::any_of(report.rows, [](const DoctorRow& row) {
    return row.watched && row.watched->coverage.trace && !row.watched->coverage.detail;
  });
  if (is_refused) {
    advice.push_back(
        "let fentry or kprobes be used (a kernel with CONFIG_FUNCTION_TRACER or CONFIG_KPROBE_EVENTS, and no "
        "policy against them): the error handler's own arguments would be added");
  }
  return advice;
}

void AddAdvice(const std::vector<std::string>& advice, Page& page) {
  if (advice.empty()) return;
  page.Heading("to see more");
  for (const std::string& sentence : advice) page.Line("  " + sentence);
}

bool IsOf(const PastLine& line, const MountedFilesystem& mounted) {
  return !line.earlier && line.device == mounted.info.device;
}

}  // namespace

DoctorReport MakeReport(Machine machine, std::vector<SourceReport> sources, std::vector<MountedFilesystem> mounted,
                        std::vector<WatchedFilesystem> watched, std::vector<PastLine> lines, bool only_these) {
  DoctorReport report{.machine = std::move(machine), .sources = std::move(sources)};
  for (MountedFilesystem& one : mounted) report.rows.push_back({.mounted = std::move(one)});
  for (WatchedFilesystem& one : watched) {
    auto row = std::ranges::find_if(
        report.rows, [&](const DoctorRow& each) { return one.info.dev && each.mounted.info.dev == one.info.dev; });
    if (row == report.rows.end() && only_these) continue;
    if (row == report.rows.end()) {
      report.rows.push_back({.mounted = {.info = one.info, .backing = MountedFilesystem::Backing::kDevice}});
      row = std::prev(report.rows.end());
    }
    row->watched = std::move(one);
  }
  for (PastLine& line : lines) {
    auto row = std::ranges::find_if(report.rows, [&](const DoctorRow& each) { return IsOf(line, each.mounted); });
    if (row != report.rows.end()) row->lines.push_back(std::move(line));
    else if (!only_these) report.other_lines.push_back(std::move(line));
  }
  return report;
}

std::string ReportText(const DoctorReport& report, bool color) {
  Page page(color);
  page.Line(page.Styled(
      kBold, fmt::format("fsherald {} on Linux {}", FSHERALD_VERSION, ForTerminal(report.machine.kernel_release))));
  AddMachine(report.machine, page);
  AddSources(report.sources, page);
  AddRows(report.rows, page);
  if (!report.other_lines.empty()) {
    page.Heading("in the kernel's log, of what is not mounted any more, or of whole disks");
    AddLines(report.other_lines, 2, true, page);
  }
  AddAdvice(AdviceFor(report), page);
  return page.Take();
}

}  // namespace fsherald
