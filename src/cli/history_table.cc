// SPDX-License-Identifier: MIT
//
//     TIME                  ID  FILE SYSTEM  KIND      ERRNO    COUNT  WHERE             WHAT
//     2026-11-20 10:31:07   41  ext4 loop0   metadata  EUCLEAN      3  ext4_lookup:1855  /data/d/f
#include "cli/history_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/styles.h"
#include "base/text.h"
#include "cli/paragraphs.h"
#include "cli/time_text.h"
#include "record/json.h"
#include "record/text.h"

namespace fsherald {
namespace {

using namespace styles;

constexpr std::array<std::string_view, 8> kHeadings = {"TIME",  "ID",    "FILE SYSTEM", "KIND",
                                                       "ERRNO", "COUNT", "WHERE",       "WHAT"};
constexpr size_t kKindColumn = 3;
constexpr size_t kWidest = 40;  // a column that is wider would push the next ones off the screen
constexpr bool IsRight(size_t column) { return column == 1 || column == 5; }

std::string_view StyleOf(const Notification& n) {
  if (IsHealthyAgain(n) || (n.health && n.health->to == HealthState::kWell)) return kGreen;
  return n.corrected || !n.trusted || n.kind == Kind::kGap || n.kind == Kind::kHealth ? kYellow : kRed;
}

std::string FilesystemWords(const FilesystemInfo& filesystem) {
  std::string words = ForTerminal(filesystem.type);
  if (!filesystem.device.empty()) words += (words.empty() ? "" : " ") + ForTerminal(filesystem.device);
  return words.empty() ? "-" : words;
}

std::string KindWords(const Notification& n) {
  std::string words(Name(n.kind));
  if (IsHealthyAgain(n)) return words + ", healthy again";
  if (n.corrected) words += ", corrected";
  if (!n.trusted) words += ", unverified";
  return words;
}

std::string ErrnoWord(const std::optional<int>& code) {
  if (!code) return "-";
  const char* name = ::strerrorname_np(*code);
  return name != nullptr ? name : std::to_string(*code);
}

std::string PlaceWords(const std::optional<Location>& location) {
  if (!location || location->function.empty()) return "-";
  std::string words = ForTerminal(location->function);
  if (location->line) words += fmt::format(":{}", *location->line);
  return words;
}

std::string DeviceWords(const DeviceError& error) {
  const std::string_view operation = Name(error.operation);
  std::string words = error.device.empty() ? "device" : ForTerminal(error.device);
  words += fmt::format(": {}", operation.empty() ? "request" : operation);
  if (error.sector) words += fmt::format(" at sector {}", *error.sector);
  return words;
}

// The most telling that is known: the file, the place on the device, the words.
std::string WhatWords(const Notification& n) {
  if (n.kind == Kind::kGap && n.gap) {
    if (!n.gap->count) return fmt::format("reports lost by {}", Name(n.gap->source));
    return fmt::format("{}{} lost by {}", n.gap->exact ? "" : "at least ", *n.gap->count, Name(n.gap->source));
  }
  if (n.kind == Kind::kHealth && n.health)
    return fmt::format("{}, was {} ({})", Name(n.health->to), Name(n.health->from), Name(n.health->rule));
  if (n.object && n.object->path) return ForTerminal(*n.object->path);
  if (n.object && n.object->inode) return fmt::format("inode {}", *n.object->inode);
  if (n.device_error) return DeviceWords(*n.device_error);
  if (n.specific && n.specific->message) return ForTerminal(*n.specific->message);
  return "";
}

// A field of CSV: in quotes where it must be.
std::string Quoted(std::string_view raw) {
  std::string field = ForTerminal(raw);
  const bool has_edge_space = field.starts_with(' ') || field.ends_with(' ');
  if (field.find_first_of(",\"") == std::string::npos && !has_edge_space) return field;
  std::string quoted = "\"";
  for (const char c : field) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string TimeField(int64_t utc_ns) {
  std::string time;
  AppendJsonTime(utc_ns, time);
  return time.substr(1, time.size() - 2);  // without its quotes
}

template <typename T>
std::string NumberField(const std::optional<T>& number) {
  return number ? std::to_string(*number) : "";
}
template <typename T>
std::string TextField(const std::optional<T>& value) {
  return value ? ToString(*value) : "";
}
std::string BoolField(bool value) { return value ? "true" : "false"; }

struct CsvColumn {
  std::string_view name;
  std::string (*field)(const Entry& entry);  // as it stands in the file, but for the quotes
};

const Notification& Of(const Entry& entry) { return entry.notification; }

// docs/history.md has this table. Columns may be added at its end; none is moved, renamed or removed.
constexpr CsvColumn kCsvColumns[] = {
    {"id", [](const Entry& e) { return std::to_string(Of(e).seq); }},
    {"time", [](const Entry& e) { return TimeField(Of(e).utc_ns); }},
    {"boot", [](const Entry& e) { return e.host.boot_id; }},
    {"type", [](const Entry& e) { return Of(e).filesystem.type; }},
    {"device", [](const Entry& e) { return Of(e).filesystem.device; }},
    {"uuid", [](const Entry& e) { return TextField(Of(e).filesystem.uuid); }},
    {"mount",
     [](const Entry& e) { return Of(e).filesystem.mounts.empty() ? std::string() : Of(e).filesystem.mounts.front(); }},
    {"kind", [](const Entry& e) { return std::string(Name(Of(e).kind)); }},
    {"origin", [](const Entry& e) { return std::string(Name(Of(e).origin)); }},
    {"corrected", [](const Entry& e) { return BoolField(Of(e).corrected); }},
    {"trusted", [](const Entry& e) { return BoolField(Of(e).trusted); }},
    {"errno", [](const Entry& e) { return NumberField(Of(e).error.code); }},
    {"name", [](const Entry& e) { return Of(e).error.code ? ErrnoWord(Of(e).error.code) : std::string(); }},
    {"count", [](const Entry& e) { return std::to_string(ErrorCount(Of(e))); }},
    {"function", [](const Entry& e) { return Of(e).location ? Of(e).location->function : std::string(); }},
    {"line", [](const Entry& e) { return Of(e).location ? NumberField(Of(e).location->line) : std::string(); }},
    {"kernel", [](const Entry& e) { return Of(e).origin == Origin::kKernel ? e.host.kernel_release : std::string(); }},
    {"inode", [](const Entry& e) { return Of(e).object ? NumberField(Of(e).object->inode) : std::string(); }},
    {"path", [](const Entry& e) { return Of(e).object ? Of(e).object->path.value_or("") : std::string(); }},
    {"offset", [](const Entry& e) { return Of(e).range ? std::to_string(Of(e).range->offset_bytes) : std::string(); }},
    {"length", [](const Entry& e) { return Of(e).range ? NumberField(Of(e).range->length_bytes) : std::string(); }},
    {"failed_device", [](const Entry& e) { return Of(e).device_error ? Of(e).device_error->device : std::string(); }},
    {"failed_operation",
     [](const Entry& e) {
       return Of(e).device_error ? std::string(Name(Of(e).device_error->operation)) : std::string();
     }},
    {"failed_sector",
     [](const Entry& e) { return Of(e).device_error ? NumberField(Of(e).device_error->sector) : std::string(); }},
    {"pid", [](const Entry& e) { return Of(e).task ? NumberField(Of(e).task->pid) : std::string(); }},
    {"comm", [](const Entry& e) { return Of(e).task ? Of(e).task->comm : std::string(); }},
    {"message", [](const Entry& e) { return Of(e).specific ? Of(e).specific->message.value_or("") : std::string(); }},
    {"sources", [](const Entry& e) { return SourceNames(Of(e).sources, " "); }},
    {"lost", [](const Entry& e) { return Of(e).gap ? NumberField(Of(e).gap->count) : std::string(); }},
    {"incident", [](const Entry& e) { return NumberField(Of(e).incident); }},
    {"state", [](const Entry& e) { return Of(e).health ? std::string(Name(Of(e).health->to)) : std::string(); }},
    {"notifications", [](const Entry& e) { return std::to_string(e.rows); }},
};

}  // namespace

HistoryTable::Cells HistoryTable::CellsOf(const Entry& entry) {
  const Notification& n = entry.notification;
  return {LocalTimeText(n.utc_ns),
          std::to_string(n.seq),
          FilesystemWords(n.filesystem),
          KindWords(n),
          n.gap || n.health ? "-" : ErrnoWord(n.error.code),
          std::to_string(ErrorCount(n)),
          PlaceWords(n.location),
          WhatWords(n)};
}

void HistoryTable::Measure(const Entry& entry) {
  const Cells cells = CellsOf(entry);
  for (size_t i = 0; i + 1 < kColumns; ++i) widths_[i] = std::max(widths_[i], std::min(ColumnsOf(cells[i]), kWidest));
}

std::string HistoryTable::Line(const Cells& cells, std::string_view style) const {
  std::string line;
  for (size_t i = 0; i < kColumns; ++i) {
    const size_t columns = ColumnsOf(cells[i]);
    const std::string padding(i + 1 < kColumns && columns < widths_[i] ? widths_[i] - columns : 0, ' ');
    const bool is_styled = color_ && i == kKindColumn && !style.empty();
    if (i > 0) line += "  ";
    if (IsRight(i)) line += padding;
    line += is_styled ? fmt::format("{}{}{}", style, cells[i], kNormal) : cells[i];
    if (!IsRight(i)) line += padding;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string HistoryTable::Heading() const {
  Cells cells;
  std::ranges::copy(kHeadings, cells.begin());
  const std::string line = Line(cells, "");
  return color_ ? fmt::format("{}{}{}\n", kDim, line.substr(0, line.size() - 1), kNormal) : line;
}

std::string HistoryTable::Row(const Entry& entry) const { return Line(CellsOf(entry), StyleOf(entry.notification)); }

std::string CsvHeading() {
  std::string line;
  for (const CsvColumn& column : kCsvColumns) line.append(line.empty() ? "" : ",").append(column.name);
  return line + "\r\n";
}

std::string CsvRow(const Entry& entry) {
  std::string line;
  std::string_view separator = "";
  for (const CsvColumn& column : kCsvColumns) {
    line.append(separator).append(Quoted(column.field(entry)));
    separator = ",";
  }
  return line + "\r\n";
}

}  // namespace fsherald
