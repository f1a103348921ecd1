// SPDX-License-Identifier: MIT
// RecordRing: records of any size, one behind the other, in preallocated memory. Of one thread, so a few plain numbers are enough
// where ring/ needs atomics; and what was read is given back record by record, as its reader acknowledges it.
//
//   given back <= read <= written: positions in bytes, counted from the beginning of time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"

namespace fsherald {

// One thread.
class RecordRing {
 public:
  struct Record {
    uint64_t tag = 0;  // the writer's own: a group's sequence number
    Bytes payload;     // in the ring: until it is given back
  };

  // `bytes`: a power of two, 16 or more. All of it is touched at once.
  explicit RecordRing(uint32_t bytes) : memory_(bytes) {}

  // False: no room. Room is what was given back.
  bool Put(uint64_t tag, Bytes payload);

  // The next to be read; empty: all were.
  std::optional<Record> Next();
  void Skip() { read_ = End(read_); }

  // The oldest that was read and not given back; empty: there is none.
  std::optional<Record> Oldest();
  void GiveBack() { given_back_ = End(given_back_); }

  // The next to be read is the oldest that was not given back.
  void Rewind() { read_ = given_back_; }

  uint64_t written() const { return written_; }
  uint64_t read() const { return read_; }
  uint64_t given_back() const { return given_back_; }

 private:
  struct Slot {
    uint64_t tag = 0;
    uint32_t bytes = 0;  // of the payload, which follows; kFiller: the rest of the memory is empty
    uint32_t reserved = 0;
  };
  static constexpr uint32_t kFiller = UINT32_MAX;

  static uint64_t SlotBytes(size_t payload) {
    return (sizeof(Slot) + payload + sizeof(Slot) - 1) / sizeof(Slot) * sizeof(Slot);
  }
  std::byte* Address(uint64_t position) { return memory_.data() + (position & (memory_.size() - 1)); }
  uint64_t LeftBehind(uint64_t position) const { return memory_.size() - (position & (memory_.size() - 1)); }
  void StartOver();
  Slot SlotAt(uint64_t position);
  std::optional<Record> At(uint64_t& position, uint64_t end);
  uint64_t End(uint64_t position) { return position + SlotBytes(SlotAt(position).bytes); }

  std::vector<std::byte> memory_;
  uint64_t written_ = 0;
  uint64_t read_ = 0;
  uint64_t given_back_ = 0;
};

}  // namespace fsherald
