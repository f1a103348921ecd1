// SPDX-License-Identifier: MIT
//
//     TYPE   DEVICE  STATE             ERRORS  MOUNTED AT
//     ext4   loop0   errors now             3  /data
//            first  2026-11-20 10:31:07  ext4_lookup:1855, EUCLEAN, inode 12
//            last   2026-11-20 10:31:09  ext4_lookup:1855, EUCLEAN, inode 12
#include "cli/status_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/clock.h"
#include "base/styles.h"
#include "base/text.h"
#include "cli/exit_code.h"
#include "cli/occurrence_words.h"
#include "cli/time_text.h"
#include "filesystem/repair.h"
#include "record/json.h"
#include "record/text.h"

namespace fsherald {
namespace {

using namespace styles;

using Occurrence = CounterReading::Occurrence;

std::string Styled(std::string_view style, std::string_view text, bool color) {
  return color ? fmt::format("{}{}{}", style, text, kNormal) : std::string(text);
}

std::string_view Words(HealthState health) {
  switch (health) {
    case HealthState::kNotCovered: return "not covered";
    case HealthState::kUnknown: return "not known";
    case HealthState::kWell: return "well";
    case HealthState::kPastErrors: return "errors in the past";
    case HealthState::kErrors: return "errors now";
    case HealthState::kReadOnly: return "read-only";
    case HealthState::kShutDown: return "shut down";
    case HealthState::kGone: return "gone";
  }
  return "";
}

std::string_view ColorOf(HealthState health) {
  switch (health) {
    case HealthState::kWell: return kGreen;
    case HealthState::kNotCovered: return kDim;
    case HealthState::kUnknown:
    case HealthState::kPastErrors: return kYellow;
    case HealthState::kErrors:
    case HealthState::kReadOnly:
    case HealthState::kShutDown:
    case HealthState::kGone: break;
  }
  return kBoldRed;
}

// One that the history has, with its number.
std::string RecordWords(const Notification& n) {
  Occurrence occurrence{.utc_seconds = SplitUtcNs(n.utc_ns).seconds, .code = n.error.code};
  if (n.location) occurrence.function = n.location->function, occurrence.line = n.location->line;
  if (n.object) occurrence.inode = n.object->inode;
  return OccurrenceWords(occurrence) + fmt::format(" (fsherald show {})", n.seq);
}

// What the daemon has told of its state.
std::string StateWords(const Notification& change) {
  std::string words =
      fmt::format("{} since {}: {}", Words(change.health->to), LocalTimeText(change.utc_ns), WhyWords(*change.health));
  if (IsLeft(change.health->to) || !change.incident) return words + fmt::format(" (fsherald show {})", change.seq);
  return words + fmt::format(", incident {} (fsherald show {})", *change.incident, *change.incident);
}

// What the state is from.
std::string FromWords(const FilesystemStatus& status) {
  if (!status.is_daemons) return "from what the file system keeps itself";
  if (!status.is_mounted) return "from the daemon, which told it last";
  return fmt::format("from the daemon; by what the file system keeps itself it would be: {}", Words(status.own));
}

// A repair of long ago is not told for ever; the operator's word is.
bool IsOfInterest(const HealthChange& change) {
  return change.to != HealthState::kWell || change.rule == HealthRule::kCleared;
}

// "-": no counter of it can be read.
std::string CountWords(const FilesystemStatus& status) {
  return status.evidence.counters ? std::to_string(status.evidence.counters->errors) : "-";
}

std::string MountWords(const FilesystemStatus& status) {
  const auto& mounts = status.info.mounts;
  if (!status.is_mounted) return "(not mounted)";
  if (mounts.empty()) return "(another mount namespace)";
  std::string words = ForTerminal(mounts.front());
  if (mounts.size() > 1) words += fmt::format(" and {} more", mounts.size() - 1);
  return words;
}

// As wide as what stands in them; the mount point, which may be long, comes last.
struct Columns {
  size_t type = 4;
  size_t device = 6;
  size_t count = 6;
};

Columns Measure(const std::vector<FilesystemStatus>& statuses) {
  Columns columns;
  for (const FilesystemStatus& status : statuses) {
    columns.type = std::max(columns.type, ForTerminal(status.info.type).size());
    columns.device = std::max(columns.device, ForTerminal(status.info.device).size());
    columns.count = std::max(columns.count, CountWords(status).size());
  }
  columns.type = std::min<size_t>(columns.type, 20);
  columns.device = std::min<size_t>(columns.device, 20);
  return columns;
}

constexpr size_t kStateWidth = 18;  // "errors in the past"

class Table {
 public:
  Table(const Columns& columns, bool color) : columns_(columns), color_(color) {}

