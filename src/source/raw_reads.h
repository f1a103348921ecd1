// SPDX-License-Identifier: MIT
// RawReads: memory that outlives the process (a file in /run), into which the kernel's read(2) writes: what it took from a queue
// is still there if we are killed before anything was made of it.
//
// The memory is chunks, used in turn. A chunk is cleared, and bears its number, before it is read into: so one that bears the
// number that is due and does not begin with zeros holds what was read, however far we came after that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "base/bytes.h"

namespace fsherald {

// One thread.
class RawReads {
 public:
  static constexpr size_t kReadBytes = 16384;
  static constexpr size_t kChunkBytes = kReadBytes + 64;
  static constexpr size_t kChunks = 16;
  static constexpr size_t kBytes = kChunks * kChunkBytes;

  // `memory`: kBytes, aligned to 64 bytes, must outlive it. `next`: as next() was when that was safe.
  RawReads(std::span<std::byte> memory, uint64_t next) : memory_(memory), released_(next), next_(next) {}

  // What was read since, and by whom; goes on behind it.
  void TakeUp(const std::function<void(uint32_t reader, Bytes bytes)>& handler);

  // Cleared room for one read of `reader`; empty: all of it waits for a Release.
  std::span<std::byte> Begin(uint32_t reader);
  // Nothing was read: the room is used again.
  void Cancel() { --next_; }

  uint64_t next() const { return next_; }
  // What was read before the number is safe.
  void Release(uint64_t next) { released_ = next; }

 private:
  struct Head {
    uint64_t number;  // of the chunk, from 1
    uint32_t reader;
  };
  std::byte* At(uint64_t number) const { return memory_.data() + number % kChunks * kChunkBytes; }

  std::span<std::byte> memory_;
  uint64_t released_;
  uint64_t next_;
};

}  // namespace fsherald
