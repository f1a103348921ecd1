// SPDX-License-Identifier: MIT
#include "notify/record_ring.h"

#include <cstring>

namespace fsherald {

bool RecordRing::Put(uint64_t tag, Bytes payload) {
  const uint64_t bytes = SlotBytes(payload.size());
  if (given_back_ == written_) StartOver();
  const uint64_t left = LeftBehind(written_);
  const uint64_t filler = left < bytes ? left : 0;  // a slot never crosses the end of the memory
  if (written_ + filler + bytes - given_back_ > memory_.size()) return false;
  if (filler > 0) {
    const Slot empty{.bytes = kFiller};
    std::memcpy(Address(written_), &empty, sizeof empty);
    written_ += filler;
  }
  const Slot slot{.tag = tag, .bytes = static_cast<uint32_t>(payload.size())};
  std::memcpy(Address(written_), &slot, sizeof slot);
  if (!payload.empty()) std::memcpy(Address(written_) + sizeof slot, payload.data(), payload.size());
  written_ += bytes;
  return true;
}

// An empty ring begins again where its memory begins: of a reader who keeps up only that part is ever touched, and stays in the
// processor's cache.
void RecordRing::StartOver() {
  written_ += LeftBehind(written_) & (memory_.size() - 1);
  read_ = given_back_ = written_;
}

std::optional<RecordRing::Record> RecordRing::Next() { return At(read_, written_); }

std::optional<RecordRing::Record> RecordRing::Oldest() { return At(given_back_, read_); }

RecordRing::Slot RecordRing::SlotAt(uint64_t position) {
  Slot slot;
  std::memcpy(&slot, Address(position), sizeof slot);
  return slot;
}

// The record at `position`, if it is before `end`; moves `position` over a filler.
std::optional<RecordRing::Record> RecordRing::At(uint64_t& position, uint64_t end) {
  while (position != end) {
    const Slot slot = SlotAt(position);
    if (slot.bytes != kFiller)
      return Record{.tag = slot.tag, .payload = Bytes(Address(position) + sizeof slot, slot.bytes)};
    position += LeftBehind(position);
  }
  return std::nullopt;
}

}  // namespace fsherald
