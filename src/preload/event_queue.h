// SPDX-License-Identifier: MIT
// EventQueue: the RFC's ring of one group: 16 pages, slots of any size, none across a page. What finds no room is
// dropped, and one FAN_Q_OVERFLOW event stands where the loss began.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.h"

namespace fsherald::preload {

// One thread at a time. All memory is taken when it is made.
class EventQueue {
 public:
  static constexpr size_t kPageBytes = 4096;
  static constexpr size_t kPages = 16;

  EventQueue();

  // Appends an event; false: it was dropped, and the reader has one event more only where `overflow_is_new`.
  struct Pushed {
    bool whole = false;
    bool overflow_is_new = false;
  };
  Pushed Push(Bytes event);

  // The oldest event, or the overflow where its turn has come; empty: none. It lives until Pop.
  std::optional<Bytes> Front() const;
  void Pop();

 private:
  static constexpr size_t kBytes = kPages * kPageBytes;
  static constexpr uint32_t kFiller = UINT32_MAX;  // in the place of a length: the rest of the page is empty
  static constexpr size_t kHeaderBytes = 8;

  bool IsOverflowNext() const { return overflow_at_ && *overflow_at_ == tail_; }
  std::byte* At(uint64_t position) const { return memory_.get() + position % kBytes; }
  uint32_t LengthAt(uint64_t position) const;
  void SetLength(uint64_t position, uint32_t length);

  std::unique_ptr<std::byte[]> memory_;
  uint64_t head_ = 0;                    // counted from the beginning of time
  uint64_t tail_ = 0;                    // never at a filler
  std::optional<uint64_t> overflow_at_;  // the overflow comes before the event at this position
};

}  // namespace fsherald::preload
