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

bool IsOurs(char c) { return c >= kDecimal && c <= kLiteral; }

// The digits at the beginning that print as the same when they are read: no leading zero, not too many.
template <typename IsOne>
size_t NumberLength(std::string_view text, IsOne is_digit, size_t most) {
  size_t length = 0;
  while (length < text.size() && is_digit(text[length])) ++length;
  return length > most || (length > 1 && text[0] == '0') ? 0 : length;
}
size_t DecimalLength(std::string_view text) {
  return NumberLength(
      text, [](char c) { return IsDigit(c); }, kMostDigits);
}
size_t HexLength(std::string_view text) {
  return NumberLength(
      text, [](char c) { return IsHexDigit(c); }, kMostHexDigits);
}

// What goes as it is, of a text that begins with no number: at least a byte.
size_t WordsLength(std::string_view text, bool follows_zero) {
  // Digits that are no number go to the last: else their rest would be one.
  if (IsDigit(text[0])) {
    size_t length = 1;
    while (!text.starts_with("0x") && length < text.size() && IsDigit(text[length])) ++length;
    return length;
  }
  if (follows_zero && text[0] == 'x') return 1;  // a hex number may come
  size_t length = 0;
  while (length < text.size() && !IsDigit(text[length]) && !IsOurs(text[length])) ++length;
  return std::max<size_t>(length, 1);
}

void AppendNumber(uint64_t value, int base, std::string& out) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value, base).ptr);
}

}  // namespace

Templated ToTemplate(std::string_view text) {
  Templated result;
  result.words.reserve(text.size());
  result.numbers.reserve(8);
  while (!text.empty()) {
    const bool is_hex = result.words.ends_with("0x");
    size_t length = is_hex ? HexLength(text) : DecimalLength(text);
    // The zero of a "0x" is no number.
    if (length > 0 && !(length == 1 && text.starts_with("0x"))) {
      uint64_t value = 0;
      std::from_chars(text.data(), text.data() + length, value, is_hex ? 16 : 10);
      result.numbers.push_back(value);
      result.words += is_hex ? kHex : kDecimal;
    } else if (IsOurs(text[0])) {
      length = 1;
      result.words += kLiteral;
      result.words += text[0];
    } else {
      // One that might be the first of too long a hex number goes alone: what is behind it is looked at anew.
      length = is_hex && IsHexDigit(text[0]) && !IsDigit(text[0]) ? 1 : WordsLength(text, result.words.ends_with('0'));
      result.words += text.substr(0, length);
    }
    text.remove_prefix(length);
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
