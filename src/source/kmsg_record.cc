// SPDX-License-Identifier: MIT
#include "source/kmsg_record.h"

#include <charconv>
#include <limits>
#include <string_view>

#include "filesystem/line_scanner.h"

namespace fsherald {
namespace {

// Four characters "\xHH" at the beginning; empty: none.
std::optional<char> EscapedByte(std::string_view text) {
  if (text.size() < 4 || !text.starts_with("\\x")) return std::nullopt;
  unsigned byte = 0;
  auto [end, failed] = std::from_chars(text.data() + 2, text.data() + 4, byte, 16);
  if (failed != std::errc() || end != text.data() + 4) return std::nullopt;
  return static_cast<char>(byte);
}

std::string Unescape(std::string_view text) {
  std::string raw;
  raw.reserve(text.size());
  while (!text.empty()) {
    std::optional<char> byte = EscapedByte(text);
    raw.push_back(byte.value_or(text.front()));
    text.remove_prefix(byte ? 4 : 1);
  }
  return raw;
}

// "-" or "c", then more members, "caller=T123" among them: what is unknown is skipped.
bool ReadFlags(std::string_view flags, KmsgRecord& record) {
  LineScanner scanner(flags);
  record.continuation = scanner.Skip("c");
  if (!record.continuation && !scanner.Skip("-") && !scanner.Skip("+")) return false;  // "+": kernels before 4.20
  while (scanner.Skip(",")) {
    std::string_view member = scanner.rest().substr(0, scanner.rest().find(','));
    std::optional<uint64_t> tid = LineScanner(member).NumberBetween("caller=T", "");
    if (tid && *tid <= std::numeric_limits<uint32_t>::max()) record.caller_tid = static_cast<uint32_t>(*tid);
    scanner.Skip(member);
  }
  return true;
}

bool ReadHead(std::string_view head, KmsgRecord& record) {
  LineScanner scanner(head);
  std::optional<uint64_t> priority = scanner.NumberBetween("", ",");
  std::optional<uint64_t> sequence = scanner.NumberBetween("", ",");
  std::optional<uint64_t> usec = scanner.NumberBetween("", ",");
  if (!priority || !sequence || !usec || *priority / 8 > std::numeric_limits<unsigned>::max()) return false;
  record.level = static_cast<unsigned>(*priority % 8);
  record.facility = static_cast<unsigned>(*priority / 8);
  record.sequence = *sequence;
  record.usec = *usec;
  return ReadFlags(scanner.rest(), record);
}

void ReadFields(LineScanner scanner, KmsgRecord& record) {
  while (std::optional<std::string_view> line = scanner.Until("\n")) {
    LineScanner field(*line);
    if (!field.Skip(" ")) continue;
    if (std::optional<std::string_view> key = field.Until("=")) {
      record.fields.emplace_back(Unescape(*key), Unescape(field.rest()));
    }
  }
}

}  // namespace

std::optional<KmsgRecord> ParseKmsgRecord(Bytes bytes) {
  LineScanner scanner(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  std::optional<std::string_view> head = scanner.Until(";");
  std::optional<std::string_view> text = scanner.Until("\n");
  if (!head || !text) return std::nullopt;
  KmsgRecord record;
  if (!ReadHead(*head, record)) return std::nullopt;
  record.text = Unescape(*text);
  while (record.text.ends_with('\n')) record.text.pop_back();  // a message that ends in two line ends brings one along
  ReadFields(scanner, record);
  return record;
}

}  // namespace fsherald
