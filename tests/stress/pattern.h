// SPDX-License-Identifier: MIT
// The records of the stress: what each holds follows from who submitted it, its number and its size, so that the reader can
// tell whether it is whole.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "ring/layout.h"

namespace fsherald::stress {

// A producer is a thread, a thread's signal handlers, or a process; it numbers its records from 1.
struct RecordId {
  uint32_t producer = 0;
  uint64_t number = 0;
};
constexpr uint32_t kNoProducer = 0;  // of records too small to name theirs

class Random {
 public:
  constexpr explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}
  constexpr uint64_t Next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }

 private:
  uint64_t state_;
};

// 0 to 4096: small ones are more frequent, all of them come.
inline size_t RandomSize(Random& random) {
  const uint64_t value = random.Next();
  const uint64_t limit = uint64_t{32} << (value >> 60) / 2;  // 32 to 4096
  return static_cast<size_t>((value & 0xffffffff) % (limit + 1));
}

inline constexpr size_t kTableBytes = 2 * ring::kMaxRecordBytes;
constexpr std::array<std::byte, kTableBytes> MakeTable() {
  std::array<std::byte, kTableBytes> bytes{};
  Random random(42);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.Next() >> 24);
  return bytes;
}
// Made by the compiler: made at its first use, a signal handler that came amid that would wait for the thread it interrupts.
inline constexpr std::array<std::byte, kTableBytes> kTable = MakeTable();

inline const std::byte* BodyOf(RecordId id) {
  return kTable.data() + (id.number * 31 + id.producer * 977) % ring::kMaxRecordBytes;
}

inline void FillRecord(std::byte* to, size_t bytes, RecordId id) {
  if (bytes < sizeof id) {
    std::memcpy(to, kTable.data(), bytes);
    return;
  }
  std::memcpy(to, &id.producer, sizeof id.producer);
  const auto size = static_cast<uint32_t>(bytes);
  std::memcpy(to + 4, &size, sizeof size);
  std::memcpy(to + 8, &id.number, sizeof id.number);
  std::memcpy(to + sizeof id, BodyOf(id), bytes - sizeof id);
}

}  // namespace fsherald::stress
