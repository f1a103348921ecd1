// SPDX-License-Identifier: MIT
#include "filesystem/log_pattern.h"

#include <charconv>
#include <optional>
#include <utility>

#include "filesystem/line_scanner.h"

namespace fsherald {
namespace {

constexpr uint64_t kMaxErrno = 4095;

struct Token {
  std::string_view name;
  char type = 'd';
};

// What stands between the braces.
Token ParseToken(std::string_view token) {
  const size_t colon = token.find(':');
  if (colon == token.npos) return {.name = token};
  return {.name = token.substr(0, colon), .type = token.back()};
}

std::optional<uint64_t> TakeHexadecimal(LineScanner& scanner) {
  scanner.Skip("0x");
  const std::string_view digits = scanner.rest();
  uint64_t value = 0;
  auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (failed != std::errc()) return std::nullopt;
  scanner.Skip(digits.substr(0, static_cast<size_t>(end - digits.data())));
  return value;
}

void SetNumber(std::string_view name, uint64_t value, ErrorReport& report) {
  if (name == "inode") {
    report.inode = value;
  } else if (name == "block") {
    report.block = value;
  } else if (name == "errno") {
    if (value > 0 && value <= kMaxErrno) report.code = static_cast<int>(value);
  } else {
    report.fields.push_back({std::string(name), value});
  }
}

bool SetText(std::string_view name, std::string_view value, ErrorReport& report) {
  if (value.empty()) return false;
  const bool is_word = value.find(' ') == value.npos;
  if (name == "device") {
    report.device = value;
    return is_word;
  }
  if (name == "function") {
    report.function = value;
    return is_word;
  }
  report.fields.push_back({std::string(name), std::string(value)});
  return true;
}

// Steps to `next`, which stays; to the end where it is empty.
std::optional<std::string_view> TakeText(LineScanner& scanner, std::string_view next) {
  const std::string_view text = scanner.rest();
  const size_t length = next.empty() ? text.size() : text.find(next);
  if (length == text.npos) return std::nullopt;
  scanner.Skip(text.substr(0, length));
  return text.substr(0, length);
}

bool TakeToken(const Token& token, std::string_view next, LineScanner& scanner, ErrorReport& report) {
  if (token.name == "*") return TakeText(scanner, next).has_value();
  if (token.type == 's') {
    const std::optional<std::string_view> text = TakeText(scanner, next);
    return text && SetText(token.name, *text, report);
  }
  if (token.type == 'd') scanner.Skip("-");
  const std::optional<uint64_t> number = token.type == 'x' ? TakeHexadecimal(scanner) : scanner.Number();
  if (number) SetNumber(token.name, *number, report);
  return number.has_value();
}

std::string_view TakeLiteral(std::string_view& pattern) {
  const std::string_view literal = pattern.substr(0, pattern.find('{'));
  pattern.remove_prefix(literal.size());
  return literal;
}

}  // namespace

bool MatchPattern(std::string_view pattern, std::string_view line, ErrorReport& report, std::string_view& rest) {
  ErrorReport matched = report;
  LineScanner scanner(line);
  if (!scanner.Skip(TakeLiteral(pattern))) return false;
  while (!pattern.empty()) {
    const size_t end = pattern.find('}');
    const Token token = ParseToken(pattern.substr(1, end - 1));
    pattern.remove_prefix(end + 1);
    const std::string_view next = TakeLiteral(pattern);
    if (!TakeToken(token, next, scanner, matched) || !scanner.Skip(next)) return false;
  }
  report = std::move(matched);
  rest = scanner.rest();
  return true;
}

}  // namespace fsherald
