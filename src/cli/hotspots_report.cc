// SPDX-License-Identifier: MIT
//
//     2026-11-18 00:00:00 to 2026-11-20 11:00:00, errors by function and line
//     WHERE                              ERRORS  SHARE  OVER TIME                 LAST
//     ext4_lookup:1855     ##########       120    75%  ...#...............:-=@@  2026-11-20 10:31:09
#include "cli/hotspots_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/styles.h"
#include "base/text.h"
#include "cli/paragraphs.h"
#include "cli/time_text.h"
#include "record/json.h"

namespace fsherald {
namespace {

using namespace styles;
constexpr size_t kBarColumns = 16;

// U+2581 to U+2588, an eighth of a column more each; and U+258F to U+2589 with U+2588, an eighth of a line more each.
constexpr std::array<std::string_view, 8> kRising = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::array<std::string_view, 8> kGrowing = {"▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
constexpr std::string_view kAscii = ".:-=+*#@";

std::string Styled(std::string_view style, std::string_view text, bool color) {
  return color ? fmt::format("{}{}{}", style, text, kNormal) : std::string(text);
}

// `value` of `greatest` in steps, rounded up: only nothing is nothing. No product that could overflow.
uint64_t StepsOf(uint64_t value, uint64_t greatest, uint64_t steps) {
  if (value == 0 || greatest == 0) return 0;
  const auto share = static_cast<double>(value) / static_cast<double>(greatest) * static_cast<double>(steps);
  return std::clamp<uint64_t>(static_cast<uint64_t>(share + 0.999999), 1, steps);
}

std::string_view Heading(History::By by) {
  switch (by) {
    case History::By::kLocation: return "FUNCTION:LINE";
    case History::By::kFilesystem: return "FILE SYSTEM";
    case History::By::kDevice: return "DEVICE";
    case History::By::kInode: return "INODE";
    case History::By::kKernel: return "KERNEL";
  }
  return "";
}

std::string_view WordsOf(History::By by) {
  switch (by) {
    case History::By::kLocation: return "function and line";
    case History::By::kFilesystem: return "file system";
    case History::By::kDevice: return "device";
    case History::By::kInode: return "file system and inode";
    case History::By::kKernel: return "kernel";
  }
  return "";
}

std::string KeyOf(const History::Hotspot& spot) {
  if (spot.is_rest) return "(all others)";
  return spot.key.empty() ? "(not known)" : ForTerminal(spot.key);
}

// For shares alone: as many as there are may be too many for an integer.
double Sum(const History::Hotspots& spots) {
  double sum = 0;
  for (const History::Hotspot& spot : spots.spots) sum += static_cast<double>(spot.errors);
  return sum;
}

std::string ShareOf(uint64_t errors, double all) {
  if (all <= 0) return "-";
  const double percent = 100.0 * static_cast<double>(errors) / all;
  return percent > 0 && percent < 1 ? "<1%" : fmt::format("{:.0f}%", percent);
}

std::string Padded(const std::string& text, size_t columns) {
  return text + std::string(columns - std::min(columns, ColumnsOf(text)), ' ');
}

// A string, or null.
std::string JsonWord(std::string_view raw) {
  if (raw.empty()) return "null";
  std::string text;
  AppendJsonString(raw, text);
  return text;
}

std::string JsonTime(int64_t utc_ns) {
  std::string time;
  AppendJsonTime(utc_ns, time);
  return time;
}

template <typename T>
std::string JsonNumber(const std::optional<T>& number) {
  return number ? std::to_string(*number) : "null";
}

std::string JsonList(const std::vector<uint64_t>& numbers) {
  std::string list = "[";
  for (const uint64_t number : numbers) list += fmt::format("{}{}", list.size() > 1 ? "," : "", number);
  return list + "]";
}

}  // namespace

std::string_view Name(History::By by) {
  switch (by) {
    case History::By::kLocation: return "function";
    case History::By::kFilesystem: return "filesystem";
    case History::By::kDevice: return "device";
    case History::By::kInode: return "inode";
    case History::By::kKernel: return "kernel";
  }
  return "";
}

std::string Sparkline(const std::vector<uint64_t>& values, bool unicode) {
  const uint64_t greatest = values.empty() ? 0 : *std::ranges::max_element(values);
  std::string line;
  for (const uint64_t value : values) {
    const uint64_t step = StepsOf(value, greatest, kRising.size());
    if (step == 0) line += ' ';
    else if (unicode) line += kRising[step - 1];
    else line += kAscii[step - 1];
  }
  return line;
}

std::string Bar(uint64_t value, uint64_t greatest, size_t columns, bool unicode) {
  if (!unicode) return std::string(StepsOf(value, greatest, columns), '#');
  const uint64_t eighths = StepsOf(value, greatest, columns * 8);
  std::string bar;
  for (uint64_t i = 0; i < eighths / 8; ++i) bar += kGrowing[7];
  if (eighths % 8 != 0) bar += kGrowing[eighths % 8 - 1];
  return bar;
}

std::string HotspotsText(History::By by, const History::Hotspots& spots, const HotspotsLook& look) {
  if (spots.spots.empty()) return "";
  size_t key_columns = Heading(by).size();
  size_t slices = 9;
  uint64_t greatest = 0;
  for (const History::Hotspot& spot : spots.spots) {
    key_columns = std::max(key_columns, std::min<size_t>(ColumnsOf(KeyOf(spot)), 60));
    slices = std::max(slices, spot.over_time.size());
    greatest = std::max(greatest, spot.errors);
  }
  const double all = Sum(spots);
  std::string text = fmt::format("errors by {}, from {} to {}\n", WordsOf(by), LocalTimeText(spots.from_utc_ns),
                                 LocalTimeText(spots.to_utc_ns));
  text += Styled(kDim,
                 fmt::format("{:<{}}  {:<{}}  {:>8}  {:>5}  {:<{}}  LAST", Heading(by), key_columns, "", kBarColumns,
                             "ERRORS", "SHARE", "OVER TIME", slices),
                 look.color) +
          "\n";
  for (const History::Hotspot& spot : spots.spots) {
    const std::string bar = Padded(Bar(spot.errors, greatest, kBarColumns, look.unicode), kBarColumns);
    text += fmt::format("{}  {}  {:>8}  {:>5}  {}  {}\n", Padded(KeyOf(spot), key_columns),
                        Styled(kRed, bar, look.color), spot.errors, ShareOf(spot.errors, all),
                        Padded(Sparkline(spot.over_time, look.unicode), slices), LocalTimeText(spot.last_utc_ns));
  }
  return text;
}

std::string HotspotsJson(History::By by, const History::Hotspots& spots) {
  std::string json;
  for (const History::Hotspot& spot : spots.spots) {
    json += fmt::format(R"({{"v":1,"by":"{}","key":{},"rest":{},"function":{},"line":{},"type":{},"device":{},)",
                        Name(by), JsonWord(spot.key), spot.is_rest, JsonWord(spot.function), JsonNumber(spot.line),
                        JsonWord(spot.type), JsonWord(spot.device));
    json += fmt::format(R"("uuid":{},"inode":{},"kernel":{},"errors":{},"notifications":{},)",
                        JsonWord(spot.uuid ? ToString(*spot.uuid) : std::string()), JsonNumber(spot.inode),
                        JsonWord(spot.kernel), spot.errors, spot.notifications);
    json += fmt::format(R"("first_seq":{},"last_seq":{},"first":{},"last":{},"from":{},"to":{},"over_time":{}}})",
                        spot.first_seq, spot.last_seq, JsonTime(spot.first_utc_ns), JsonTime(spot.last_utc_ns),
                        JsonTime(spots.from_utc_ns), JsonTime(spots.to_utc_ns), JsonList(spot.over_time));
    json += '\n';
  }
  return json;
}

}  // namespace fsherald
