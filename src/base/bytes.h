// SPDX-License-Identifier: MIT
// ByteReader: takes fixed-size values from bytes that nobody vouches for. Every read checks first; a read that does not
// fit returns nothing and leaves the position where it was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>

namespace fsherald {

using Bytes = std::span<const std::byte>;

class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : bytes_(bytes) {}

  size_t remaining() const { return bytes_.size(); }
  Bytes rest() const { return bytes_; }

  // Copies the next sizeof(T) bytes as they are (native byte order).
  template <typename T>
  std::optional<T> Read() {
    static_assert(std::is_trivially_copyable_v<T>);
    if (bytes_.size() < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, bytes_.data(), sizeof(T));
    bytes_ = bytes_.subspan(sizeof(T));
    return value;
  }

  // The next `size` bytes as a view into the same memory.
  std::optional<Bytes> Take(size_t size) {
    if (bytes_.size() < size) return std::nullopt;
    Bytes taken = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return taken;
  }

 private:
  Bytes bytes_;
};

}  // namespace fsherald