  void Heading() {
    text_ += Styled(kDim,
                    fmt::format("{:<{}}  {:<{}}  {:<{}}  {:>{}}  MOUNTED AT", "TYPE", columns_.type, "DEVICE",
                                columns_.device, "STATE", kStateWidth, "ERRORS", columns_.count),
                    color_) +
             "\n";
  }
  void Row(const FilesystemStatus& status) {
    const std::string state = fmt::format("{:<{}}", Words(status.health), kStateWidth);
    text_ +=
        fmt::format("{:<{}}  {:<{}}  {}  {:>{}}  {}\n", ForTerminal(status.info.type), columns_.type,
                    ForTerminal(status.info.device), columns_.device, Styled(ColorOf(status.health), state, color_),
                    CountWords(status), columns_.count, MountWords(status));
  }
  void Item(std::string_view label, std::string_view words) {
    text_ += fmt::format("    {}  {}\n", Styled(kDim, fmt::format("{:<8}", label), color_), words);
  }
  std::string Take() { return std::move(text_); }

 private:
  Columns columns_;
  bool color_;
  std::string text_;
};

std::optional<Patient::Trouble> TroubleOf(HealthState health) {
  switch (health) {
    case HealthState::kPastErrors:
    case HealthState::kErrors: return Patient::Trouble::kErrors;
    case HealthState::kReadOnly: return Patient::Trouble::kReadOnly;
    case HealthState::kShutDown: return Patient::Trouble::kShutDown;
    case HealthState::kNotCovered:
    case HealthState::kUnknown:
    case HealthState::kWell:
    case HealthState::kGone: break;
  }
  return std::nullopt;
}

std::vector<std::string> RepairSteps(const FilesystemStatus& status) {
  const std::optional<Patient::Trouble> trouble = TroubleOf(status.health);
  if (!trouble || !status.is_mounted) return {};
  const auto& mounts = status.info.mounts;
  return NextSteps({.type = status.info.type,
                    .node = status.node,
                    .mount_point = mounts.empty() ? std::string() : mounts.front(),
                    .is_root = std::ranges::find(mounts, "/") != mounts.end()},
                   *trouble);
}

// How the daemon is told of it (fsherald clear).
std::string NameOf(const FilesystemInfo& info) {
  if (!info.mounts.empty()) return info.mounts.front();
  return info.uuid ? ToString(*info.uuid) : info.device;
}

std::vector<std::string> StepsOf(const FilesystemStatus& status) {
  std::vector<std::string> steps = RepairSteps(status);
  if (status.is_daemons && IsFinding(status.health))
    steps.push_back(
        fmt::format("once it is known to be well, or given up: fsherald clear {} --reason TEXT", NameOf(status.info)));
  return steps;
}

void AddOccurrences(const FilesystemStatus& status, Table& table) {
  const auto& counters = status.evidence.counters;
  if (counters && counters->first && counters->errors > 1) table.Item("first", OccurrenceWords(*counters->first));
  if (counters && counters->last) table.Item(counters->errors > 1 ? "last" : "when", OccurrenceWords(*counters->last));
  if (!status.history) return;
  // What it keeps itself is shown above, and is exact.
  const KnownHistory& history = *status.history;
  const bool is_kept = counters && counters->last;
  if (!is_kept && history.first && history.notifications > 1) table.Item("first", RecordWords(*history.first));
  if (!is_kept && history.last) table.Item(history.notifications > 1 ? "last" : "when", RecordWords(*history.last));
}

void AddDaemonsWord(const FilesystemStatus& status, bool verbose, Table& table) {
  const std::optional<Notification> change = status.history ? status.history->health : std::nullopt;
  if (change && change->health && (verbose || status.is_daemons || IsOfInterest(*change->health)))
    table.Item("daemon", StateWords(*change));
  if (verbose || status.is_daemons) table.Item("state", FromWords(status));
}

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + ForTerminal(word);
  return text.empty() ? "nothing" : text;
}

void AddDetails(const FilesystemStatus& status, Table& table) {
  for (size_t i = 1; i < status.info.mounts.size(); ++i)
    table.Item(i == 1 ? "also at" : "", ForTerminal(status.info.mounts[i]));
  if (status.evidence.mount == MountState::kReadOnly) table.Item("mounted", "read-only, as it was asked for");
  if (status.evidence.counters && status.evidence.counters->warnings > 0)
    table.Item("warnings", fmt::format("{} since it was mounted", status.evidence.counters->warnings));
  for (const SelfReport::Detail& detail : status.details) {
    const std::string name = ForTerminal(detail.name);
    table.Item("detail", detail.name.starts_with("damaged") ? name : fmt::format("{}: {}", name, detail.value));
  }
  if (status.history)
    table.Item("history", fmt::format("{} errors in {} notifications, over all boots", status.history->errors,
                                      status.history->notifications));
  if (!status.super_options.empty()) table.Item("options", ForTerminal(status.super_options));
  table.Item("read", Joined(status.read));
  for (const std::string& sentence : status.not_read) table.Item("not read", ForTerminal(sentence));
  std::string_view label = "next";
  for (const std::string& step : StepsOf(status)) table.Item(std::exchange(label, ""), ForTerminal(step));
}

// The parts of the JSON, each a value.
std::string Quoted(std::string_view raw) {
  std::string text;
  AppendJsonString(raw, text);
  return text;
}
std::string QuotedOrNull(std::string_view raw) { return raw.empty() ? "null" : Quoted(raw); }

template <typename T>
std::string NumberOrNull(const std::optional<T>& value) {
  return value ? std::to_string(*value) : "null";
}

std::string List(const std::vector<std::string>& texts) {
  std::string list = "[";
  for (const std::string& text : texts) list += (list.size() > 1 ? "," : "") + Quoted(text);
  return list + "]";
}

// A damaged superblock can hold any second.
std::string TimeOrNull(int64_t utc_s) {
  constexpr int64_t kLast = INT64_MAX / 1'000'000'000;
  if (utc_s < 0 || utc_s > kLast) return "null";
  std::string time;
  AppendJsonTime(utc_s * 1'000'000'000, time);
  return time;
}

std::string Json(const std::optional<Occurrence>& occurrence) {
  if (!occurrence) return "null";
  const char* name = occurrence->code ? ::strerrorname_np(*occurrence->code) : nullptr;
  return fmt::format(R"({{"time":{},"errno":{},"name":{},"function":{},"line":{},"inode":{},"block":{}}})",
                     TimeOrNull(occurrence->utc_seconds), NumberOrNull(occurrence->code),
                     name == nullptr ? "null" : Quoted(name), QuotedOrNull(occurrence->function),
                     NumberOrNull(occurrence->line), NumberOrNull(occurrence->inode), NumberOrNull(occurrence->block));
}

std::string Json(const std::vector<SelfReport::Detail>& details) {
  std::string list = "[";
  for (const SelfReport::Detail& detail : details)
    list += fmt::format(R"({}{{"name":{},"value":{}}})", list.size() > 1 ? "," : "", Quoted(detail.name), detail.value);
  return list + "]";
}

// An error that the history has.
std::string Json(const std::optional<Notification>& n) {
  if (!n) return "null";
  const char* name = n->error.code ? ::strerrorname_np(*n->error.code) : nullptr;
  std::string time;
  AppendJsonTime(n->utc_ns, time);
  return fmt::format(R"({{"seq":{},"time":{},"errno":{},"name":{},"function":{},"line":{},"inode":{},"path":{}}})",
                     n->seq, time, NumberOrNull(n->error.code), name == nullptr ? "null" : Quoted(name),
                     n->location ? QuotedOrNull(n->location->function) : "null",
                     n->location ? NumberOrNull(n->location->line) : "null",
                     n->object ? NumberOrNull(n->object->inode) : "null",
                     n->object && n->object->path ? Quoted(*n->object->path) : "null");
}

std::string JsonOfState(const std::optional<Notification>& change) {
  if (!change || !change->health) return "null";
  std::string since;
  AppendJsonTime(change->utc_ns, since);
  const HealthChange& health = *change->health;
  return fmt::format(R"({{"state":"{}","since":{},"rule":"{}","incident":{},"seq":{},"uid":{},"reason":{}}})",
                     Name(health.to), since, Name(health.rule), NumberOrNull(change->incident), change->seq,
                     NumberOrNull(health.uid), health.reason ? Quoted(*health.reason) : "null");
}

std::string Json(const std::optional<KnownHistory>& history) {
  if (!history) return "null";
  return fmt::format(R"({{"errors":{},"notifications":{},"first":{},"last":{},"daemon":{}}})", history->errors,
                     history->notifications, Json(history->first), Json(history->last), JsonOfState(history->health));
}

// Whether it can be written, as far as its own line in the mount table says.
std::string_view ModeOf(const FilesystemStatus& status) {
  if (status.super_options.empty()) return "null";
  return status.evidence.mount == MountState::kWritable ? "\"rw\"" : "\"ro\"";
}

std::string Json(const FilesystemStatus& status, const Host& host, int64_t now_utc_ns) {
  std::string time;
  AppendJsonTime(now_utc_ns, time);
  std::string filesystem;
  AppendJsonFilesystem(status.info, filesystem);
  const auto& counters = status.evidence.counters;
  std::string json = fmt::format(R"({{"v":1,"time":{},"boot":{},"filesystem":{},"state":"{}","state_from":"{}",)", time,
                                 QuotedOrNull(host.boot_id), filesystem, Name(status.health),
                                 status.is_daemons ? "daemon" : "filesystem");
  json += fmt::format(R"("mode":{},"options":{},)", ModeOf(status), QuotedOrNull(status.super_options));
  json += fmt::format(R"("errors":{},"warnings":{},"first":{},"last":{},"details":{},)",
                      counters ? std::to_string(counters->errors) : "null",
                      counters && status.counts_warnings ? std::to_string(counters->warnings) : "null",
                      Json(counters ? counters->first : std::nullopt), Json(counters ? counters->last : std::nullopt),
                      Json(status.details));
  return json + fmt::format(R"("read":{},"not_read":{},"next":{},"history":{}}})", List(status.read),
                            List(status.not_read), List(StepsOf(status)), Json(status.history));
}

}  // namespace

int StatusExitCode(const std::vector<FilesystemStatus>& statuses) {
  size_t findings = 0;
  size_t refused = 0;
  size_t well = 0;
  for (const FilesystemStatus& status : statuses) {
    if (IsFinding(status.health)) ++findings;
    if (status.health == HealthState::kUnknown && status.refused) ++refused;
    if (status.health == HealthState::kWell) ++well;
  }
  if (findings == 0) return kExitOk;
  return findings == refused && well == 0 ? kExitNotPermitted : kExitFindings;
}

std::string StatusText(const std::vector<FilesystemStatus>& statuses, bool verbose, bool color) {
  if (statuses.empty()) return "no file system with storage is mounted\n";
  Table table(Measure(statuses), color);
  table.Heading();
  for (const FilesystemStatus& status : statuses) {
    table.Row(status);
    AddOccurrences(status, table);
    AddDaemonsWord(status, verbose, table);
    if (verbose) AddDetails(status, table);
  }
  return table.Take();
}

std::string StatusJson(const std::vector<FilesystemStatus>& statuses, const Host& host, int64_t now_utc_ns) {
  std::string json;
  for (const FilesystemStatus& status : statuses) json += Json(status, host, now_utc_ns) + "\n";
  return json;
}

}  // namespace fsherald
