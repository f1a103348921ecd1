// SPDX-License-Identifier: MIT
#include "filesystem/xfs_health.h"

#include <cerrno>
#include <string>

#include "filesystem/fserror.h"
#include "filesystem/xfs_terms.h"

namespace fsherald {
namespace {

using Domain = XfsHealthEvent::Domain;
using Type = XfsHealthEvent::Type;

XfsDomain DomainOf(Domain domain) {
  switch (domain) {
    case Domain::kGroup: return XfsDomain::kGroup;
    case Domain::kRealtimeGroup: return XfsDomain::kRealtimeGroup;
    case Domain::kInode: return XfsDomain::kInode;
    default: return XfsDomain::kFilesystem;
  }
}

std::string TopicOf(const XfsHealthEvent& event) {
  const XfsDomain domain = DomainOf(event.domain);
  if (domain == XfsDomain::kInode) return XfsInodeTopic(event.inode);
  if (domain == XfsDomain::kFilesystem) return std::string(XfsDomainName(domain));
  return XfsGroupTopic(domain, event.group);
}

ErrorReport OfStructure(const XfsHealthEvent& event) {
  const XfsDomain domain = DomainOf(event.domain);
  ErrorReport report;
  SetXfsField(report, "domain", XfsDomainName(domain));
  SetXfsField(report, "sick", XfsGeometrySickWords(domain, event.mask));
  if (event.domain == Domain::kInode) report.inode = event.inode;
  // It is 0 while the inode could not be read.
  if (event.domain == Domain::kInode && event.generation != 0) report.generation = event.generation;
  if (event.domain == Domain::kGroup || event.domain == Domain::kRealtimeGroup) report.group = event.group;
  report.corrected = event.type == Type::kHealthy;
  if (report.corrected) {
    report.count = 0;
    return report;
  }
  report.code = EUCLEAN;
  report.topic = TopicOf(event);
  return report;
}

ErrorReport OfShutdown(const XfsHealthEvent& event) {
  ErrorReport report{.kind = Kind::kShutdown, .code = XfsShutdownCode(event.mask)};
  SetXfsField(report, "domain", XfsDomainName(XfsDomain::kFilesystem));
  SetXfsField(report, "reason", XfsShutdownReason(event.mask));
  report.topic = kXfsShutdownTopic;
  return report;
}

std::string_view DeviceWords(Domain domain) {
  switch (domain) {
    case Domain::kLogDevice: return "logdev";
    case Domain::kRealtimeDevice: return "rtdev";
    default: return "datadev";
  }
}

// Whether it was read or written nobody says.
ErrorReport OfMedia(const XfsHealthEvent& event) {
  ErrorReport report{.kind = Kind::kDevice};
  report.device_error = DeviceError{.sector = event.start, .sectors = event.length};
  SetXfsField(report, "domain", DeviceWords(event.domain));
  SetXfsField(report, "daddr", event.start);
  SetXfsField(report, "length", event.length);
  const bool is_small = event.start <= UINT64_MAX / 512 && event.length <= UINT64_MAX / 512;
  if (event.domain == Domain::kDataDevice && is_small)
    report.range = Range{.offset_bytes = event.start * 512, .length_bytes = event.length * 512};
  return report;
}

// As fserror_report had it, from which the monitor has it; the types are in the same order.
std::optional<ErrorReport> OfFile(const XfsHealthEvent& event) {
  const uint64_t type = static_cast<uint64_t>(event.type) - static_cast<uint64_t>(Type::kBufferedRead);
  return ParseFserrorEvent({.point = TracePoint::kFserror,
                            .filesystem_type = "xfs",
                            .values = {type, event.inode, event.generation, event.start, event.length, event.code}});
}

std::optional<ErrorReport> ReportOf(const XfsHealthEvent& event) {
  switch (event.type) {
    case Type::kRunning:
    case Type::kLost:
    case Type::kUnmount: return std::nullopt;
    case Type::kSick:
    case Type::kCorrupt:
    case Type::kHealthy: return OfStructure(event);
    case Type::kShutdown: return OfShutdown(event);
    case Type::kMediaError: return OfMedia(event);
    case Type::kBufferedRead:
    case Type::kBufferedWrite:
    case Type::kDirectRead:
    case Type::kDirectWrite:
    case Type::kDataLost: return OfFile(event);
  }
  return std::nullopt;
}

}  // namespace

std::optional<ErrorReport> ParseXfsHealthEvent(const XfsHealthEvent& event) {
  std::optional<ErrorReport> report = ReportOf(event);
  if (!report) return std::nullopt;
  report->filesystem_type = "xfs";
  report->echo = ErrorReport::Echo::kHealth;
  report->task_is_any = true;
  return report;
}

}  // namespace fsherald
