// SPDX-License-Identifier: MIT
#include "store/template.h"

#include <algorithm>
#include <charconv>

namespace fsherald {
namespace {

constexpr char kDecimal = '\x01';
constexpr char kHex = '\x02';      // lower case; the "0x" before it is among the words
constexpr char kLiteral = '\x03';  // the byte behind it is itself
constexpr size_t kMostDigits = 19;
constexpr size_t kMostHexDigits = 16;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHexDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); }

// The digits at the beginning that print as the same when they are read: no leading zero, not too many.
size_t NumberLength(std::string_view text, bool (*is_digit)(char), size_t most) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  const auto length = static_cast<size_t>(end - text.begin());
  return length > most || (length > 1 && text[0] == '0') ? 0 : length;
}

void AppendNumber(uint64_t value, int base, std::string& out) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value, base).ptr);
}

}  // namespace

Templated ToTemplate(std::string_view text) {
  Templated result;
  while (!text.empty()) {
    const bool is_hex = result.words.ends_with("0x");
    const size_t length =
        is_hex ? NumberLength(text, IsHexDigit, kMostHexDigits) : NumberLength(text, IsDigit, kMostDigits);
    // The zero of a "0x" is no number.
    if (length > 0 && !(length == 1 && text.starts_with("0x"))) {
      uint64_t value = 0;
      std::from_chars(text.data(), text.data() + length, value, is_hex ? 16 : 10);
      result.numbers.push_back(value);
      result.words += is_hex ? kHex : kDecimal;
      text.remove_prefix(length);
      continue;
    }
    // Digits that are no number go as they are, to the last: else their rest would be one.
    size_t taken = 1;
    if (IsDigit(text[0]) && !text.starts_with("0x"))
      taken = static_cast<size_t>(std::find_if_not(text.begin(), text.end(), IsDigit) - text.begin());
    for (const char c : text.substr(0, taken)) {
      if (c >= kDecimal && c <= kLiteral) result.words += kLiteral;
      result.words += c;
    }
    text.remove_prefix(taken);
  }
  return result;
}

size_t CountNumbers(std::string_view words) {
  size_t count = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == kLiteral) ++i;
    else if (words[i] == kDecimal || words[i] == kHex) ++count;
  }
  return count;
}

std::string FromTemplate(std::string_view words, const std::vector<uint64_t>& numbers) {
  std::string text;
  size_t next = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == kLiteral && i + 1 < words.size()) {
      text += words[++i];
    } else if ((words[i] == kDecimal || words[i] == kHex) && next < numbers.size()) {
      AppendNumber(numbers[next++], words[i] == kHex ? 16 : 10, text);
    } else {
      text += words[i];
    }
  }
  return text;
}

}  // namespace fsherald
