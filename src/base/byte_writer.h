// SPDX-License-Identifier: MIT
// ByteWriter: appends values of fixed size and strings to bytes, as ByteReader takes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/bytes.h"

namespace fsherald {

class ByteWriter {
 public:
  template <typename T>
  void Add(const T& value) {
    static_assert(std::is_trivially_copyable_v<T> && std::has_unique_object_representations_v<T>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void AddString(std::string_view text) {
    Add(static_cast<uint32_t>(text.size()));
    bytes_ += text;
  }
  template <typename T>
  void AddOptional(const std::optional<T>& value) {
    Add(static_cast<uint8_t>(value.has_value()));
    if (value) Add(*value);
  }

  // The count, then each element, which `add` appends.
  template <typename Range, typename AddOne>
  void AddList(const Range& range, AddOne add) {
    Add(static_cast<uint32_t>(range.size()));
    for (const auto& element : range) add(element);
  }

  std::string& bytes() { return bytes_; }

 private:
  std::string bytes_;
};

// The other side: what does not fit reads as empty, and has_failed says so from then on.
class CheckedReader {
 public:
  explicit CheckedReader(Bytes bytes) : reader_(bytes) {}

  template <typename T>
  T Get() {
    auto value = reader_.Read<T>();
    failed_ = failed_ || !value;
    return value.value_or(T{});
  }
  template <typename T>
  std::optional<T> GetOptional() {
    if (Get<uint8_t>() == 0) return std::nullopt;
    return Get<T>();
  }
  std::string GetString() {
    const auto bytes = reader_.Take(Get<uint32_t>());
    failed_ = failed_ || !bytes;
    return bytes ? std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size()) : std::string();
  }
  // Calls `get_one` for each element, which reads it, until something does not fit. Each has at least a byte: so no hostile count
  // costs more than the bytes that are there.
  template <typename GetOne>
  void GetList(GetOne get_one) {
    const auto count = Get<uint32_t>();
    failed_ = failed_ || count > reader_.remaining();
    for (uint32_t left = count; left > 0 && !failed_; --left) get_one();
  }
  // What was read contradicts itself.
  void Fail() { failed_ = true; }
  bool has_failed() const { return failed_; }
  bool is_at_end() const { return reader_.remaining() == 0; }

 private:
  ByteReader reader_;
  bool failed_ = false;
};

}  // namespace fsherald
