// SPDX-License-Identifier: MIT
// Our ring, complete, and the floor below which no ring can be.
#include <sys/mman.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "ring/ring_reader.h"
#include "ring/ring_writer.h"
#include "ring_subjects.h"

namespace fsherald::bench {
namespace {

constexpr uint32_t kLanes = 4;
constexpr uint32_t kLaneBytes = 1U << 18;  // two bursts

class Memory {
 public:
  explicit Memory(size_t bytes)
      : bytes_(bytes), at_(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (at_ == MAP_FAILED) std::abort();
  }
  ~Memory() { ::munmap(at_, bytes_); }
  Memory(const Memory&) = delete;
  std::span<std::byte> span() const { return {static_cast<std::byte*>(at_), bytes_}; }

 private:
  size_t bytes_;
  void* at_;
};

class Ours : public Subject {
 public:
  Ours()
      : fences_(!ring::RegisterForMembarrier()),
        memory_(ring::SegmentBytes(kLanes, kLaneBytes)),
        segment_(Formatted(memory_.span(), fences_)),
        writer_(segment_, -1),
        reader_(std::move(*ring::RingReader::Open(segment_))) {}

  size_t Push(int, size_t count) override {
    size_t accepted = 0;
    for (size_t i = 0; i < count; ++i) {
      const Record& record = RecordNo(i);
      size_t bytes = sizeof record;
      asm volatile("" : "+r"(bytes));  // the checks of the length are made
      const auto fill = [&](std::byte* to) { std::memcpy(to, &record, sizeof record); };
      accepted += writer_.Submit(bytes, fill) == ring::Submitted::kWhole;
    }
    return accepted;
  }

  size_t Drain() override {
    size_t count = 0;
    while (reader_.Next()) ++count;
    reader_.counted();
    reader_.Release();
    return count;
  }

 private:
  static std::span<std::byte> Formatted(std::span<std::byte> segment, bool fences) {
    ring::FormatSegment(segment, kLanes, kLaneBytes, ring::BestClock(), fences);
    return segment;
  }

  bool fences_;
  Memory memory_;
  std::span<std::byte> segment_;
  ring::RingWriter writer_;
  ring::RingReader reader_;
};

// A copy of the record, into memory that stays in the first-level cache, and one atomic add that nobody else touches.
class Floor : public Subject {
 public:
  size_t Push(int producer, size_t count) override {
    Own& own = owns_[producer];
    for (size_t i = 0; i < count; ++i) {
      const Record& record = RecordNo(i);
      std::memcpy(&own.records[own.head.fetch_add(1, std::memory_order_relaxed) % 64], &record, sizeof record);
      asm volatile("" ::: "memory");
    }
    return count;
  }

  size_t Drain() override { return 0; }
  bool is_drained_by_us() const override { return false; }

 private:
  struct alignas(128) Own {
    std::atomic<uint64_t> head{0};
    alignas(128) Record records[64];
  };
  Own owns_[2];
};

}  // namespace

std::unique_ptr<Subject> MakeOurs() { return std::make_unique<Ours>(); }
std::unique_ptr<Subject> MakeFloor() { return std::make_unique<Floor>(); }

}  // namespace fsherald::bench
