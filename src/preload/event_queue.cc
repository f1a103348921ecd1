// SPDX-License-Identifier: MIT
#include "preload/event_queue.h"

#include <cstring>

#include "source/fanotify_abi.h"

namespace fsherald::preload {
namespace {

constexpr fanotify_abi::Metadata kOverflow{.event_len = sizeof(fanotify_abi::Metadata),
                                           .version = fanotify_abi::kMetadataVersion,
                                           .reserved = 0,
                                           .metadata_len = sizeof(fanotify_abi::Metadata),
                                           .mask = FAN_Q_OVERFLOW,
                                           .fd = FAN_NOFD,
                                           .pid = 0};

}  // namespace

EventQueue::EventQueue() : memory_(new std::byte[kBytes]) { std::memset(memory_.get(), 0, kBytes); }

uint32_t EventQueue::LengthAt(uint64_t position) const {
  uint32_t length = 0;
  std::memcpy(&length, At(position), sizeof length);
  return length;
}

void EventQueue::SetLength(uint64_t position, uint32_t length) { std::memcpy(At(position), &length, sizeof length); }

EventQueue::Pushed EventQueue::Push(Bytes event) {
  const size_t slot_bytes = kHeaderBytes + (event.size() + 7) / 8 * 8;
  const size_t left = kPageBytes - head_ % kPageBytes;
  const size_t filler_bytes = left < slot_bytes ? left : 0;
  if (slot_bytes > kPageBytes || head_ + filler_bytes + slot_bytes - tail_ > kBytes) {
    const bool is_new = !overflow_at_;
    if (is_new) overflow_at_ = head_;
    return {.whole = false, .overflow_is_new = is_new};
  }
  if (filler_bytes != 0) {
    SetLength(head_, kFiller);
    if (tail_ == head_) tail_ += filler_bytes;
    if (overflow_at_ == head_) *overflow_at_ += filler_bytes;
    head_ += filler_bytes;
  }
  SetLength(head_, static_cast<uint32_t>(event.size()));
  std::memcpy(At(head_) + kHeaderBytes, event.data(), event.size());
  head_ += slot_bytes;
  return {.whole = true, .overflow_is_new = false};
}

std::optional<Bytes> EventQueue::Front() const {
  if (IsOverflowNext()) return std::as_bytes(std::span(&kOverflow, 1));
  if (tail_ == head_) return std::nullopt;
  return Bytes(At(tail_) + kHeaderBytes, LengthAt(tail_));
}

void EventQueue::Pop() {
  if (IsOverflowNext()) {
    overflow_at_.reset();
    return;
  }
  tail_ += kHeaderBytes + (LengthAt(tail_) + 7) / 8 * 8;
  if (tail_ != head_ && LengthAt(tail_) == kFiller) tail_ += kPageBytes - tail_ % kPageBytes;
}

}  // namespace fsherald::preload
