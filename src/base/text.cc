// SPDX-License-Identifier: MIT
#include "base/text.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace fsherald {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view kHexDigits = "0123456789abcdef";

struct Utf8Char {
  uint32_t code_point = 0;
  size_t size_bytes = 0;  // 0: not UTF-8
};

constexpr bool IsContinuation(char c) { return (static_cast<uint8_t>(c) & 0xC0) == 0x80; }

// The character of two to four bytes at the start of `bytes`, which is not empty.
Utf8Char DecodeMultibyte(std::string_view bytes) {
  const auto lead = static_cast<uint8_t>(bytes[0]);
  size_t size = 0;
  uint32_t smallest = 0;  // a code point below it has a shorter form
  if ((lead & 0xE0) == 0xC0) size = 2, smallest = 0x80;
  else if ((lead & 0xF0) == 0xE0) size = 3, smallest = 0x800;
  else if ((lead & 0xF8) == 0xF0) size = 4, smallest = 0x10000;
  if (size == 0 || bytes.size() < size) return {};
  uint32_t code_point = lead & (0x7FU >> size);
  for (size_t i = 1; i < size; ++i) {
    if (!IsContinuation(bytes[i])) return {};
    code_point = code_point << 6 | (static_cast<uint8_t>(bytes[i]) & 0x3FU);
  }
  const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (code_point < smallest || code_point > 0x10FFFF || surrogate) return {};
  return {code_point, size};
}

// Of the characters above ASCII.
constexpr bool ActsInsteadOfBeingSeen(uint32_t c) {
  return c <= 0x9F || c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}

// `c` is below U+10000.
void AppendUnicodeEscape(uint32_t c, std::string& out) {
  const char escape[] = {
      '\\', 'u', kHexDigits[c >> 12 & 15], kHexDigits[c >> 8 & 15], kHexDigits[c >> 4 & 15], kHexDigits[c & 15]};
  out.append(escape, sizeof escape);
}

void AppendHexEscape(uint8_t c, std::string& out) {
  const char escape[] = {'\\', 'x', kHexDigits[c >> 4], kHexDigits[c & 15]};
  out.append(escape, sizeof escape);
}

// The letter of \n and its like; 0: the character has none.
constexpr char ShortEscape(char c) {
  switch (c) {
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    default: return 0;
  }
}

void AppendShortEscape(char letter, std::string& out) {
  const char escape[] = {'\\', letter};
  out.append(escape, sizeof escape);
}

struct TerminalRules {
  static constexpr bool IsPlain(uint8_t c) { return c >= 0x20 && c < 0x7F; }
  static void AppendAscii(char c, std::string& out) {
    if (char letter = ShortEscape(c)) AppendShortEscape(letter, out);
    else AppendHexEscape(static_cast<uint8_t>(c), out);
  }
};

struct JsonRules {
  static constexpr bool IsPlain(uint8_t c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; }
  static void AppendAscii(char c, std::string& out) {
    if (c == '"' || c == '\\') AppendShortEscape(c, out);
    else if (char letter = ShortEscape(c)) AppendShortEscape(letter, out);
    else AppendUnicodeEscape(static_cast<uint8_t>(c), out);
  }
};

// Appends the first character of `raw` (or the replacement of its first byte); returns how many bytes that took.
template <typename Rules>
size_t AppendSpecial(std::string_view raw, std::string& out) {
  if (static_cast<uint8_t>(raw[0]) < 0x80) {
    Rules::AppendAscii(raw[0], out);
    return 1;
  }
  const Utf8Char c = DecodeMultibyte(raw);
  if (c.size_bytes == 0) {
    out.append(kReplacement);
    return 1;
  }
  if (ActsInsteadOfBeingSeen(c.code_point)) AppendUnicodeEscape(c.code_point, out);
  else out.append(raw.substr(0, c.size_bytes));
  return c.size_bytes;
}

// Plain ASCII, nearly all there is, is copied in runs.
template <typename Rules>
void AppendEscaped(std::string_view raw, std::string& out) {
  static constexpr auto kPlain = [] {
    std::array<bool, 256> plain{};
    for (size_t c = 0; c < plain.size(); ++c) plain[c] = Rules::IsPlain(static_cast<uint8_t>(c));
    return plain;
  }();
  while (!raw.empty()) {
    size_t run = 0;
    while (run < raw.size() && kPlain[static_cast<uint8_t>(raw[run])]) ++run;
    out.append(raw.data(), run);
    raw.remove_prefix(run);
    if (!raw.empty()) raw.remove_prefix(AppendSpecial<Rules>(raw, out));
  }
}

}  // namespace

void AppendForTerminal(std::string_view raw, std::string& out) { AppendEscaped<TerminalRules>(raw, out); }

std::string ForTerminal(std::string_view raw) {
  std::string out;
  AppendForTerminal(raw, out);
  return out;
}

void AppendJsonString(std::string_view raw, std::string& out) {
  out.push_back('"');
  AppendEscaped<JsonRules>(raw, out);
  out.push_back('"');
}

}  // namespace fsherald
