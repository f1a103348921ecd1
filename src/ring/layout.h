// SPDX-License-Identifier: MIT
// The memory of a ring, as a producer and its consumer share it. ring_writer.h fills it, ring_reader.h empties it.
//
//   SegmentHeader | Lane * lane_count | data of lane 0 | data of lane 1 | ...
//
// Each thread that submits has a lane of its own: a shared head costs eight times as much as soon as two write. Lane 0 is
// for all threads that find none free, one at a time. A lane's data is a ring of bytes; positions in it are counted from the
// beginning of time and taken modulo lane_bytes. It holds slots: a Slot, the payload, zeros or garbage to a multiple of 16.
// A slot never crosses the end of the data; a Slot of kSkip fills what is left there.
//
// What holds at every moment, also when the producer is killed at that moment:
//
//  1. tail <= head <= reserved, and reserved - tail <= lane_bytes.
//  2. [tail, head) of a lane is whole slots, fully written. Nobody writes there until tail has passed it.
//  3. head, reserved and depth of a lane are written by one thread and the signal handlers in it, and by nobody else: by
//     the one in `owner`.
//  4. head moves only where depth goes from 1 to 0: then no submission below on the stack is unfinished. So a handler's record
//     is published with the record that it interrupted.
//  5. tail is written by the consumer alone.
//  6. Every submission that returns has ended as exactly one of: a slot, the cell's record, one added to the cell's `counted`.
//  7. The cell's record is written by whoever took `state` from kEmpty to kWriting, and read only while it is kFull.
//  8. If anything was published after the consumer set `sleeping`, either the consumer sees it before it sleeps, or the
//     producer sees `sleeping` and wakes it.
//
// Nothing here allocates, locks or waits. A thread that dies in the middle of a slot has not moved head: nobody sees it, nor
// what its signal handlers submitted on top of it. The consumer trusts nothing: ring_reader.h copies each field once and
// checks the copy. tests/model holds these eight against every interleaving.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace fsherald::ring {

inline constexpr size_t kMaxRecordBytes = 4096;
inline constexpr size_t kSlotAlign = 16;
inline constexpr uint32_t kSkip = 0xffffffff;
inline constexpr uint64_t kMagic = 0x31676e6972687366;  // "fshring1", little-endian
inline constexpr uint32_t kMinLaneBytes = 16384;        // of kMaxRecordBytes at least three fit
inline constexpr uint32_t kMaxLaneBytes = 1U << 24;
inline constexpr uint32_t kMaxLanes = 256;
inline constexpr uint32_t kTaking = 0xffffffff;  // no thread's id

struct Slot {
  uint32_t bytes;  // of the payload; kSkip: the rest of the data area is empty
  uint32_t reserved;
  uint64_t ticks;  // when it was submitted, of the segment's clock
};
static_assert(sizeof(Slot) == kSlotAlign);

// Three cache lines: what only the producer touches, what it tells the consumer, what the consumer tells it. So the producer
// never waits for a line that the consumer has just read: it only stores to it.
struct alignas(64) Lane {
  std::atomic<uint64_t> reserved{0};  // bytes taken, published or not
  std::atomic<uint64_t> tail_seen{
      0};                          // the producer's copy of tail: the consumer's line is read only when this says full
  std::atomic<uint32_t> depth{0};  // submissions under way: one, and one for each signal handler on top of it
  std::atomic<uint32_t> owner{0};  // thread id; 0: nobody; kTaking: being taken over. Of lane 0: 1 while in use
  alignas(64) std::atomic<uint64_t> head{0};  // bytes published
  alignas(64) std::atomic<uint64_t> tail{0};  // bytes given back
};
static_assert(sizeof(Lane) == 192);

enum CellState : uint32_t { kEmpty = 0, kWriting = 1, kFull = 2 };

// The first error that found no room, whole, and how many more.
struct alignas(64) Cell {
  std::atomic<uint32_t> state{kEmpty};
  uint32_t bytes = 0;
  uint64_t ticks = 0;
  std::atomic<uint64_t> counted{0};        // submissions that are neither a slot nor `record`, ever
  std::atomic<uint64_t> counted_taken{0};  // of those, how many the consumer has taken; written by it alone
  alignas(64) std::byte record[kMaxRecordBytes] = {};
};

enum Clock : uint32_t { kBoottimeNs = 0, kTsc = 1 };

struct alignas(64) SegmentHeader {
  uint64_t magic = kMagic;
  uint32_t lane_count = 0;  // 1 to kMaxLanes
  uint32_t lane_bytes = 0;  // a power of two
  uint32_t clock = kBoottimeNs;
  uint32_t fences = 0;  // 1: the producer cannot be reached by membarrier(2), it fences by itself
  alignas(64) std::atomic<uint32_t> sleeping{0};  // 1: the consumer sleeps; who sets it to 0 wakes it
  Cell cell;
};

static_assert(std::atomic<uint64_t>::is_always_lock_free && std::atomic<uint32_t>::is_always_lock_free);

constexpr size_t SlotBytes(size_t payload_bytes) {
  return (sizeof(Slot) + payload_bytes + kSlotAlign - 1) / kSlotAlign * kSlotAlign;
}

constexpr size_t SegmentBytes(uint32_t lane_count, uint32_t lane_bytes) {
  return sizeof(SegmentHeader) + size_t{lane_count} * (sizeof(Lane) + lane_bytes);
}

}  // namespace fsherald::ring
