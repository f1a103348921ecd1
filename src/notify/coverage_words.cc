// SPDX-License-Identifier: MIT
#include "notify/coverage_words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "base/text.h"

namespace fsherald {
namespace {

constexpr size_t kMaxListed = 20;

std::string FilesystemWords(const WatchedFilesystem& watched) {
  std::string mounts = watched.info.mounts.empty() ? "(mounted in another namespace)" : watched.info.mounts.front();
  if (watched.info.mounts.size() > 1) mounts += fmt::format(" and {} more", watched.info.mounts.size() - 1);
  return fmt::format("  {:<6} {:<10} {}  by {}\n", ForTerminal(watched.info.type), ForTerminal(watched.info.device),
                     ForTerminal(mounts), SourceWords(watched.coverage));
}

}  // namespace

std::string SourceWords(const JoinCoverage& coverage) {
  std::vector<std::string_view> names;
  if (coverage.fanotify) names.push_back("fanotify");
  if (coverage.trace) names.push_back("trace");
  if (coverage.lines) names.push_back("kmsg");
  if (coverage.counters) names.push_back("counters");
  if (coverage.health) names.push_back("health");
  if (coverage.server) names.push_back("its server's process");
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

std::string CoverageWords(const Monitor& monitor) {
  std::vector<WatchedFilesystem> watched = monitor.watched();
  std::string words = fmt::format("watching {} file system{}{}\n", watched.size(), watched.size() == 1 ? "" : "s",
                                  watched.empty() ? "; new mounts are watched as they come" : "");
  for (size_t i = 0; i < std::min(watched.size(), kMaxListed); ++i) words += FilesystemWords(watched[i]);
  if (watched.size() > kMaxListed) words += fmt::format("  and {} more\n", watched.size() - kMaxListed);
  for (const SourceReport& source : monitor.sources())
    words +=
        fmt::format("{} {}: {}\n", source.active ? "source" : "without", Name(source.id), ForTerminal(source.words));
  std::map<std::string, size_t> lacks;  // the same sentence once, with how many it is true of
  for (const WatchedFilesystem& one : watched)
    for (const std::string& lack : one.lacks) ++lacks[lack];
  for (const auto& [lack, count] : lacks)
    words += fmt::format("not seen: {}{}\n", ForTerminal(lack),
                         count == watched.size() ? "" : fmt::format(" ({} of {} file systems)", count, watched.size()));
  return words;
}

}  // namespace fsherald
