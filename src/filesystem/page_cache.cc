// SPDX-License-Identifier: MIT
#include "filesystem/page_cache.h"

#include <algorithm>
#include <cerrno>

#include "filesystem/line_scanner.h"
#include "filesystem/stack_frame.h"

namespace fsherald {
namespace {

constexpr std::string_view kPrefixes[] = {": writeback error on inode "};

// The file systems' own hidden inodes: of the buffer cache, and of btrfs's trees (BTRFS_BTREE_INODE_OBJECTID).
bool IsFile(const TraceEvent& event) {
  return event.filesystem_type != "bdev" && !(event.filesystem_type == "btrfs" && event.values[1] == 1);
}

// Whether it is found by who writes the file's pages back, and not by a request that has ended: one page after the other cannot
// be written, and for each the file system may look something up and print lines (XFS on 6.1: 256 times for 1 MiB).
bool IsOfPass(const TraceEvent& event) {
  return std::ranges::any_of(event.stack,
                             [](const std::string& frame) { return FrameFunction(frame) == "do_writepages"; });
}

}  // namespace

bool IsPageCacheHelper(std::string_view function) {
  return function == "__filemap_set_wb_err" || function == "filemap_set_wb_err" || function == "mapping_set_error";
}

std::string WritebackTopic(uint64_t inode) { return "write-back of inode " + std::to_string(inode); }

std::span<const std::string_view> PageCachePrefixes() { return kPrefixes; }

std::optional<ErrorReport> ParsePageCacheLine(std::string_view line) {
  LineScanner scanner(line);
  const std::optional<std::string_view> device = scanner.Until(": writeback error on inode ");
  const std::optional<uint64_t> inode = scanner.Number();
  const std::optional<uint64_t> offset = scanner.NumberBetween(", offset ", "");
  const std::optional<uint64_t> sector = scanner.NumberBetween(", sector ", "");
  if (!device || device->empty() || !inode) return std::nullopt;
  ErrorReport report{.device = std::string(*device),
                     .kind = Kind::kWriteback,
                     .code = EIO,
                     .inode = inode,
                     .message = std::string(line),
                     .topic = WritebackTopic(*inode),
                     .task_is_any = true};
  if (offset) report.range = Range{.offset_bytes = *offset};
  if (sector) report.device_error = DeviceError{.operation = DeviceError::Operation::kWrite, .sector = sector};
  return report;
}

std::optional<ErrorReport> ParseWritebackEvent(const TraceEvent& event) {
  if (!IsFile(event)) return std::nullopt;
  ErrorReport report{.kind = Kind::kWriteback, .inode = event.values[1]};
  if (event.values[0] != 0) report.code = static_cast<int>(event.values[0]);
  report.generation = static_cast<uint32_t>(event.values[2]);
  report.topic = WritebackTopic(event.values[1]);
  report.more = IsOfPass(event);
  report.task_is_any = true;
  return report;
}

}  // namespace fsherald
