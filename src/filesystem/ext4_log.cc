// SPDX-License-Identifier: MIT
#include "filesystem/ext4_log.h"

#include <algorithm>
#include <cerrno>
#include <limits>

#include "filesystem/block_layer.h"
#include "filesystem/line_scanner.h"
#include "filesystem/page_cache.h"

namespace fsherald {
namespace {

using Meaning = ErrorReport::Meaning;

constexpr std::string_view kPrefixes[] = {
    "EXT4-fs ", "Aborting journal on device ", "JBD2: Detected IO error", "JBD2: I/O error ", "JBD2: Error ",
};

struct WordsAndCode {
  std::string_view words;
  int code;
};

// fs/ext4/super.c, ext4_decode_error().
constexpr WordsAndCode kStdErrors[] = {
    {"Corrupt filesystem", EUCLEAN}, {"Filesystem failed CRC", EBADMSG}, {"IO failure", EIO},
    {"Out of memory", ENOMEM},       {"Journal has aborted", EROFS},     {"Readonly filesystem", EROFS},
};

// What the call sites of these messages hand to the error functions: 0, which becomes EUCLEAN, or the code named there.
// The first row that fits counts. "bad block bitmap checksum" and "Corrupt inode bitmap" are EUCLEAN all the same.
constexpr WordsAndCode kMessageCodes[] = {
    {"iget: checksum invalid", EBADMSG},
    {"iget: ", EUCLEAN},
    {"Directory block failed checksum", EBADMSG},
    {"Directory index failed checksum", EBADMSG},
    {"checksumming directory block ", EBADMSG},
    {"bad entry in directory: ", EUCLEAN},
    {"bad inode number: ", EUCLEAN},
    {"deleted inode referenced: ", EUCLEAN},
    {"bit already cleared for inode ", EUCLEAN},
    {"Corrupt inode bitmap - ", EUCLEAN},
    {"unable to read itable block", EIO},
    {"Cannot read block bitmap - ", EIO},
    {"Cannot read inode bitmap - ", EIO},
    {"Abort forced by user", ESHUTDOWN},
};

std::optional<int> PositiveCode(std::optional<uint64_t> number) {
  if (!number || *number == 0 || *number > 4095) return std::nullopt;  // the kernel's MAX_ERRNO
  return static_cast<int>(*number);
}

// The number after `words` anywhere in the text, its sign left out: "error -5", "(err -117)".
std::optional<int> CodeAfter(std::string_view text, std::string_view words) {
  LineScanner scanner(text);
  if (!scanner.Until(words)) return std::nullopt;
  scanner.Skip("-");
  return PositiveCode(scanner.Number());
}

std::optional<int> StdErrorCode(std::string_view text) {
  for (const WordsAndCode& row : kStdErrors) {
    if (text.starts_with(row.words)) return row.code;
  }
  return text.starts_with("error ") ? CodeAfter(text, "error ") : std::nullopt;
}

std::optional<int> MessageCode(const ErrorReport& message) {
  std::string_view text = message.message;
  if (message.function == "trigger_test_error") return EUCLEAN;
  for (const WordsAndCode& row : kMessageCodes) {
    if (text.starts_with(row.words)) return row.code;
  }
  if (text.starts_with("bg ") && text.ends_with(": bad block bitmap checksum")) return EUCLEAN;
  if (text.starts_with("pblk ") && text.find("bad header/extent: ") != text.npos) {
    return text.find("extent tree corrupted") != text.npos ? EBADMSG : EUCLEAN;
  }
  return CodeAfter(text, "(err ");
}

// "FUNCTION:LINE: "; what is no function and line stays.
void TakeLocation(LineScanner& scanner, ErrorReport& message) {
  LineScanner ahead = scanner;
  std::optional<std::string_view> function = ahead.Until(":");
  std::optional<uint64_t> line = ahead.Number();
  if (!function || function->find(' ') != function->npos || !line || !ahead.Skip(": ")) return;
  message.function = *function;
  if (*line <= std::numeric_limits<uint32_t>::max()) message.line = static_cast<uint32_t>(*line);
  scanner = ahead;
}

// "inode #I: block B: lblock L: comm C: path P: ", each where it stands.
void TakeObject(LineScanner& scanner, ErrorReport& message, bool& has_path) {
  message.inode = scanner.NumberBetween("inode #", ": ");
  message.block = scanner.NumberBetween("block ", ": ");
  scanner.NumberBetween("lblock ", ": ");
  if (scanner.Skip("comm ")) message.comm = scanner.Until(": ").value_or("");
  has_path = scanner.Skip("path ");
  if (has_path) scanner.Until(": ");
}

// "group G, [inode I: ][block B:]".
bool TakeGroup(LineScanner& scanner, ErrorReport& message) {
  message.group = scanner.NumberBetween("group ", ",");
  if (!message.group) return false;
  scanner.Skip(" ");
  message.inode = scanner.NumberBetween("inode ", ": ");
  message.block = scanner.NumberBetween("block ", ":");
  scanner.Skip(" ");
  return true;
}

// The group where the text names it: "bg 3: ...", "... block_group = 3, ...".
std::optional<uint64_t> GroupInText(std::string_view text) {
  LineScanner scanner(text);
  if (std::optional<uint64_t> group = scanner.NumberBetween("bg ", ": ")) return group;
  if (!scanner.Until("block_group = ")) return std::nullopt;
  return scanner.Number();
}

ErrorReport StdError(LineScanner scanner, ErrorReport message) {
  TakeLocation(scanner, message);
  message.message = scanner.rest();
  message.code = StdErrorCode(message.message);
  message.counted = true;
  message.told_by_fanotify = true;
  return message;
}

// After "EXT4-fs error (device ".
std::optional<ErrorReport> ParseError(LineScanner scanner) {
  std::optional<std::string_view> device = scanner.Until(")");
  if (!device || device->empty()) return std::nullopt;
  ErrorReport message{.device = std::string(*device)};
  if (scanner.Skip(" in ")) return StdError(scanner, std::move(message));
  if (!scanner.Skip(": ")) return std::nullopt;
  message.counted = true;
  message.traced = true;
  TakeLocation(scanner, message);
  bool has_path = false;
  bool of_group = TakeGroup(scanner, message);
  if (!of_group) TakeObject(scanner, message, has_path);
  message.message = scanner.rest();
  message.told_by_fanotify = !of_group;
  message.code = of_group || has_path ? EUCLEAN : MessageCode(message);
  if (!of_group) message.group = GroupInText(message.message);
  if (message.code == ESHUTDOWN) message.kind = Kind::kShutdown;
  return message;
}

// "I/O error S writing to inode I starting block B": S is the block layer's status, not an errno.
bool TakeWriteError(ErrorReport& message) {
  LineScanner scanner(message.message);
  std::optional<uint64_t> status = scanner.NumberBetween("I/O error ", " writing to inode ");
  if (!status) return false;
  message.kind = Kind::kWriteback;
  message.code = ErrnoOfBlockStatus(*status);
  message.inode = scanner.Number();
  message.block = scanner.NumberBetween(" starting block ", "");
  if (message.inode) message.topic = WritebackTopic(*message.inode);
  message.task_is_any = true;
  return true;
}

// After "EXT4-fs warning (device ". Only a warning of failed I/O or lost data is an error to anybody but ext4.
std::optional<ErrorReport> ParseWarning(LineScanner scanner) {
  std::optional<std::string_view> device = scanner.Until("): ");
  if (!device || device->empty()) return std::nullopt;
  ErrorReport message{.device = std::string(*device)};
  TakeLocation(scanner, message);
  bool has_path = false;
  TakeObject(scanner, message, has_path);
  message.message = scanner.rest();
  std::string_view text = message.message;
  if (text.starts_with("Filesystem error recorded from previous mount") || text.starts_with("Marking fs in need of ")) {
    message.meaning = Meaning::kPast;
    return message;
  }
  if (TakeWriteError(message)) return message;
  if (text.starts_with("data will be lost")) {
    message.kind = Kind::kWriteback;
    return message;
  }
  std::optional<int> code = CodeAfter(text, "error -");
  if (!code) code = CodeAfter(text, "err -");
  if (code != EIO) return std::nullopt;
  message.kind = Kind::kDevice;
  message.code = code;
  return message;
}

// "Delayed block allocation failed for inode I at logical offset ... with error E".
void TakeDelayedAllocation(ErrorReport& message) {
  message.kind = Kind::kWriteback;
  message.inode = LineScanner(message.message).NumberBetween("Delayed block allocation failed for inode ", " ");
  message.code = CodeAfter(message.message, " with error ");
}

// "failed to convert unwritten extents to written extents -- potential data loss!  (inode I, error -E)".
void TakeUnwritten(ErrorReport& message) {
  message.kind = Kind::kWriteback;
  message.code = CodeAfter(message.message, ", error ");
  LineScanner scanner(message.message);
  if (scanner.Until("(inode ")) message.inode = scanner.Number();
}

void TakeReadOnly(ErrorReport& message) {
  message.kind = Kind::kReadOnly;
  message.code = EROFS;
}

void TakeShutdown(ErrorReport& message) {
  message.kind = Kind::kShutdown;
  message.code = ESHUTDOWN;
  message.traced = true;
}

void TakeSuperblock(ErrorReport& message) {
  message.kind = Kind::kDevice;
  message.code = EIO;
}

// "ext4_check_descriptors: Checksum for group G failed (A!=B)", "...: Block bitmap for group G not in group (block B)!".
void TakeDescriptor(ErrorReport& message) {
  LineScanner scanner(message.message);
  message.function = scanner.Until(": ").value_or("");
  bool checksum = scanner.rest().starts_with("Checksum ");
  message.code = checksum ? EBADMSG : EUCLEAN;
  if (scanner.Until(" for group ")) message.group = scanner.Number();
  message.message = message.message.substr(message.function.size() + 2);
  message.topic = "group descriptors";
  message.more = true;
}

// The summary of what the same task reported before.
void TakeSummary(ErrorReport& message) {
  message.meaning = Meaning::kAddition;
  message.follows = true;
}

// A mount that is refused because of damage. What the function that gives up says of an inode has been told as an error.
void TakeBadMessage(ErrorReport& message) { message.code = EBADMSG; }
void TakeInvalid(ErrorReport& message) { message.code = EINVAL; }
void TakeDamage(ErrorReport&) {}

void TakeMounted(ErrorReport& message) { message.meaning = Meaning::kMounted; }
void TakeUnmounted(ErrorReport& message) { message.meaning = Meaning::kUnmounted; }
void TakePast(ErrorReport& message) { message.meaning = Meaning::kPast; }

// "EXT4-fs (D): " and then one of these; all others are news, not errors.
struct MessageRow {
  std::string_view words;
  void (*take)(ErrorReport&);
};
constexpr MessageRow kMessages[] = {
    {"mounted filesystem", TakeMounted},
    {"re-mounted", TakeMounted},
    {"unmounting filesystem", TakeUnmounted},
    {"error count since last fsck: ", TakePast},
    {"initial error at time ", TakePast},
    {"last error at time ", TakePast},
    {"warning: mounting fs with errors", TakePast},
    {"Remounting filesystem read-only", TakeReadOnly},
    {"shut down requested ", TakeShutdown},
    {"Delayed block allocation failed for inode ", TakeDelayedAllocation},
    {"failed to convert unwritten extents to written extents", TakeUnwritten},
    {"I/O error while writing superblock", TakeSuperblock},
    {"previous I/O error to superblock detected", TakePast},
    {"ext4_check_descriptors: ", TakeDescriptor},
    {"group descriptors corrupted!", TakeSummary},
    {"VFS: Found ext4 filesystem with invalid superblock checksum", TakeBadMessage},
    {"bad geometry: ", TakeInvalid},
    {"Could not load journal inode", TakeInvalid},
    {"journal inode is deleted", TakeDamage},
    {"invalid journal inode", TakeDamage},
    {"corrupt root inode, run e2fsck", TakeDamage},
    {"error loading journal", TakeDamage},
    {"unable to read superblock", TakeSuperblock},
    {"can't read group descriptor ", TakeSuperblock},
};

// After "EXT4-fs (".
std::optional<ErrorReport> ParseMessage(LineScanner scanner) {
  std::optional<std::string_view> device = scanner.Until("): ");
  if (!device || device->empty()) return std::nullopt;
  for (const MessageRow& row : kMessages) {
    if (!scanner.rest().starts_with(row.words)) continue;
    ErrorReport message{.device = std::string(*device), .message = std::string(scanner.rest())};
    row.take(message);
    return message;
  }
  return std::nullopt;
}

// jbd2 calls a journal inside a file system "D-8", after the journal's inode.
std::optional<std::string> DeviceOfJournal(std::string_view journal) {
  if (journal.ends_with('.')) journal.remove_suffix(1);
  if (journal.ends_with("-8")) journal.remove_suffix(2);
  if (journal.empty()) return std::nullopt;
  return std::string(journal);
}

std::optional<ErrorReport> JournalMessage(std::string_view line, std::string_view before_name, Kind kind) {
  LineScanner scanner(line);
  if (!scanner.Until(before_name)) return std::nullopt;
  std::optional<std::string> device = DeviceOfJournal(scanner.rest());
  if (!device) return std::nullopt;
  return ErrorReport{.device = std::move(*device), .kind = kind, .message = std::string(line)};
}

std::optional<ErrorReport> ParseJournalLine(std::string_view line) {
  if (line.starts_with("Aborting ")) {
    if (!line.ends_with('.')) return std::nullopt;  // torn inside the name
    return JournalMessage(line, "Aborting journal on device ", Kind::kReadOnly);
  }
  bool of_data = line.starts_with("JBD2: Detected IO error");
  std::optional<ErrorReport> message =
      of_data ? JournalMessage(line, " while flushing file data on ", Kind::kWriteback)
              : JournalMessage(line, " when updating journal superblock for ", Kind::kDevice);
  if (!message) return std::nullopt;
  message->code = line.starts_with("JBD2: Error ") ? CodeAfter(line, "Error ") : EIO;
  return message;
}

}  // namespace

std::span<const std::string_view> Ext4LogPrefixes() { return kPrefixes; }

std::optional<ErrorReport> ParseExt4Line(std::string_view line) {
  while (line.ends_with('\n')) line.remove_suffix(1);
  LineScanner scanner(line);
  if (scanner.Skip("EXT4-fs error (device ")) return ParseError(scanner);
  if (scanner.Skip("EXT4-fs warning (device ")) return ParseWarning(scanner);
  if (scanner.Skip("EXT4-fs (")) return ParseMessage(scanner);
  return ParseJournalLine(line);
}

}  // namespace fsherald
