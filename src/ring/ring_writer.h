// SPDX-License-Identifier: MIT
// RingWriter: submits records to a ring. The invariants stand in layout.h, and each atomic operation here names its partner.
//
//   RingWriter writer(segment, wake_fd);
//   writer.Submit(bytes, [&](std::byte* to) { std::memcpy(to, record, bytes); });
//
// Submit may be called by any number of threads at once, in their signal handlers and under any lock. It allocates nothing,
// takes no lock, and calls the kernel only to wake a consumer that sleeps, and once for each thread to find its lane (again
// where a thread uses more rings at a time than it remembers, kKnownLanes).
// All writers of one ring are of one process: thread ids tell the lanes' owners apart. A child of fork(2) needs a ring and a
// writer of its own. A signal handler must return: one that leaves a Submit behind, by longjmp(3) or by ending the thread,
// leaves unpublished what its thread submits to the lane from then on.
#pragma once

#include <span>

#include "ring/fence.h"
#include "ring/layout.h"
#include "ring/ticks.h"

namespace fsherald::ring {

enum class Submitted {
  kWhole,    // it waits in the ring
  kInCell,   // there was no room: it waits as the first such record
  kCounted,  // there was no room for it, nor in the cell: it is only counted
  kTooBig,   // of more than kMaxRecordBytes: nothing was done
};

// Fills a segment with an empty ring; all of its memory is touched, so that no submission meets a page fault. `segment` is
// aligned to 64 and SegmentBytes(lane_count, lane_bytes) long. `fences`: see RegisterForMembarrier.
void FormatSegment(std::span<std::byte> segment, uint32_t lane_count, uint32_t lane_bytes, Clock clock, bool fences);

// Lets the consumer's membarrier(2) reach this process; false: it cannot, and its rings need `fences`: a producer that fences
// by itself before it looks whether the consumer sleeps, 5 ns a submission.
bool RegisterForMembarrier();

class RingWriter {
 public:
  // Of a segment that FormatSegment has filled. The segment must outlive all writers. `wake_fd`: an eventfd, non-blocking; -1:
  // nobody ever sleeps.
  RingWriter(std::span<std::byte> segment, int wake_fd);
  RingWriter(const RingWriter&) = delete;
  RingWriter& operator=(const RingWriter&) = delete;

  // `fill` writes exactly `bytes` bytes; it must not throw.
  template <typename Fill>
  Submitted Submit(size_t bytes, Fill&& fill) noexcept {
    if (bytes > kMaxRecordBytes) [[unlikely]]
      return Submitted::kTooBig;
    Submitted result = Submitted::kWhole;
    if (Lane* lane = LaneOfThread()) [[likely]] {
      if (!Write(*lane, bytes, fill)) [[unlikely]]
        result = Fold(bytes, fill);
    } else if (!WriteShared(bytes, fill)) {
      result = Fold(bytes, fill);
    }
    WakeSleeper();
    return result;
  }

  // Submissions that were only counted, ever.
  uint64_t counted() const { return header_->cell.counted.load(std::memory_order_relaxed); }

 private:
  // What a thread remembers of the rings that it has written to, one word each: a signal handler never finds half of it.
  static constexpr int kLaneBits = 9;
  static_assert(kMaxLanes < 1U << kLaneBits);
  static constexpr size_t kKnownLanes = 16;
  static std::atomic<uint64_t>& Known(uint64_t ring_id);

  // Null: this thread has none, it shares lane 0.
  Lane* LaneOfThread() noexcept {
    std::atomic<uint64_t>& known_lane = Known(id_);
    uint64_t known = known_lane.load(std::memory_order_relaxed);
    if (known >> kLaneBits != id_) [[unlikely]] {
      known = id_ << kLaneBits | FindLane();
      known_lane.store(known, std::memory_order_relaxed);
    }
    const uint64_t index = known & ((1U << kLaneBits) - 1);
    return index == 0 ? nullptr : &lanes_[index];
  }
  uint32_t FindLane() noexcept;
  bool TakeFromDead(Lane& lane, uint32_t self) noexcept;

  std::byte* DataOf(const Lane& lane) const { return data_ + (&lane - lanes_) * size_t{lane_bytes_}; }

