// SPDX-License-Identifier: MIT
#include "ring/ring_reader.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "ring/fence.h"

namespace fsherald::ring {
namespace {

// One copy of a field that a producer may be changing.
template <typename T>
T ReadOnce(const T& field) {
  return std::atomic_ref<T>(const_cast<T&>(field)).load(std::memory_order_relaxed);
}

// Copies a payload that a producer may be changing: words of a mixed age are the worst that comes of it. Reads up to a multiple
// of 8 bytes: slots and the cell have room for that, and so has the buffer.
void CopyOut(std::byte* to, const std::byte* from, size_t bytes) {
  for (size_t i = 0; i < bytes; i += sizeof(uint64_t)) {
    const uint64_t word = ReadOnce(*reinterpret_cast<const uint64_t*>(from + i));
    std::memcpy(to + i, &word, sizeof word);
  }
}

Slot ReadSlot(const std::byte* at) {
  const auto* slot = reinterpret_cast<const Slot*>(at);
  return {.bytes = ReadOnce(slot->bytes), .reserved = 0, .ticks = ReadOnce(slot->ticks)};
}

Error NoRing(const char* why) { return Error{std::string("this memory holds no ring: ") + why, 0}; }

}  // namespace

Result<RingReader> RingReader::Open(std::span<std::byte> segment) {
  if (segment.size() < sizeof(SegmentHeader)) return NoRing("it is too small");
  RingReader reader;
  reader.header_ = reinterpret_cast<SegmentHeader*>(segment.data());
  const uint32_t lane_count = ReadOnce(reader.header_->lane_count);
  reader.lane_bytes_ = ReadOnce(reader.header_->lane_bytes);
  reader.clock_ = static_cast<Clock>(ReadOnce(reader.header_->clock));
  reader.fences_ = ReadOnce(reader.header_->fences) != 0;
  if (ReadOnce(reader.header_->magic) != kMagic) return NoRing("its first bytes are not a ring's");
  if (lane_count < 1 || lane_count > kMaxLanes) return NoRing("the number of lanes is out of bounds");
  if (!std::has_single_bit(reader.lane_bytes_) || reader.lane_bytes_ < kMinLaneBytes ||
      reader.lane_bytes_ > kMaxLaneBytes)
    return NoRing("the size of a lane is out of bounds");
  if (segment.size() < SegmentBytes(lane_count, reader.lane_bytes_)) return NoRing("its lanes do not fit");
  if (reader.clock_ != kBoottimeNs && reader.clock_ != kTsc) return NoRing("its clock is unknown");
  auto* lanes = reinterpret_cast<Lane*>(reader.header_ + 1);
  const auto* data = reinterpret_cast<const std::byte*>(lanes + lane_count);
  for (uint32_t i = 0; i < lane_count; ++i, data += reader.lane_bytes_) {
    // An earlier consumer's. Partner: none, it is gone.
    const uint64_t tail = lanes[i].tail.load(std::memory_order_relaxed);
    if (tail % kSlotAlign != 0) return NoRing("a lane begins in the middle of a slot");
    reader.lanes_.push_back({.shared = &lanes[i], .data = data, .released = tail, .read = tail, .limit = tail});
  }
  reader.counted_released_ = reader.header_->cell.counted_taken.load(std::memory_order_relaxed);
  reader.counted_read_ = reader.counted_released_;
  reader.ready_.reserve(lane_count);
  reader.buffer_.resize(kMaxRecordBytes);
  return reader;
}

std::optional<RingRecord> RingReader::Next() {
  for (int looks = 0; looks < 2 && !broken_; ++looks) {
    LaneView* const first = Earliest();
    if (broken_) return std::nullopt;
    if (cell_.seen && !cell_.taken && (first == nullptr || cell_ticks_ <= first->next->ticks)) return TakeCell();
    if (first != nullptr) return Take(*first);
    if (looks == 0) Look();
  }
  return std::nullopt;
}

RingReader::LaneView* RingReader::Earliest() {
  LaneView* first = nullptr;
  std::erase_if(ready_, [&](LaneView* lane) {
    if (!Peek(*lane)) return true;
    if (first == nullptr || lane->next->ticks < first->next->ticks) first = lane;
    return false;
  });
  return first;
}

// The heads before the cell: who put a record into the cell and then one into its lane has them told in this order. And once
// more behind it: who filled its lane and then the cell has them told in that order.
void RingReader::Look() {
  LookAtHeads();
  const Cell& cell = header_->cell;
  // Partner: the release store of kFull in RingWriter::Fold.
  if (cell_.seen || cell.state.load(std::memory_order_acquire) != kFull) return;
  cell_.seen = true;
  cell_ticks_ = ReadOnce(cell.ticks);
  LookAtHeads();
}

void RingReader::LookAtHeads() {
  ready_.clear();
  for (LaneView& lane : lanes_) {
    // Partner: the release store of head in RingWriter::Publish: all slots before it are written.
    const uint64_t head = lane.shared->head.load(std::memory_order_acquire);
    const uint64_t kept = head - lane.released;
    if (kept > lane_bytes_ || kept < lane.read - lane.released || head % kSlotAlign != 0) {
      broken_ = true;
      return;
    }
    lane.limit = head;
    if (lane.read != head) ready_.push_back(&lane);
  }
}

// Whether the lane has a slot before its limit; it is in `next` then.
bool RingReader::Peek(LaneView& lane) {
  while (!lane.next && lane.read != lane.limit) {
    const uint64_t offset = lane.read & (lane_bytes_ - 1);
    Slot slot = ReadSlot(lane.data + offset);
    const uint64_t bytes = slot.bytes == kSkip ? lane_bytes_ - offset : SlotBytes(slot.bytes);
    const bool is_whole = bytes <= lane.limit - lane.read && bytes <= lane_bytes_ - offset &&
                          (slot.bytes == kSkip || slot.bytes <= kMaxRecordBytes);
    if (!is_whole) {
      broken_ = true;
      return false;
    }
    if (slot.bytes == kSkip) lane.read += bytes;
    else lane.next = slot;
  }
  return lane.next.has_value();
}

RingRecord RingReader::Take(LaneView& lane) {
  const Slot slot = *lane.next;
  CopyOut(buffer_.data(), lane.data + (lane.read & (lane_bytes_ - 1)) + sizeof(Slot), slot.bytes);
  lane.read += SlotBytes(slot.bytes);
  lane.next.reset();
  return {.ticks = slot.ticks,
          .payload = Bytes(buffer_.data(), slot.bytes),
          .lane = static_cast<uint32_t>(&lane - lanes_.data())};
}

std::optional<RingRecord> RingReader::TakeCell() {
  const Cell& cell = header_->cell;
  const uint32_t bytes = ReadOnce(cell.bytes);
  if (bytes > kMaxRecordBytes) {
    broken_ = true;
    return std::nullopt;
  }
  cell_.taken = true;
  CopyOut(buffer_.data(), cell.record, bytes);
  return RingRecord{.ticks = cell_ticks_, .payload = Bytes(buffer_.data(), bytes), .from_cell = true};
}

uint64_t RingReader::counted() {
  // Partner: the release add in RingWriter::Fold.
  const uint64_t counted = header_->cell.counted.load(std::memory_order_acquire);
  if (counted < counted_read_) broken_ = true;  // it never falls
  else counted_read_ = counted;
  return counted_read_ - counted_released_;
}

void RingReader::Release() {
  for (LaneView& lane : lanes_) {
    if (lane.read == lane.released) continue;
    lane.released = lane.read;
    // Partner: the acquire load of tail in RingWriter::HasRoom: our reads come before its writes.
    lane.shared->tail.store(lane.read, std::memory_order_release);
  }
  Cell& cell = header_->cell;
  if (cell_.taken) {
    cell_ = {};
    // Partner: the compare-exchange in RingWriter::Fold.
    cell.state.store(kEmpty, std::memory_order_release);
  }
  if (counted_read_ != counted_released_) {
    counted_released_ = counted_read_;
    cell.counted_taken.store(counted_read_, std::memory_order_relaxed);  // for the consumer after us
  }
}

RingReader::Progress RingReader::progress() const {
  Progress progress{.lanes = {}, .counted = counted_read_, .cell_ticks = std::nullopt};
  for (const LaneView& lane : lanes_) progress.lanes.push_back(lane.read);
  if (cell_.taken) progress.cell_ticks = cell_ticks_;
  return progress;
}

void RingReader::GiveBack(const Progress& progress) {
  if (progress.lanes.size() != lanes_.size()) return;
  LookAtHeads();
  for (size_t i = 0; i < lanes_.size(); ++i) {
    LaneView& lane = lanes_[i];
    const uint64_t read = progress.lanes[i];
    if (read <= lane.released || read > lane.limit || read % kSlotAlign != 0) continue;
    lane.read = read;
    lane.next.reset();
  }
  ready_.clear();
  const Cell& cell = header_->cell;
  // Partner: the release store of state in RingWriter::Fold.
  if (progress.cell_ticks && cell.state.load(std::memory_order_acquire) == kFull &&
      ReadOnce(cell.ticks) == *progress.cell_ticks)
    cell_.taken = true;
  if (progress.counted > counted_read_ && progress.counted <= cell.counted.load(std::memory_order_acquire))
    counted_read_ = progress.counted;
  Release();
  Rewind();
}

void RingReader::Rewind() {
  for (LaneView& lane : lanes_) {
    lane.read = lane.limit = lane.released;
    lane.next.reset();
  }
  ready_.clear();
  cell_ = {};
  counted_read_ = counted_released_;
}

bool RingReader::Sleep() {
  if (broken_) return true;
  // Partner: RingWriter::WakeSleeper. After the barrier each of the producer's threads either has published what it submitted,
  // so that we see it below, or will see our store (invariant 8).
  header_->sleeping.store(1, std::memory_order_relaxed);
  if (fences_) FullFence();
  else if (::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) != 0) broken_ = true;
  if (!HasMore()) return true;
  Awake();
  return false;
}

void RingReader::Awake() { header_->sleeping.store(0, std::memory_order_relaxed); }

bool RingReader::HasMore() const {
  for (const LaneView& lane : lanes_)
    if (lane.shared->head.load(std::memory_order_relaxed) != lane.read) return true;
  const Cell& cell = header_->cell;
  return (!cell_.taken && cell.state.load(std::memory_order_relaxed) == kFull) ||
         cell.counted.load(std::memory_order_relaxed) != counted_read_;
}

size_t RingReader::waiting_bytes() const {
  size_t waiting = 0;
  for (const LaneView& lane : lanes_)
    waiting += std::min<uint64_t>(lane.shared->head.load(std::memory_order_relaxed) - lane.released, lane_bytes_);
  return waiting;
}

}  // namespace fsherald::ring
