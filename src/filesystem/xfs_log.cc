// SPDX-License-Identifier: MIT
#include "filesystem/xfs_log.h"

#include <algorithm>
#include <cerrno>
#include <limits>

#include "filesystem/line_scanner.h"
#include "filesystem/page_cache.h"
#include "filesystem/stack_frame.h"
#include "filesystem/xfs.h"
#include "filesystem/xfs_terms.h"

namespace fsherald {
namespace {

using Meaning = ErrorReport::Meaning;

constexpr std::string_view kPrefixes[] = {"XFS ("};

std::optional<int> CodeOf(std::optional<uint64_t> number) {
  if (!number || *number == 0 || *number > 4095) return std::nullopt;  // the kernel's MAX_ERRNO
  return static_cast<int>(*number);
}

std::optional<uint32_t> LineOf(std::optional<uint64_t> number) {
  if (!number || *number > std::numeric_limits<uint32_t>::max()) return std::nullopt;
  return static_cast<uint32_t>(*number);
}

// What a mount or a look-up fails with because of damage, or of the disk; with all else it was asked for something that it
// cannot do.
bool IsDamage(std::optional<int> code) {
  constexpr int kDamage[] = {EUCLEAN, EBADMSG, EIO, ENODATA, EREMOTEIO, EILSEQ, ENOLINK, ETIMEDOUT, ENODEV};
  return code && std::ranges::find(kDamage, *code) != std::end(kDamage);
}

// "-117" or "117".
std::optional<int> TakeCode(LineScanner& scanner) {
  scanner.Skip("-");
  return CodeOf(scanner.Number());
}

// "FUNCTION+0x1/0x2, STRUCTURE block 0xDADDR [NAME]", "..., inode 0xINODE WHAT".
bool TakeVerdict(LineScanner scanner, ErrorReport& report) {
  const std::optional<std::string_view> frame = scanner.Until(", ");
  if (!frame) return false;
  report.code = report.message.starts_with("Metadata CRC ") ? EBADMSG : EUCLEAN;
  report.function = FrameFunction(*frame);
  report.part = kXfsVerdictPart;
  report.more = true;
  std::string_view name;
  if (scanner.Skip("inode ")) {
    report.inode = scanner.Hex();
    if (!report.inode) return false;
    scanner.Skip(" ");
    name = scanner.rest();
    SetXfsField(report, "structure", name.substr(0, name.find('(')));
    report.topic = XfsInodeTopic(*report.inode);
    return true;
  }
  const std::optional<std::string_view> structure = scanner.Until(" block ");
  const std::optional<uint64_t> daddr = scanner.Hex();
  if (!structure || !daddr) return false;
  scanner.Skip(" ");
  name = scanner.rest();
  // A check that was called by the end of the reading itself stands behind, by its name.
  if (!name.empty() && IsXfsReportingHelper(report.function)) report.function = name;
  SetXfsField(report, "daddr", *daddr);
  SetXfsField(report, "structure", *structure);
  report.topic = XfsBufferTopic(*daddr);
  return true;
}

// "FUNCTION+0x1/0x2" at daddr 0xDADDR len SECTORS error CODE".
bool TakeBuffer(LineScanner scanner, ErrorReport& report) {
  const std::optional<std::string_view> frame = scanner.Until("\"");
  if (!frame || !scanner.Skip(" at daddr ")) return false;
  const std::optional<uint64_t> daddr = scanner.Hex();
  const std::optional<uint64_t> length = scanner.NumberBetween(" len ", " error ");
  if (!daddr || !length) return false;
  report.function = FrameFunction(*frame);
  report.code = TakeCode(scanner);
  SetXfsField(report, "daddr", *daddr);
  SetXfsField(report, "length", *length);
  report.topic = XfsBufferTopic(*daddr);
  report.part = kXfsReaderPart;
  report.more = true;
  const bool of_check = report.code == EUCLEAN || report.code == EBADMSG;
  if (!of_check && *daddr <= UINT64_MAX / 512 && *length <= UINT64_MAX / 512)
    report.range = Range{.offset_bytes = *daddr * 512, .length_bytes = *length * 512};
  return true;
}

// "EXPRESSION at line N of file F.  Caller FUNCTION+0x1/0x2". The caller is who checked.
bool TakeInternal(LineScanner scanner, ErrorReport& report) {
  report.code = EUCLEAN;
  report.part = kXfsVerdictPart;
  report.more = true;
  report.topic = report.message;
  if (!scanner.Until(" at line ")) return true;
  report.line = LineOf(scanner.Number());
  if (scanner.Skip(" of file ")) report.file = scanner.Until(".  Caller ").value_or("");
  report.function = FrameFunction(scanner.rest());
  return true;
}

// "cntbt record corruption in AG 1 detected at FUNCTION+0x1/0x2!", "... in inode 0x40081 data fork ...".
bool TakeRecord(LineScanner scanner, ErrorReport& report) {
  const std::optional<std::string_view> structure = scanner.Until(" record corruption in ");
  if (!structure) return false;
  if (scanner.Skip("AG ")) {
    report.group = scanner.Number();
    if (report.group) report.topic = XfsGroupTopic(XfsDomain::kGroup, *report.group);
    SetXfsField(report, "domain", XfsDomainName(XfsDomain::kGroup));
  } else if (scanner.Skip("rtgroup ")) {
    report.group = scanner.Number();
    if (report.group) report.topic = XfsGroupTopic(XfsDomain::kRealtimeGroup, *report.group);
    SetXfsField(report, "domain", XfsDomainName(XfsDomain::kRealtimeGroup));
  } else if (scanner.Skip("inode ")) {
    report.inode = scanner.Hex();
    if (report.inode) report.topic = XfsInodeTopic(*report.inode);
  }
  if (report.topic.empty()) return false;
  SetXfsField(report, "structure", *structure);
  if (scanner.Until(" detected at ")) report.function = FrameFunction(scanner.Until("!").value_or(""));
  report.code = EUCLEAN;
  report.part = kXfsRecordPart;
  report.more = true;
  return true;
}

// "bmapbt pointer at level 1 index 0.".
bool TakePointer(LineScanner scanner, ErrorReport& report) {
  const std::optional<std::string_view> structure = scanner.Until(" pointer at ");
  if (!structure) return false;
  SetXfsField(report, "structure", *structure);
  report.code = EUCLEAN;
  report.part = kXfsRecordPart;
  report.more = true;
  return true;
}

// "786563 fork 0: Corrupt bmapbt pointer ..."; this number alone is decimal.
bool TakeInodePointer(LineScanner scanner, ErrorReport& report) {
  report.inode = scanner.Number();
  if (!report.inode || !scanner.Until(": Corrupt ")) return false;
  report.topic = XfsInodeTopic(*report.inode);
  return TakePointer(scanner, report);
}

// "1: Corrupt bnobt pointer ...".
bool TakeGroupPointer(LineScanner scanner, ErrorReport& report) {
  report.group = scanner.Number();
  if (!report.group || !scanner.Skip(": Corrupt ")) return false;
  report.topic = XfsGroupTopic(XfsDomain::kGroup, *report.group);
  return TakePointer(scanner, report);
}

// "PAGE, inode 0x40082, pos 0.": blocks for what was written could not be found, and it is thrown away.
bool TakeDiscard(LineScanner scanner, ErrorReport& report) {
  if (!scanner.Until(", inode ")) return false;
  report.inode = scanner.Hex();
  if (!report.inode) return false;
  report.kind = Kind::kWriteback;
  if (const std::optional<uint64_t> offset = scanner.NumberBetween(", pos ", ""))
    report.range = Range{.offset_bytes = *offset};
  report.topic = WritebackTopic(*report.inode);
  report.more = true;  // one for each page
  return true;
}

void SetShutdown(ErrorReport& report, uint64_t flags) {
  report.kind = Kind::kShutdown;
  report.code = XfsShutdownCode(flags);
  SetXfsField(report, "domain", XfsDomainName(XfsDomain::kFilesystem));
  SetXfsField(report, "reason", XfsShutdownReason(flags));
  report.topic = kXfsShutdownTopic;
  report.part = kXfsVerdictPart;
  report.more = true;
}

constexpr uint64_t kLogError = 2;  // SHUTDOWN_LOG_IO_ERROR

// "-5": the log cannot be written, and the next line says that this was the end.
bool TakeLogError(LineScanner scanner, ErrorReport& report) {
  SetShutdown(report, kLogError);
  report.part = 0;
  if (const std::optional<int> code = TakeCode(scanner)) report.code = code;
  return true;
}

// "(0x2)."; no event fires for this one.
bool TakeLogShutdown(LineScanner scanner, ErrorReport& report) {
  scanner.Skip("(");
  SetShutdown(report, scanner.Hex().value_or(kLogError));
  return true;
}

// "WORDS (0xFLAGS) detected at FUNCTION+0x1/0x2 (FILE:LINE).  Shutting down filesystem."
bool TakeShutdown(LineScanner scanner, ErrorReport& report) {
  if (scanner.rest().find("hutting down filesystem") == std::string_view::npos) return false;
  SetShutdown(report, scanner.Until(" (") ? scanner.Hex().value_or(0) : 0);
  if (!scanner.Skip(") detected at ")) return true;
  report.function = FrameFunction(scanner.Until(" (").value_or(""));
  report.file = scanner.Until(":").value_or("");
  report.line = LineOf(scanner.Number());
  return true;
}

// "-74": what the recovery met is told before it, or only here.
bool TakeRecovery(LineScanner scanner, ErrorReport& report) {
  report.code = TakeCode(scanner);
  if (!IsDamage(report.code)) return false;
  SetXfsField(report, "domain", "log");
  report.topic = "log recovery";
  report.follows = true;
  report.part = kXfsRecoveryPart;
  return true;
}

// "0x80, error 117".
bool TakeRootInode(LineScanner scanner, ErrorReport& report) {
  report.inode = scanner.Hex();
  if (!report.inode || !scanner.Skip(", error ")) return false;
  report.code = TakeCode(scanner);
  if (!IsDamage(report.code) && report.code != ENOENT) return false;
  report.topic = XfsInodeTopic(*report.inode);
  report.follows = true;
  report.part = kXfsRecoveryPart;
  return true;
}

bool TakeAddition(LineScanner, ErrorReport& report) {
  report.meaning = Meaning::kAddition;
  report.follows = true;
  return true;
}
bool TakeMounted(LineScanner, ErrorReport& report) { return report.meaning = Meaning::kMounted, true; }
bool TakeUnmounted(LineScanner, ErrorReport& report) { return report.meaning = Meaning::kUnmounted, true; }
bool TakePast(LineScanner, ErrorReport& report) { return report.meaning = Meaning::kPast, true; }

// "XFS (D): " and then one of these. False: nothing to tell.
struct MessageRow {
  std::string_view words;
  bool (*take)(LineScanner behind, ErrorReport& report);
};
constexpr MessageRow kMessages[] = {
    {"Metadata CRC error detected at ", TakeVerdict},
    {"Metadata corruption detected at ", TakeVerdict},
    {"metadata I/O error in \"", TakeBuffer},
    {"Internal error ", TakeInternal},
    {"Inode ", TakeInodePointer},
    {"AG ", TakeGroupPointer},
    {"page discard on page ", TakeDiscard},
    {"log I/O error ", TakeLogError},
    {"Filesystem has been shut down due to log error ", TakeLogShutdown},
    {"log mount/recovery failed: error ", TakeRecovery},
    {"Failed to read root inode ", TakeRootInode},
    {"SB validate failed with error ", TakeAddition},
    {"Uncorrected metadata errors detected", TakePast},
    {"Ending clean mount", TakeMounted},
    {"Ending recovery", TakeMounted},
    {"Unmounting Filesystem", TakeUnmounted},
};

bool Take(std::string_view text, ErrorReport& report) {
  for (const MessageRow& row : kMessages)
    if (LineScanner scanner(text); scanner.Skip(row.words)) return row.take(scanner, report);
  // Those that begin with a word of their own.
  return TakeRecord(LineScanner(text), report) || TakeShutdown(LineScanner(text), report);
}

}  // namespace

std::span<const std::string_view> XfsLogPrefixes() { return kPrefixes; }

std::optional<ErrorReport> ParseXfsLine(std::string_view line) {
  while (line.ends_with('\n') || line.ends_with(' ')) line.remove_suffix(1);
  LineScanner scanner(line);
  if (!scanner.Skip(kPrefixes[0])) return std::nullopt;
  const std::optional<std::string_view> device = scanner.Until("): ");
  if (!device || device->empty()) return std::nullopt;
  ErrorReport report{.device = std::string(*device), .message = std::string(scanner.rest())};
  if (!Take(scanner.rest(), report)) return std::nullopt;
  return report;
}

}  // namespace fsherald
