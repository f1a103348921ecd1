// SPDX-License-Identifier: MIT
#include "filesystem/xfs_event.h"

#include <algorithm>
#include <cerrno>

#include "filesystem/stack_frame.h"
#include "filesystem/xfs_terms.h"

namespace fsherald {
namespace {

// Linux, fs/xfs/xfs_buf.h.
constexpr uint64_t kReadAhead = 1U << 2;
constexpr uint64_t kAsync = 1U << 4;
constexpr uint64_t kStale = 1U << 6;
constexpr uint64_t kWriteFailed = 1U << 7;

constexpr uint64_t kNoPlace = ~uint64_t{0};  // XFS_BUF_DADDR_NULL
constexpr uint64_t kNoGroup = ~uint64_t{0};  // of a device without allocation groups (bpf/xfs.bpf.c)

enum class Health { kSick, kCorrupt, kHealthy };

// Whether the innermost frames of XFS have this function.
bool IsReportedBy(const TraceEvent& event, std::string_view function) {
  constexpr size_t kFrames = 16;  // beyond the machinery of tracing
  const size_t count = std::min(event.stack.size(), kFrames);
  return std::any_of(event.stack.begin(), event.stack.begin() + static_cast<ptrdiff_t>(count),
                     [&](const std::string& frame) { return FrameFunction(frame) == function; });
}

ErrorReport ParseShutdown(const TraceEvent& event) {
  const uint64_t flags = event.values[1];
  ErrorReport report{.kind = Kind::kShutdown, .code = XfsShutdownCode(flags), .file = event.text};
  if (event.values[2] != 0) report.line = static_cast<uint32_t>(event.values[2]);
  SetXfsField(report, "domain", XfsDomainName(XfsDomain::kFilesystem));
  SetXfsField(report, "reason", XfsShutdownReason(flags));
  report.topic = kXfsShutdownTopic;
  report.part = kXfsEventPart;
  report.more = true;
  report.told_by_fanotify = true;
  return report;
}

// A mark comes last, after all that was said of the error in the same task: what the check itself found is there already.
// Only scrub marks what nobody has said a word about, as corrupt.
std::optional<ErrorReport> ParseMark(XfsDomain domain, Health health, const TraceEvent& event, std::string topic) {
  const uint64_t mask = event.values[0];
  if (health != Health::kCorrupt && mask == 0) return std::nullopt;  // folded: each has its lines
  ErrorReport report;
  SetXfsField(report, "domain", XfsDomainName(domain));
  SetXfsField(report, "sick", XfsSickWords(domain, mask));
  if (health == Health::kHealthy) {
    report.corrected = true;
    report.count = 0;
    return report;
  }
  report.code = EUCLEAN;  // who asked is told so, whatever the check found
  report.topic = std::move(topic);
  report.follows = health == Health::kSick;
  report.told_by_fanotify = true;
  return report;
}

std::optional<ErrorReport> ParseGroupMark(Health health, const TraceEvent& event) {
  const uint64_t group = event.values[1];
  const XfsDomain domain = event.values[2] == 0 ? XfsDomain::kGroup : XfsDomain::kRealtimeGroup;
  std::optional<ErrorReport> report = ParseMark(domain, health, event, XfsGroupTopic(domain, group));
  if (report) report->group = group;
  return report;
}

std::optional<ErrorReport> ParseInodeMark(Health health, const TraceEvent& event) {
  const uint64_t inode = event.values[1];
  std::optional<ErrorReport> report = ParseMark(XfsDomain::kInode, health, event, XfsInodeTopic(inode));
  if (!report) return std::nullopt;
  report->inode = inode;
  // It is 0 while the inode could not be read.
  if (event.values[2] != 0) report->generation = static_cast<uint32_t>(event.values[2]);
  return report;
}

std::optional<ErrorReport> ParseFilesystemMark(Health health, const TraceEvent& event) {
  return ParseMark(XfsDomain::kFilesystem, health, event, std::string(XfsDomainName(XfsDomain::kFilesystem)));
}

// "xfs_dir3_data" of "xfs_dir3_data_reada": while a block is read ahead it is checked less.
std::string_view StructureOf(std::string_view name) {
  for (std::string_view suffix : {"_reada", "_ra"})
    if (name.ends_with(suffix)) return name.substr(0, name.size() - suffix.size());
  return name;
}

// Which buffer: its place, what should be in it, and who reads or writes it.
ErrorReport OfBuffer(const TraceEvent& event) {
  const auto [code, daddr, length, flags, group, unused] = event.values;
  ErrorReport report;
  if (daddr != kNoPlace) {
    SetXfsField(report, "daddr", daddr);
    report.topic = XfsBufferTopic(daddr);
    if (group != kNoGroup) report.group = group;
  }
  SetXfsField(report, "length", length);
  SetXfsField(report, "structure", StructureOf(event.text));
  report.speculative = (flags & kReadAhead) != 0;
  report.task_is_any = (flags & (kReadAhead | kAsync)) != 0;
  return report;
}

std::optional<Range> RangeOfBuffer(uint64_t daddr, uint64_t length) {
  if (daddr > UINT64_MAX / 512 || length > UINT64_MAX / 512) return std::nullopt;
  return Range{.offset_bytes = daddr * 512, .length_bytes = length * 512};
}

std::optional<ErrorReport> ParseBufferError(const TraceEvent& event) {
  const auto [code, daddr, length, flags, group, unused] = event.values;
  if (code == 0 || code > 4095) return std::nullopt;  // folded: each has its lines, or its failed request
  // After a shutdown nothing is asked of the disk any more.
  if (code == EIO && ((flags & kStale) != 0 || IsReportedBy(event, "xfs_buf_ioend_fail"))) return std::nullopt;
  ErrorReport report = OfBuffer(event);
  report.code = static_cast<int>(code);
  // A write that failed is tried again at once: then it may repeat.
  if ((flags & kWriteFailed) == 0) report.part = kXfsEventPart;
  report.more = true;
  if (report.code == EUCLEAN || report.code == EBADMSG) return report;
  // The disk's own errors are known by where on the file system's device they were, and come in an interrupt.
  report.range = RangeOfBuffer(daddr, length);
  report.task_is_any = report.task_is_any || IsReportedBy(event, "xfs_buf_bio_end_io");
  return report;
}

std::optional<ErrorReport> ParseBtreeCorrupt(const TraceEvent& event) {
  if (event.values[2] == 0) return std::nullopt;  // folded: each has its lines
  ErrorReport report = OfBuffer(event);
  report.code = EUCLEAN;
  report.part = kXfsBtreePart;
  report.follows = true;
  report.more = true;
  return report;
}

}  // namespace

std::optional<ErrorReport> ParseXfsEvent(const TraceEvent& event) {
  switch (event.point) {
    case TracePoint::kXfsShutdown: return ParseShutdown(event);
    case TracePoint::kXfsFsSick: return ParseFilesystemMark(Health::kSick, event);
    case TracePoint::kXfsFsCorrupt: return ParseFilesystemMark(Health::kCorrupt, event);
    case TracePoint::kXfsFsHealthy: return ParseFilesystemMark(Health::kHealthy, event);
    case TracePoint::kXfsGroupSick: return ParseGroupMark(Health::kSick, event);
    case TracePoint::kXfsGroupCorrupt: return ParseGroupMark(Health::kCorrupt, event);
    case TracePoint::kXfsGroupHealthy: return ParseGroupMark(Health::kHealthy, event);
    case TracePoint::kXfsInodeSick: return ParseInodeMark(Health::kSick, event);
    case TracePoint::kXfsInodeCorrupt: return ParseInodeMark(Health::kCorrupt, event);
    case TracePoint::kXfsInodeHealthy: return ParseInodeMark(Health::kHealthy, event);
    case TracePoint::kXfsBufferError: return ParseBufferError(event);
    case TracePoint::kXfsBtreeCorrupt: return ParseBtreeCorrupt(event);
    // At the unmounting: what was told while it was mounted.
    case TracePoint::kXfsFsUnfixed:
    case TracePoint::kXfsGroupUnfixed:
    case TracePoint::kXfsInodeUnfixed: return std::nullopt;
    default: return std::nullopt;
  }
}

}  // namespace fsherald
