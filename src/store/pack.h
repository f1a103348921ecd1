// SPDX-License-Identifier: MIT
// Packing: values as few bytes, and back. Numbers are LEB128 (7 bits a byte, the lowest first), strings their length and
// their bytes. What is read is hostile: nothing is read beyond the end, and the first thing that does not fit ends it all.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fsherald {

class Packer {
 public:
  explicit Packer(std::string& out) : out_(out) {}
  void Number(uint64_t value) {
    char bytes[10];
    size_t length = 0;
    for (; value >= 0x80; value >>= 7) bytes[length++] = static_cast<char>(value | 0x80);
    bytes[length++] = static_cast<char>(value);
    out_.append(bytes, length);
  }
  // Small for small negative numbers too.
  void Signed(int64_t value) { Number(static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63)); }
  void Raw(std::string_view bytes) { out_ += bytes; }
  void Text(std::string_view text) {
    Number(text.size());
    out_ += text;
  }
  // Nothing is 0, so that it costs a byte.
  void Optional(const std::optional<uint64_t>& value) {
    Number(value ? 1 : 0);
    if (value) Number(*value);
  }

 private:
  std::string& out_;
};

// After something did not fit all is 0 and empty, and ok() is false.
class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : rest_(bytes) {}
  bool ok() const { return ok_; }
  bool AtEnd() const { return rest_.empty(); }
  size_t remaining() const { return rest_.size(); }
  void Fail() {
    ok_ = false;
    rest_ = {};
  }

  uint64_t Number() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      if (shift == 63 && byte > 1) break;
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    Fail();
    return 0;
  }
  int64_t Signed() {
    const uint64_t value = Number();
    return static_cast<int64_t>(value >> 1 ^ (~(value & 1) + 1));
  }
  // Fails where the number is larger than `most`.
  uint64_t NumberUpTo(uint64_t most) {
    const uint64_t value = Number();
    if (value <= most) return value;
    Fail();
    return 0;
  }
  std::string_view Raw(size_t size) {
    if (size > rest_.size()) {
      Fail();
      return {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  std::string_view Text() { return Raw(Number()); }
  std::optional<uint64_t> Optional() {
    if (NumberUpTo(1) == 0) return std::nullopt;
    return Number();
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace fsherald
