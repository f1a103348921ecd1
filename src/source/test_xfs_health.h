// SPDX-License-Identifier: MIT
// Events of XFS's health monitor as bytes, made by hand: byte by byte as fs/xfs/libxfs/xfs_fs.h has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace fsherald {

class XfsHealthBytes {
 public:
  template <typename T>
  XfsHealthBytes& Put(size_t at, T value) {
    std::memcpy(&bytes_[bytes_.size() - 64 + at], &value, sizeof(T));
    return *this;
  }
  XfsHealthBytes& Event(uint32_t domain, uint32_t type, uint64_t utc_ns = 1'000'000'000) {
    bytes_.resize(bytes_.size() + 64);
    return Put(0, domain).Put(4, type).Put(8, utc_ns);
  }

  XfsHealthBytes& Running() { return Event(0, 0); }
  XfsHealthBytes& Lost(uint64_t count) { return Event(0, 1).Put(16, count); }
  XfsHealthBytes& Unmount() { return Event(0, 2); }
  XfsHealthBytes& Shutdown(uint32_t reasons) { return Event(0, 6).Put(16, reasons); }
  XfsHealthBytes& Sick(uint32_t mask, uint64_t inode, uint32_t generation) {
    return Event(3, 3).Put(16, mask).Put(20, generation).Put(24, inode);
  }
  XfsHealthBytes& SickGroup(uint32_t mask, uint32_t group) { return Event(2, 3).Put(16, mask).Put(20, group); }
  XfsHealthBytes& Media(uint64_t daddr, uint64_t count) { return Event(5, 7).Put(16, daddr).Put(24, count); }
  XfsHealthBytes& File(uint32_t type, uint64_t inode, uint64_t position, uint64_t length, uint32_t code) {
    return Event(8, type).Put(16, position).Put(24, length).Put(32, inode).Put(40, uint32_t{77}).Put(44, code);
  }

  const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace fsherald
