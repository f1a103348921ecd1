// SPDX-License-Identifier: MIT
#include "ring/ring_writer.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <new>

namespace fsherald::ring {
namespace {

std::atomic<uint64_t> next_id{1};  // of writers

uint32_t ThreadId() { return static_cast<uint32_t>(::syscall(SYS_gettid)); }

// Whether a thread that owned a lane has ended.
bool IsGone(uint32_t thread) {
  return ::syscall(SYS_tgkill, ::getpid(), static_cast<pid_t>(thread), 0) != 0 && errno == ESRCH;
}

}  // namespace

void FormatSegment(std::span<std::byte> segment, uint32_t lane_count, uint32_t lane_bytes, Clock clock, bool fences) {
  std::memset(segment.data(), 0, segment.size());
  auto* header = new (segment.data())
      SegmentHeader{.lane_count = lane_count, .lane_bytes = lane_bytes, .clock = clock, .fences = fences ? 1U : 0U};
  new (header + 1) Lane[lane_count];
}

bool RegisterForMembarrier() { return ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) == 0; }

RingWriter::RingWriter(std::span<std::byte> segment, int wake_fd)
    : header_(reinterpret_cast<SegmentHeader*>(segment.data())),
      lanes_(reinterpret_cast<Lane*>(header_ + 1)),
      data_(reinterpret_cast<std::byte*>(lanes_ + header_->lane_count)),
      lane_count_(header_->lane_count),
      lane_bytes_(header_->lane_bytes),
      id_(next_id.fetch_add(1, std::memory_order_relaxed)),
      clock_(static_cast<Clock>(header_->clock)),
      fences_(header_->fences != 0),
      wake_fd_(wake_fd) {}

// A handler that interrupts this finds the same lane: by its owner, if we have it already.
uint32_t RingWriter::FindLane() noexcept {
  const int saved_errno = errno;
  const uint32_t self = ThreadId();
  uint32_t found = 0;
  for (uint32_t i = 1; i < lane_count_ && found == 0; ++i)
    if (lanes_[i].owner.load(std::memory_order_relaxed) == self) found = i;
  for (uint32_t i = 1; i < lane_count_ && found == 0; ++i) {
    // Partner: none; a lane that nobody had is empty. `before` is ourselves if a handler of ours has just taken it.
    uint32_t before = 0;
    if (lanes_[i].owner.compare_exchange_strong(before, self, std::memory_order_relaxed) || before == self) found = i;
  }
  for (uint32_t i = 1; i < lane_count_ && found == 0; ++i)
    if (TakeFromDead(lanes_[i], self)) found = i;
  errno = saved_errno;
  return found;
}

// A thread that ended in the middle of a slot never submitted it. The lane is ours only when it is whole again: a handler
// that comes in between must not find it.
bool RingWriter::TakeFromDead(Lane& lane, uint32_t self) noexcept {
  uint32_t owner = lane.owner.load(std::memory_order_relaxed);
  // Partner: none of ours; the kernel's, that a thread which is gone has written all it ever will.
  if (!IsGone(owner) || !lane.owner.compare_exchange_strong(owner, kTaking, std::memory_order_acquire)) return false;
  // Partner: as in HasRoom. What the dead thread saw of tail, it saw for itself only.
  lane.tail_seen.store(lane.tail.load(std::memory_order_acquire), std::memory_order_relaxed);
  lane.reserved.store(lane.head.load(std::memory_order_relaxed), std::memory_order_relaxed);
  lane.depth.store(0, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  lane.owner.store(self, std::memory_order_relaxed);
  return true;
}

void RingWriter::Wake() noexcept {
  // Partner: RingReader::Sleep's store. One of all the threads that see it set wakes.
  if (header_->sleeping.exchange(0, std::memory_order_acq_rel) == 0 || wake_fd_ < 0) return;
  const int saved_errno = errno;
  const uint64_t one = 1;
  while (::write(wake_fd_, &one, sizeof one) < 0 && errno == EINTR) {
  }
  errno = saved_errno;
}

}  // namespace fsherald::ring
