// SPDX-License-Identifier: MIT
// RingReader: the one consumer of a ring. It trusts nothing that it reads: each field is copied once, and the copy checked;
// what a producer breaks is its own ring alone.
//
//   while (auto record = reader.Next()) Use(*record);
//   Count(reader.counted());
//   reader.Release();
//   if (reader.Sleep()) poll(wake_fd);
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "ring/layout.h"

namespace fsherald::ring {

struct RingRecord {
  uint64_t ticks = 0;
  Bytes payload;           // a copy of the reader's: until the next call of Next
  uint32_t lane = 0;       // records of one lane, a thread's, come in the order in which they were submitted
  bool from_cell = false;  // no lane's; in its thread's order too, but for what is nested in signal handlers
};

// One thread.
class RingReader {
 public:
  // `segment` may be shared with a hostile producer; it must be mapped for as long as the reader lives, whatever the producer
  // does (a memfd sealed against shrinking). What an earlier consumer has not given back is read again. Errors: code 0 and a
  // sentence: this is no ring.
  static Result<RingReader> Open(std::span<std::byte> segment);
  RingReader(RingReader&&) = default;
  RingReader& operator=(RingReader&&) = default;

  // The next record: of those that were there at the last look the one with the earliest time, lanes kept in their order; when
  // they are used up, looks again. Empty: there is none now.
  std::optional<RingRecord> Next();

  // How many submissions have come to be counted only, since the last Release; of a hostile producer any number. Ask after
  // Next has returned nothing.
  uint64_t counted();

  // Gives back what Next and counted have returned. Before it, a consumer that takes this one's place sees them again.
  void Release();

  // Begins again with what was not given back.
  void Rewind();

  // How far Next and counted have come.
  struct Progress {
    std::vector<uint64_t> lanes;
    uint64_t counted = 0;
    std::optional<uint64_t> cell_ticks;  // of the cell's record, where it was returned and not given back
  };
  Progress progress() const;
  // Gives back what another reader of this ring had come to and died before it gave it back. Call it before anything else. What
  // does not fit the ring as it stands is left as it is: then it was given back, or it is another ring.
  void GiveBack(const Progress& progress);

  // Tells the producer to wake us. False: do not sleep, there is something to read or to count (and it will not wake us).
  // After waking call Awake.
  bool Sleep();
  void Awake();

  // The producer has written what no producer writes, or its membarrier fails: nothing more comes from here.
  bool broken() const { return broken_; }

  // Bytes that wait, of all lanes; a hostile producer may make it anything up to the size of the ring.
  size_t waiting_bytes() const;

  Clock clock() const { return clock_; }

 private:
  struct LaneView {
    Lane* shared = nullptr;
    const std::byte* data = nullptr;
    uint64_t released = 0;  // what tail says
    uint64_t read = 0;
    uint64_t limit = 0;  // head at the last look
    std::optional<Slot> next;
  };
  struct CellView {
    bool seen = false;   // at the last look it was full
    bool taken = false;  // Next has returned it
  };

  RingReader() = default;
  void Look();
  void LookAtHeads();
  LaneView* Earliest();
  bool Peek(LaneView& lane);
  RingRecord Take(LaneView& lane);
  std::optional<RingRecord> TakeCell();
  bool HasMore() const;

  SegmentHeader* header_ = nullptr;
  std::vector<LaneView> lanes_;
  std::vector<LaneView*> ready_;  // those that have something before their limit; into lanes_, which never grows
  CellView cell_;
  uint64_t cell_ticks_ = 0;
  uint64_t counted_read_ = 0;
  uint64_t counted_released_ = 0;
  uint32_t lane_bytes_ = 0;
  Clock clock_ = kBoottimeNs;
  bool fences_ = false;  // the producer fences by itself
  bool broken_ = false;
  std::vector<std::byte> buffer_;
};

}  // namespace fsherald::ring
