// SPDX-License-Identifier: MIT
// LineScanner: takes a log line apart from the left. A step that does not match changes nothing, so every loop over it
// either moves on or ends.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace fsherald {

class LineScanner {
 public:
  explicit LineScanner(std::string_view line) : rest_(line) {}

  std::string_view rest() const { return rest_; }

  // Steps over `text` if it stands here.
  bool Skip(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  // What stands before the next `end`; steps over both.
  std::optional<std::string_view> Until(std::string_view end) {
    size_t at = rest_.find(end);
    if (at == std::string_view::npos) return std::nullopt;
    std::string_view found = rest_.substr(0, at);
    rest_.remove_prefix(at + end.size());
    return found;
  }

  // A decimal number of at most 64 bits.
  std::optional<uint64_t> Number() {
    uint64_t value = 0;
    auto [end, failed] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (failed != std::errc()) return std::nullopt;
    rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    return value;
  }

  // A hexadecimal number of at most 64 bits, with or without "0x" before it.
  std::optional<uint64_t> Hex() {
    LineScanner ahead = *this;
    ahead.Skip("0x");
    uint64_t value = 0;
    const std::string_view digits = ahead.rest_;
    auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (failed != std::errc()) return std::nullopt;
    ahead.rest_.remove_prefix(static_cast<size_t>(end - digits.data()));
    *this = ahead;
    return value;
  }

  // `before`, a number, `after`: all three, or no step.
  std::optional<uint64_t> NumberBetween(std::string_view before, std::string_view after) {
    LineScanner ahead = *this;
    if (!ahead.Skip(before)) return std::nullopt;
    std::optional<uint64_t> value = ahead.Number();
    if (!value || !ahead.Skip(after)) return std::nullopt;
    *this = ahead;
    return value;
  }

 private:
  std::string_view rest_;
};

}  // namespace fsherald