  // False: no room.
  template <typename Fill>
  bool Write(Lane& lane, size_t bytes, Fill& fill) noexcept {
    // Invariant 4. Handlers come and go between any two of these lines; each leaves depth as it found it.
    lane.depth.store(lane.depth.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    const size_t slot_bytes = SlotBytes(bytes);
    uint64_t ticks = 0;
    uint64_t at = lane.reserved.load(std::memory_order_relaxed);
    uint64_t end = 0;
    do {
      const uint64_t left = lane_bytes_ - (at & (lane_bytes_ - 1));
      end = at + slot_bytes + (left < slot_bytes ? left : 0);
      if (!HasRoom(lane, end)) [[unlikely]] {
        Publish(lane);
        return false;
      }
      ticks =
          Ticks(clock_);  // between the two readings of `reserved`: the order of the slots is the order of their times
    } while (!Take(lane.reserved, at, end));
    std::byte* const data = DataOf(lane);
    if (end - at != slot_bytes) [[unlikely]]
      PutSlot(data + (at & (lane_bytes_ - 1)), {kSkip, 0, 0});
    std::byte* const slot = data + ((end - slot_bytes) & (lane_bytes_ - 1));
    PutSlot(slot, {static_cast<uint32_t>(bytes), 0, ticks});
    fill(slot + sizeof(Slot));
    Publish(lane);
    return true;
  }

  bool HasRoom(Lane& lane, uint64_t end) const noexcept {
    if (end - lane.tail_seen.load(std::memory_order_relaxed) <= lane_bytes_) [[likely]]
      return true;
    // Partner: the consumer's release store of tail (RingReader::Release): its reads of the bytes come before our writes.
    const uint64_t tail = lane.tail.load(std::memory_order_acquire);
    lane.tail_seen.store(tail, std::memory_order_relaxed);
    return end - tail <= lane_bytes_;
  }

  // Moves `reserved` from `at` to `end`; false: a handler has moved it, and `at` is where it stands now. Only this thread and
  // its handlers write it (invariant 3): one instruction suffices, other processors need not be kept out.
  static bool Take(std::atomic<uint64_t>& reserved, uint64_t& at, uint64_t end) noexcept;

  static void PutSlot(std::byte* to, Slot slot) noexcept { __builtin_memcpy(to, &slot, sizeof slot); }

  void Publish(Lane& lane) noexcept {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    for (;;) {
      const uint32_t depth = lane.depth.load(std::memory_order_relaxed);
      if (depth > 1) {  // a submission below us on the stack will publish ours too
        lane.depth.store(depth - 1, std::memory_order_relaxed);
        return;
      }
      const uint64_t reserved = lane.reserved.load(std::memory_order_relaxed);
      // Partner: the consumer's acquire load of head (RingReader::Look): the slots are written before it sees them.
      lane.head.store(reserved, std::memory_order_release);
      std::atomic_signal_fence(std::memory_order_seq_cst);
      lane.depth.store(0, std::memory_order_relaxed);
      std::atomic_signal_fence(std::memory_order_seq_cst);
      // A handler between the load of reserved and the store of depth left its record to us.
      if (lane.reserved.load(std::memory_order_relaxed) == reserved) [[likely]]
        return;
      lane.depth.store(lane.depth.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      std::atomic_signal_fence(std::memory_order_seq_cst);
    }
  }

  // Lane 0, by one thread at a time; false: it is taken, or full.
  template <typename Fill>
  bool WriteShared(size_t bytes, Fill& fill) noexcept {
    Lane& lane = lanes_[0];
    uint32_t nobody = 0;
    // Partner: the release store below, by the thread that had it before.
    if (!lane.owner.compare_exchange_strong(nobody, 1, std::memory_order_acquire, std::memory_order_relaxed))
      return false;
    const bool written = Write(lane, bytes, fill);
    lane.owner.store(0, std::memory_order_release);
    return written;
  }

  // Invariants 6 and 7.
  template <typename Fill>
  Submitted Fold(size_t bytes, Fill& fill) noexcept {
    Cell& cell = header_->cell;
    uint32_t empty = kEmpty;
    // Partner: the consumer's release store of kEmpty (RingReader::Release): it has read the record before we write it.
    if (!cell.state.compare_exchange_strong(empty, kWriting, std::memory_order_acquire, std::memory_order_relaxed)) {
      // Partner: the consumer's acquire load (RingReader::counted).
      cell.counted.fetch_add(1, std::memory_order_release);
      return Submitted::kCounted;
    }
    cell.bytes = static_cast<uint32_t>(bytes);
    cell.ticks = Ticks(clock_);
    fill(cell.record);
    // Partner: the consumer's acquire load of state (RingReader::Look).
    cell.state.store(kFull, std::memory_order_release);
    return Submitted::kInCell;
  }

  void WakeSleeper() noexcept {
    // Invariant 8: our publishing comes before our look at `sleeping`. The consumer orders the two for us by membarrier(2)
    // after it has set `sleeping` (RingReader::Sleep); here only the compiler has to be kept from swapping them.
    if (fences_) [[unlikely]]
      FullFence();
    else std::atomic_signal_fence(std::memory_order_seq_cst);
    if (header_->sleeping.load(std::memory_order_relaxed) != 0) [[unlikely]]
      Wake();
  }
  void Wake() noexcept;

  SegmentHeader* header_;
  Lane* lanes_;
  std::byte* data_;
  uint32_t lane_count_;
  uint64_t lane_bytes_;
  uint64_t id_;  // of this writer, in this process and its children: never used twice
  Clock clock_;
  bool fences_;
  int wake_fd_;
};

inline bool RingWriter::Take(std::atomic<uint64_t>& reserved, uint64_t& at, uint64_t end) noexcept {
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
  bool taken = false;
  auto* word = reinterpret_cast<uint64_t*>(&reserved);
  asm volatile("cmpxchgq %[end], %[word]" : "=@ccz"(taken), [word] "+m"(*word), "+a"(at) : [end] "r"(end) : "memory");
  return taken;
#else
  return reserved.compare_exchange_strong(at, end, std::memory_order_relaxed);
#endif
}

inline std::atomic<uint64_t>& RingWriter::Known(uint64_t ring_id) {
  // In the thread's static block: no call and no allocation at first use, also in a shared library.
  [[gnu::tls_model("initial-exec")]] static thread_local constinit std::atomic<uint64_t> known[kKnownLanes] = {};
  return known[ring_id % kKnownLanes];
}

}  // namespace fsherald::ring
