// SPDX-License-Identifier: MIT
#include "filesystem/filesystem.h"

#include <algorithm>

#include "filesystem/block_layer.h"
#include "filesystem/btrfs.h"
#include "filesystem/ext4.h"
#include "filesystem/general.h"
#include "filesystem/page_cache.h"
#include "filesystem/stack_frame.h"

namespace fsherald {
namespace {

// ": words" is what follows a device's name.
bool BeginsAs(std::string_view line, std::string_view prefix) {
  if (!prefix.starts_with(": ")) return line.starts_with(prefix);
  const size_t colon = line.find(':');
  return colon != std::string_view::npos && line.substr(0, colon).find(' ') == std::string_view::npos &&
         line.substr(colon).starts_with(prefix);
}

bool BeginsAsAny(std::string_view line, std::span<const std::string_view> prefixes) {
  return std::ranges::any_of(prefixes, [&](std::string_view prefix) { return BeginsAs(line, prefix); });
}

}  // namespace

std::span<const FilesystemModule> FilesystemModules() {
  static const FilesystemModule kModules[] = {
      Ext4Module(),
      BtrfsModule(),
  };
  return kModules;
}

const FilesystemModule* FindFilesystemModule(std::string_view type) {
  for (const FilesystemModule& module : FilesystemModules()) {
    if (module.type == type) return &module;
  }
  return nullptr;
}

const FilesystemModule& ModuleOf(std::string_view type) {
  static const FilesystemModule kGeneral = GeneralModule();
  const FilesystemModule* module = FindFilesystemModule(type);
  return module != nullptr ? *module : kGeneral;
}

std::optional<ParsedLog> ParseLog(std::string_view line) {
  for (const FilesystemModule& module : FilesystemModules()) {
    if (!BeginsAsAny(line, module.log_prefixes)) continue;
    std::optional<ErrorReport> report = module.parse_log(line);
    if (!report) return std::nullopt;
    report->filesystem_type = module.type;
    return ParsedLog{&module, std::move(*report)};
  }
  std::optional<ErrorReport> report =
      BeginsAsAny(line, PageCachePrefixes()) ? ParsePageCacheLine(line) : ParseBlockLayerLine(line);
  if (!report) return std::nullopt;
  return ParsedLog{nullptr, std::move(*report)};
}

std::vector<std::string_view> LogPrefixes() {
  std::vector<std::string_view> prefixes;
  auto add = [&](std::span<const std::string_view> more) { prefixes.insert(prefixes.end(), more.begin(), more.end()); };
  for (const FilesystemModule& module : FilesystemModules()) add(module.log_prefixes);
  add(BlockLayerPrefixes());
  add(PageCachePrefixes());
  return prefixes;
}

std::optional<ErrorReport> ParseEvent(const TraceEvent& event) {
  if (event.point == TracePoint::kBlockError) return ParseBlockEvent(event);
  if (event.point == TracePoint::kWritebackError) return ParseWritebackEvent(event);
  const FilesystemModule& module = ModuleOf(event.filesystem_type);
  if (module.parse_event == nullptr) return std::nullopt;
  std::optional<ErrorReport> report = module.parse_event(event);
  if (report) report->filesystem_type = module.type;
  return report;
}

bool IsReportingFrame(std::string_view function) {
  if (IsTracingMachinery(function)) return true;
  return std::ranges::any_of(FilesystemModules(), [&](const FilesystemModule& module) {
    return module.is_reporting_helper != nullptr && module.is_reporting_helper(function);
  });
}

bool IsUserLine(std::span<const std::string> stack) {
  return std::ranges::any_of(stack, [](const std::string& frame) { return FrameFunction(frame) == "devkmsg_write"; });
}

}  // namespace fsherald
