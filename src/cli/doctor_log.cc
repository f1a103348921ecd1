// SPDX-License-Identifier: MIT
#include "cli/doctor_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace fsherald {
namespace {

std::string Words(const ErrorReport& message) {
  std::string words = message.function;
  if (message.line) words += fmt::format(":{}", *message.line);
  if (!words.empty()) words += ": ";
  if (message.inode) words += fmt::format("inode {}: ", *message.inode);
  if (message.block) words += fmt::format("block {}: ", *message.block);
  words += message.message;
  if (!message.comm.empty()) words += fmt::format(" (by {})", message.comm);
  return words;
}

// Whether it is the same line again, of the same mounting.
bool IsSame(const PastLine& line, const ErrorReport& message, const std::string& words) {
  return !line.earlier && line.device == message.device && line.words == words;
}

void Add(const ErrorReport& message, int64_t utc_ns, std::vector<PastLine>& lines) {
  std::string words = Words(message);
  auto same = std::ranges::find_if(lines, [&](const PastLine& line) { return IsSame(line, message, words); });
  if (same == lines.end()) {
    lines.push_back({.device = message.device,
                     .words = std::move(words),
                     .first_utc_ns = utc_ns,
                     .reminder = message.meaning == ErrorReport::Meaning::kPast});
    same = std::prev(lines.end());
  }
  ++same->count;
  same->last_utc_ns = utc_ns;
}

}  // namespace

std::vector<PastLine> GatherPast(const std::vector<KmsgEvent>& events, int64_t utc_at_boot_ns) {
  std::vector<PastLine> lines;
  for (const KmsgEvent& event : events) {
    if (!event.signal.trusted) continue;
    const ErrorReport& message = event.signal.report;
    switch (message.meaning) {
      case ErrorReport::Meaning::kError:
      case ErrorReport::Meaning::kPast:
        Add(message, utc_at_boot_ns + static_cast<int64_t>(event.signal.boottime_ns), lines);
        break;
      case ErrorReport::Meaning::kUnmounted:
        for (PastLine& line : lines) line.earlier = line.earlier || line.device == message.device;
        break;
      case ErrorReport::Meaning::kMounted:
      case ErrorReport::Meaning::kAddition:
      case ErrorReport::Meaning::kLost:
      case ErrorReport::Meaning::kScrubBegan:
      case ErrorReport::Meaning::kScrubEnded: break;
    }
  }
  std::ranges::stable_sort(lines, {}, &PastLine::last_utc_ns);
  return lines;
}

}  // namespace fsherald
