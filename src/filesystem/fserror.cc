// SPDX-License-Identifier: MIT
#include "filesystem/fserror.h"

#include <cerrno>
#include <string>

#include "filesystem/log_pattern.h"
#include "filesystem/page_cache.h"
#include "filesystem/stack_frame.h"

namespace fsherald {
namespace {

constexpr std::string_view kPrefixes[] = {": lost file I/O error report for ino ",
                                          ": lost filesystem error report for type "};
constexpr std::string_view kPatterns[] = {
    "{device:s}: lost file I/O error report for ino {inode} type {*} error {errno}",
    "{device:s}: lost filesystem error report for type {*} error {errno}"};

// Linux, include/linux/fserror.h, enum fserror_type.
constexpr Kind kKinds[] = {
    Kind::kDataRead,   // FSERR_BUFFERED_READ
    Kind::kWriteback,  // FSERR_BUFFERED_WRITE
    Kind::kDataRead,   // FSERR_DIRECTIO_READ
    Kind::kDataWrite,  // FSERR_DIRECTIO_WRITE
    Kind::kDevice,     // FSERR_DATA_LOST: the device says so by itself
    Kind::kMetadata,   // FSERR_METADATA
};

std::string TopicOf(Kind kind, uint64_t inode) {
  if (kind == Kind::kWriteback) return WritebackTopic(inode);
  return std::string("report of inode ").append(std::to_string(inode)).append(", ").append(Name(kind));
}

}  // namespace

std::span<const std::string_view> FserrorPrefixes() { return kPrefixes; }

std::optional<ErrorReport> ParseFserrorLine(std::string_view line) {
  for (std::string_view pattern : kPatterns) {
    ErrorReport report;
    std::string_view rest;
    if (!MatchPattern(pattern, line, report, rest)) continue;
    report.meaning = ErrorReport::Meaning::kLost;
    report.message = line;
    return report;
  }
  return std::nullopt;
}

std::optional<ErrorReport> ParseFserrorEvent(const TraceEvent& event) {
  const auto [type, inode, generation, position, length, code] = event.values;
  if (type >= std::size(kKinds)) return std::nullopt;
  // ext4's own tracepoint fires just before.
  if (kKinds[type] == Kind::kMetadata && ModuleOf(event.filesystem_type).reporter != nullptr) return std::nullopt;
  ErrorReport report{.kind = kKinds[type]};
  if (code > 0 && code <= 4095) report.code = static_cast<int>(code);
  if (report.kind == Kind::kMetadata && report.code == ESHUTDOWN)
    report.kind = Kind::kShutdown;  // not of any structure
  report.echo = ErrorReport::Echo::kCall;
  report.task_is_any = report.kind == Kind::kWriteback;
  if (inode == 0) {
    report.topic = "report of the file system";
    return report;
  }
  report.inode = inode;
  report.generation = static_cast<uint32_t>(generation);
  report.topic = TopicOf(report.kind, inode);
  if (report.kind == Kind::kMetadata) return report;
  report.range = Range{.offset_bytes = position};
  if (length > 0) report.range->length_bytes = length;
  return report;
}

bool IsFserrorHelper(std::string_view function) { return FrameFunction(function) == "fserror_report"; }

}  // namespace fsherald
