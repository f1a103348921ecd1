// SPDX-License-Identifier: MIT
#include "filesystem/filesystem.h"

#include <algorithm>

#include "filesystem/block_layer.h"
#include "filesystem/btrfs.h"
#include "filesystem/disk_types.h"
#include "filesystem/ext4.h"
#include "filesystem/fserror.h"
#include "filesystem/general.h"
#include "filesystem/image_types.h"
#include "filesystem/layer_types.h"
#include "filesystem/page_cache.h"
#include "filesystem/stack_frame.h"
#include "filesystem/xfs.h"

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

// A line that any file system's error can bring.
std::optional<ErrorReport> ParseCommonLine(std::string_view line) {
  if (BeginsAsAny(line, PageCachePrefixes())) return ParsePageCacheLine(line);
  if (BeginsAsAny(line, FserrorPrefixes())) return ParseFserrorLine(line);
  return ParseBlockLayerLine(line);
}

// Types that the code of another one serves, under its name in all that it prints.
struct Alias {
  std::string_view type;
  std::string_view serving;
};
constexpr Alias kAliases[] = {
    {"ext2", "ext4"}, {"ext3", "ext4"}, {"msdos", "vfat"}, {"ntfs", "ntfs3"}, {"nfs4", "nfs"}, {"fuseblk", "fuse"},
};

std::string_view ServingType(std::string_view type) {
  if (type.starts_with("fuse.") || type.starts_with("fuseblk.")) return "fuse";  // a subtype, named by whoever mounts
  auto alias = std::ranges::find(kAliases, type, &Alias::type);
  return alias == std::end(kAliases) ? type : alias->serving;
}

}  // namespace

std::span<const FilesystemModule> FilesystemModules() {
  static const FilesystemModule kModules[] = {
      Ext4Module(),
      BtrfsModule(),
      XfsModule(),
      TableModule<kF2fs>(),
      TableModule<kVfat>(),
      TableModule<kExfat>(),
      TableModule<kNtfs3>(),
      TableModule<kErofs>(),
      TableModule<kSquashfs>(),
      TableModule<kIso9660>(),
      TableModule<kUdf>(),
      TableModule<kOverlay>(),
      TableModule<kNfs>(),
      TableModule<kFuse>(),
  };
  return kModules;
}

const FilesystemModule* FindFilesystemModule(std::string_view type) {
  type = ServingType(type);
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
  std::optional<ErrorReport> report = ParseCommonLine(line);
  if (!report) return std::nullopt;
  return ParsedLog{nullptr, std::move(*report)};
}

std::vector<std::string_view> LogPrefixes() {
  std::vector<std::string_view> prefixes;
  auto add = [&](std::span<const std::string_view> more) { prefixes.insert(prefixes.end(), more.begin(), more.end()); };
  for (const FilesystemModule& module : FilesystemModules()) add(module.log_prefixes);
  add(BlockLayerPrefixes());
  add(PageCachePrefixes());
  add(FserrorPrefixes());
  return prefixes;
}

std::optional<ErrorReport> ParseEvent(const TraceEvent& event) {
  if (event.point == TracePoint::kBlockError) return ParseBlockEvent(event);
  if (event.point == TracePoint::kWritebackError) return ParseWritebackEvent(event);
  if (event.point == TracePoint::kFserror) return ParseFserrorEvent(event);
  const FilesystemModule& module = ModuleOf(event.filesystem_type);
  if (module.parse_event == nullptr) return std::nullopt;
  std::optional<ErrorReport> report = module.parse_event(event);
  if (report) report->filesystem_type = module.type;
  return report;
}

bool IsReportingFrame(std::string_view function) {
  if (IsTracingMachinery(function) || IsWorkerMachinery(function) || IsPageCacheHelper(function) ||
      IsFserrorHelper(function))
    return true;
  return std::ranges::any_of(FilesystemModules(), [&](const FilesystemModule& module) {
    return module.is_reporting_helper != nullptr && module.is_reporting_helper(function);
  });
}

bool IsCompletion(std::span<const std::string> stack) {
  // Linux, fs/xfs/xfs_buf.c, xfs_buf_ioend_work(), which may leave by a jump: before 6.14 all reads are verified there, later
  // only those that nobody waits for.
  auto is_completion = [](std::string_view function) {
    return function.starts_with("xfs_buf_ioend") || function == "__xfs_buf_ioend";
  };
  for (size_t i = 0; i + 1 < stack.size(); ++i)
    if (is_completion(FrameFunction(stack[i])) && FrameFunction(stack[i + 1]) == "process_one_work") return true;
  return false;
}

bool IsReadAhead(std::span<const std::string> stack) {
  // Linux, mm/readahead.c: read_pages() calls all file systems, and may stand inlined in who calls it.
  auto is_read_ahead = [](std::string_view function) {
    return function == "read_pages" || function.starts_with("page_cache_ra_") ||
           std::ranges::any_of(FilesystemModules(), [&](const FilesystemModule& module) {
             return module.is_read_ahead != nullptr && module.is_read_ahead(function);
           });
  };
  return std::ranges::any_of(stack, [&](const std::string& frame) { return is_read_ahead(FrameFunction(frame)); });
}

bool IsUserLine(std::span<const std::string> stack) {
  return std::ranges::any_of(stack, [](const std::string& frame) { return FrameFunction(frame) == "devkmsg_write"; });
}

bool IsMounting(std::span<const std::string> stack) {
  return std::ranges::any_of(stack, [](const std::string& frame) { return FrameFunction(frame) == "vfs_get_tree"; });
}

}  // namespace fsherald
