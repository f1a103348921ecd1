// SPDX-License-Identifier: MIT
#include "filesystem/btrfs_log.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "filesystem/block_layer.h"
#include "filesystem/btrfs_counters.h"
#include "filesystem/line_scanner.h"

namespace fsherald {
namespace {

using Meaning = ErrorReport::Meaning;
using Operation = DeviceError::Operation;

constexpr std::string_view kPrefixes[] = {
    "BTRFS: error (device ",  "BTRFS error (device ", "BTRFS critical (device ",
    "BTRFS warning (device ", "BTRFS info (device ",
};
constexpr std::string_view kCorruption = "corruption_errs";
constexpr int kMaxErrno = 4095;
constexpr size_t kMaxFunctionBytes = 128;
constexpr uint64_t kMaxOffset = INT64_MAX;

enum class Level { kCritical, kError, kWarning, kInfo };

// "(device D): ", "(device D state EA): ", "(device D: state EA): " (before 6.2).
std::optional<std::string_view> TakeDevice(LineScanner& scanner, std::string_view end) {
  std::optional<std::string_view> device = scanner.Until(end);
  if (!device) return std::nullopt;
  if (const size_t state = device->find(" state "); state != std::string_view::npos) device = device->substr(0, state);
  if (device->ends_with(':')) device->remove_suffix(1);
  if (device->empty() || device->find(' ') != std::string_view::npos) return std::nullopt;
  return device;
}

void Add(ErrorReport& report, std::string_view name, std::optional<uint64_t> value) {
  if (value) report.fields.push_back({std::string(name), *value});
}
void Add(ErrorReport& report, std::string_view name, std::optional<std::string_view> value) {
  if (value && !value->empty()) report.fields.push_back({std::string(name), std::string(*value)});
}

// The number behind these words; the line need not have them.
std::optional<uint64_t> NumberAfter(std::string_view text, std::string_view words) {
  LineScanner scanner(text);
  if (!scanner.Until(words)) return std::nullopt;
  return scanner.Number();
}

// The word behind these words.
std::optional<std::string_view> WordAfter(std::string_view text, std::string_view words) {
  const size_t at = text.find(words);
  if (at == std::string_view::npos) return std::nullopt;
  text.remove_prefix(at + words.size());
  return text.substr(0, text.find_first_of(" ,)"));
}

std::optional<int> CodeAfter(std::string_view text, std::string_view words) {
  const std::optional<uint64_t> value = NumberAfter(text, words);
  if (!value || *value == 0 || *value > kMaxErrno) return std::nullopt;
  return static_cast<int>(*value);
}

std::string DataTopic(uint64_t inode, uint64_t offset) {
  return ", ino " + std::to_string(inode) + " off " + std::to_string(offset);
}
std::string TreeTopic(uint64_t logical) { return "logical " + std::to_string(logical); }
std::string DeviceTopic(std::string_view counter, std::string_view device) {
  return std::string(counter) + " of " + std::string(device);
}

// "csum failed root R ino I off O csum A expected csum B mirror M". The root of relocation is printed as a negative number.
bool TakeDataChecksum(std::string_view text, ErrorReport& report) {
  const std::optional<uint64_t> inode = NumberAfter(text, " ino ");
  const std::optional<uint64_t> offset = NumberAfter(text, " off ");
  if (!inode || !offset || *offset > kMaxOffset) return false;
  report.kind = Kind::kDataRead;
  report.code = EIO;
  report.inode = inode;
  report.inode_root = NumberAfter(text, " root ");
  report.range = Range{.offset_bytes = *offset};
  Add(report, "mirror", NumberAfter(text, " mirror "));
  Add(report, "expected", WordAfter(text, " expected csum "));
  Add(report, "found", WordAfter(text, " csum "));
  report.topic = "root " + std::string(WordAfter(text, " root ").value_or("")) + DataTopic(*inode, *offset);
  report.counter = kCorruption;
  report.claims = true;
  report.more = true;
  report.task_is_any = true;
  return true;
}

// "bdev D errs: wr W, rd R, flush F, corrupt C, gen G": the numbers since they were last made zero.
bool TakeDeviceStats(std::string_view text, Level level, ErrorReport& report) {
  LineScanner scanner(text);
  if (!scanner.Skip("bdev ")) return false;
  const std::optional<std::string_view> device = scanner.Until(" errs: wr ");
  if (!device || device->empty()) return false;
  std::array<DeviceCounter, kBtrfsCounters> counters = BtrfsDeviceCounters(std::string(*device));
  constexpr std::array<std::string_view, kBtrfsCounters> kEnds = {", rd ", ", flush ", ", corrupt ", ", gen ", ""};
  for (size_t i = 0; i < kBtrfsCounters; ++i) {
    const std::optional<uint64_t> value = scanner.NumberBetween("", kEnds[i]);
    if (!value) return false;
    counters[i].value = *value;
  }
  report.counters.assign(counters.begin(), counters.end());
  report.counters_are_old =
      level == Level::kInfo;  // as at the mount; where newer kernels print the live one so as well,
                              // the growth tells
  Add(report, "device", *device);
  report.follows = true;
  report.more = true;
  report.task_is_any = true;
  return true;
}

// "read error corrected: ino I off O (dev D sector S)"; of a tree block I is 0 and O its logical address.
bool TakeCorrected(std::string_view text, ErrorReport& report) {
  const std::optional<uint64_t> inode = NumberAfter(text, " ino ");
  const std::optional<uint64_t> offset = NumberAfter(text, " off ");
  const std::optional<std::string_view> device = WordAfter(text, "(dev ");
  if (!inode || !offset || !device || device->empty()) return false;
  report.meaning = Meaning::kAddition;
  report.corrected = true;
  report.topic = *inode == 0 ? TreeTopic(*offset) : DataTopic(*inode, *offset);
  report.device_error = DeviceError{
      .device = KernelName(*device), .operation = Operation::kRead, .sector = NumberAfter(text, " sector ")};
  if (const auto sector = report.device_error->sector; sector && *sector <= UINT64_MAX / 512)
    Add(report, "physical", *sector * 512);
  Add(report, "device", device);
  report.more = true;
  report.task_is_any = *inode != 0;  // a tree block is repaired by the task that wanted it
  return true;
}

// A tree block at a logical address.
void TakeTreeBlock(std::string_view text, uint64_t logical, ErrorReport& report) {
  report.kind = Kind::kMetadata;
  report.code = EIO;
  Add(report, "logical", logical);
  Add(report, "mirror", NumberAfter(text, " mirror "));
  report.topic = TreeTopic(logical);
  report.more = true;
  report.task_is_any = true;
}

// "checksum verify failed on logical L mirror M wanted A found B level X",
// "parent transid verify failed on logical L mirror M wanted A found B"; before 6.2 without mirror.
bool TakeVerify(std::string_view text, ErrorReport& report) {
  std::optional<uint64_t> logical = NumberAfter(text, " on logical ");
  if (!logical) logical = NumberAfter(text, "verify failed on ");
  if (!logical) return false;
  TakeTreeBlock(text, *logical, report);
  Add(report, "level", NumberAfter(text, " level "));
  Add(report, "expected", WordAfter(text, " wanted "));
  Add(report, "found", WordAfter(text, " found "));
  return true;
}

// "bad tree block start, mirror M want L have X".
bool TakeStart(std::string_view text, ErrorReport& report) {
  const std::optional<uint64_t> logical = NumberAfter(text, " want ");
  if (!logical) return false;
  TakeTreeBlock(text, *logical, report);
  Add(report, "expected", WordAfter(text, " want "));
  Add(report, "found", WordAfter(text, " have "));
  return true;
}

// "corrupt leaf: root=R block=L slot=S, WORDS"; also node.
bool TakeCorruptBlock(std::string_view text, ErrorReport& report) {
  const std::optional<uint64_t> logical = NumberAfter(text, " block=");
  if (!logical) return false;
  TakeTreeBlock(text, *logical, report);
  Add(report, "root", NumberAfter(text, " root="));
  Add(report, "inode", NumberAfter(text, " ino="));
  return true;
}

// "read time tree block corruption detected on logical L mirror M"; "block=L read time tree block corruption detected".
bool TakeReadTime(std::string_view text, ErrorReport& report) {
  std::optional<uint64_t> logical = NumberAfter(text, " on logical ");
  if (!logical) logical = NumberAfter(text, "block=");
  if (!logical) return false;
  TakeTreeBlock(text, *logical, report);
  return true;
}

// "block=L write time tree block corruption detected".
bool TakeWriteTime(std::string_view text, ErrorReport& report) {
  const std::optional<uint64_t> logical = NumberAfter(text, "block=");
  if (!logical) return false;
  TakeTreeBlock(text, *logical, report);
  report.code = EUCLEAN;
  return true;
}

// Scrub's lines name the place as a whole stripe's; one stripe's are one error. (Before 6.12 they begin without "scrub: ".)
void TakeScrubPlace(std::string_view text, ErrorReport& report) {
  const std::optional<uint64_t> logical = NumberAfter(text, " at logical ");
  const std::optional<std::string_view> device = WordAfter(text, " on dev ");
  Add(report, "logical", logical);
  Add(report, "physical", NumberAfter(text, " physical "));
  Add(report, "device", device);
  report.code = EIO;
  report.kind = Kind::kDataRead;
  report.topic = "scrub " + std::string(device.value_or("")) + " " + std::to_string(logical.value_or(0));
  report.counter = kCorruption;
  report.more = true;
  report.task_is_any = true;
}

// "unable to fixup (regular) error at logical L on dev D physical P".
bool TakeUnableToFixup(std::string_view text, ErrorReport& report) {
  TakeScrubPlace(text, report);
  return true;
}

// "fixed up error at logical L on dev D physical P".
bool TakeFixedUp(std::string_view text, ErrorReport& report) {
  TakeScrubPlace(text, report);
  report.corrected = true;
  return true;
}

// "checksum error at logical L on dev D, physical P root R inode I offset O length N links K (path: ...)", with commas
// before 6.8; "... : metadata leaf (level 0) in tree R".
bool TakeScrubError(std::string_view text, ErrorReport& report) {
  TakeScrubPlace(text, report);
  report.inode = NumberAfter(text, " inode ");
  if (report.inode) report.inode_root = NumberAfter(text, " root ");
  const std::optional<uint64_t> offset = NumberAfter(text, " offset ");
  if (report.inode && offset && *offset <= kMaxOffset)
    report.range = Range{.offset_bytes = *offset, .length_bytes = NumberAfter(text, " length ")};
  if (text.find(": metadata ") != std::string_view::npos) report.kind = Kind::kMetadata;
  return true;
}

// "tree block L mirror M has bad csum, has A want B", "... has bad bytenr, ...", "... has bad generation, ...".
bool TakeScrubTreeBlock(std::string_view text, ErrorReport& report) {
  const std::optional<uint64_t> logical = NumberAfter(text, "tree block ");
  if (!logical) return false;
  TakeTreeBlock(text, *logical, report);
  Add(report, "expected", WordAfter(text, " want "));
  Add(report, "found", WordAfter(text, ", has "));
  return true;
}

// "lost super block write due to IO error on D (-E)"; before 6.8 "lost page write due to IO error on D (-E)".
bool TakeLostWrite(std::string_view text, ErrorReport& report) {
  const std::optional<std::string_view> device = WordAfter(text, " due to IO error on ");
  if (!device || device->empty()) return false;
  report.kind = Kind::kDevice;
  report.code = CodeAfter(text, "(-").value_or(EIO);
  report.device_error = DeviceError{.device = KernelName(*device), .operation = Operation::kWrite};
  Add(report, "device", device);
  report.topic = DeviceTopic("write_errs", *device);
  report.counter = "write_errs";
  report.more = true;
  report.task_is_any = true;
  return true;
}

// "direct IO failed ino I op 0x.. offset 0x.. len L err no E": a bio's status, printed as a number.
bool TakeDirect(std::string_view text, ErrorReport& report) {
  report.inode = NumberAfter(text, " ino ");
  report.kind = Kind::kDataRead;
  report.meaning = report.inode ? Meaning::kError : Meaning::kAddition;
  report.topic = "direct I/O of inode " + std::to_string(report.inode.value_or(0));
  report.more = true;
  report.task_is_any = true;
  return true;
}

// What follows from an error that stopped the file system.
bool TakeReadOnly(std::string_view /*text*/, ErrorReport& report) {
  report.kind = Kind::kReadOnly;
  report.topic = "abort";
  report.more = true;
  return true;
}
bool TakeConsequence(std::string_view text, ErrorReport& report) {
  report.meaning = Meaning::kAddition;
  report.code = CodeAfter(text, "(error -");
  return TakeReadOnly(text, report);
}

// A mount that is refused, or is about to be.
bool TakeRefused(std::string_view text, ErrorReport& report) {
  report.kind = Kind::kMetadata;
  report.code = CodeAfter(text, ": -");
  report.topic = "mount";
  report.concludes = true;
  report.more = true;
  return true;
}

// Alone, it can be for an option that is not known as well.
bool TakeOpenFailed(std::string_view text, ErrorReport& report) {
  TakeRefused(text, report);
  if (report.code != EIO && report.code != EUCLEAN && report.code != EBADMSG) report.meaning = Meaning::kAddition;
  return true;
}

// "devid N uuid U is missing".
bool TakeMissing(std::string_view text, ErrorReport& report) {
  if (text.find(" is missing") == std::string_view::npos) return false;
  report.kind = Kind::kDevice;
  report.topic = "mount";
  Add(report, "devid", NumberAfter(text, "devid "));
  report.more = true;
  return true;
}

bool TakeNews(std::string_view /*text*/, ErrorReport& /*report*/) { return false; }

bool TakeMounted(std::string_view /*text*/, ErrorReport& report) {
  report.meaning = Meaning::kMounted;
  return true;
}
bool TakeUnmounted(std::string_view /*text*/, ErrorReport& report) {
  report.meaning = Meaning::kUnmounted;
  return true;
}

// "started on devid N".
bool TakeScrubBegan(std::string_view text, ErrorReport& report) {
  const std::optional<uint64_t> device = NumberAfter(text, "devid ");
  report.meaning = Meaning::kScrubBegan;
  report.scrubbed = device.value_or(0);
  return device.has_value();
}

// "finished on devid N with status: 0"; one that was cancelled is "not finished".
bool TakeScrubEnded(std::string_view text, ErrorReport& report) {
  const std::optional<uint64_t> device = NumberAfter(text, "devid ");
  report.meaning = Meaning::kScrubEnded;
  report.scrubbed = device.value_or(0);
  return device && text.ends_with(" with status: 0");
}

struct TextRow {
  std::string_view words;  // the text begins so
  bool (*take)(std::string_view text, ErrorReport& report);
};
constexpr TextRow kTexts[] = {
    {"csum failed root ", TakeDataChecksum},
    {"read error corrected: ", TakeCorrected},
    {"checksum verify failed on ", TakeVerify},
    {"parent transid verify failed on ", TakeVerify},
    {"bad tree block start", TakeStart},
    {"corrupt leaf: ", TakeCorruptBlock},
    {"corrupt node: ", TakeCorruptBlock},
    {"read time tree block corruption detected", TakeReadTime},
    {"unable to fixup ", TakeUnableToFixup},
    {"fixed up error at ", TakeFixedUp},
    {"checksum error at ", TakeScrubError},
    {"i/o error at ", TakeScrubError},
    {"header error at ", TakeScrubError},
    {"checksum/header error at ", TakeScrubError},
    {"tree block ", TakeScrubTreeBlock},
    {"lost super block write due to IO error on ", TakeLostWrite},
    {"lost page write due to IO error on ", TakeLostWrite},
    {"direct IO failed ino ", TakeDirect},
    {"error writing primary super block", TakeConsequence},
    {"Transaction aborted", TakeConsequence},
    {"Skipping commit of aborted transaction", TakeConsequence},
    {"commit super ret ", TakeConsequence},
    {"remounting read-write after error is not allowed", TakeConsequence},
    {"forced readonly", TakeReadOnly},
    {"failed to read ", TakeRefused},
    {"couldn't read ", TakeRefused},
    {"superblock checksum mismatch", TakeRefused},
    {"open_ctree failed", TakeOpenFailed},
    {"devid ", TakeMissing},
    {"first mount of filesystem ", TakeMounted},
    {"last unmount of filesystem ", TakeUnmounted},
    {"started on devid ", TakeScrubBegan},
    {"finished on devid ", TakeScrubEnded},
    // Of what somebody asked for and is not to be had.
    {"cannot ", TakeNews},
    {"unrecognized ", TakeNews},
    {"unsupported ", TakeNews},
    {"unable to start ", TakeNews},
    {"balance: ", TakeNews},
    {"zoned: ", TakeNews},
    {"qgroup ", TakeNews},
};

// What no row knows is an error where its level says so.
bool TakeText(Level level, std::string_view text, ErrorReport& report) {
  if (text.starts_with("bdev ")) return TakeDeviceStats(text, level, report);
  if (text.find("write time tree block corruption detected") != std::string_view::npos)
    return TakeWriteTime(text, report);
  if (text.starts_with("block=")) return TakeReadTime(text, report);
  for (const TextRow& row : kTexts)
    if (text.starts_with(row.words)) return row.take(text, report);
  return level == Level::kCritical || level == Level::kError;
}

// Behind "BTRFS LEVEL (device ".
std::optional<ErrorReport> ParseMessage(Level level, LineScanner scanner) {
  const std::optional<std::string_view> device = TakeDevice(scanner, "): ");
  if (!device) return std::nullopt;
  scanner.Skip("scrub: ");
  const std::string_view text = scanner.rest();
  ErrorReport report{.device = std::string(*device), .message = std::string(text)};
  if (!TakeText(level, text, report)) return std::nullopt;
  // Newer kernels tell of a repair and of a lost disk at other levels; what is news at the level of news stays so.
  const bool is_news = level == Level::kInfo && report.meaning == Meaning::kError && report.counters.empty() &&
                       report.kind != Kind::kReadOnly && !report.corrected;
  if (is_news) return std::nullopt;
  return report;
}

// Behind "BTRFS: error (device ": "D) in FUNCTION:LINE: errno=-E WORDS".
std::optional<ErrorReport> ParseStopped(LineScanner scanner) {
  const std::optional<std::string_view> device = TakeDevice(scanner, ") in ");
  if (!device) return std::nullopt;
  ErrorReport report{.device = std::string(*device)};
  const std::optional<std::string_view> function = scanner.Until(":");
  const std::optional<uint64_t> line = scanner.Number();
  if (!function || function->empty() || function->size() > kMaxFunctionBytes || !line || *line > UINT32_MAX)
    return std::nullopt;
  scanner.Skip(": ");
  const std::string_view text = scanner.rest();
  report.function = *function;
  report.line = static_cast<uint32_t>(*line);
  report.message = text;
  const bool of_a_mount = *function == "btrfs_fill_super" || *function == "open_ctree";
  if (of_a_mount) TakeRefused(text, report);
  else TakeReadOnly(text, report);
  if (*function == "cleanup_transaction") report.meaning = Meaning::kAddition;
  report.code = CodeAfter(text, "errno=-");
  return report;
}

}  // namespace

std::span<const std::string_view> BtrfsLogPrefixes() { return kPrefixes; }

std::optional<ErrorReport> ParseBtrfsLine(std::string_view line) {
  while (line.ends_with('\n')) line.remove_suffix(1);
  LineScanner scanner(line);
  if (scanner.Skip("BTRFS: error (device ")) return ParseStopped(scanner);
  if (scanner.Skip("BTRFS critical (device ")) return ParseMessage(Level::kCritical, scanner);
  if (scanner.Skip("BTRFS error (device ")) return ParseMessage(Level::kError, scanner);
  if (scanner.Skip("BTRFS warning (device ")) return ParseMessage(Level::kWarning, scanner);
  if (scanner.Skip("BTRFS info (device ")) return ParseMessage(Level::kInfo, scanner);
  return std::nullopt;
}

}  // namespace fsherald
