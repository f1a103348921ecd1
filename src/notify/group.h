// SPDX-License-Identifier: MIT
// Group: a subscriber. Notifications wait for it as bytes (include/fsherald/record.h) in a preallocated ring; what finds no
// room becomes a gap in its stream, but for the first of each file system, which is kept whole.
//
// The stream's order is one line. A cell (the first that found no room, then the gap) stands in it where it was made: behind all
// that was in the ring by then, before all that came into the ring later. While a file system has a cell that was not read to
// its end, whatever else comes of it is counted there, even if the ring has room again. So the notifications of each file
// system come in order, sequence numbers only rise, and a cell that others flood is read all the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>

#include "base/bytes.h"
#include "notify/record_ring.h"
#include "record/notification.h"
#include "source/signal.h"

namespace fsherald {

// A notification on its way to groups.
struct Delivery {
  Bytes notification;
  uint64_t seq = 0;
  FilesystemKey filesystem;  // 0: of no single one
  uint64_t errors = 0;       // how many it stands for
  bool exact = true;         // false: a gap, of at least `errors`
  int64_t utc_ns = 0;
};

// One thread.
class Group {
 public:
  static constexpr uint32_t kRingBytes = 1U << 20;
  // One more stands for all that comes while so many are not acknowledged; its gap names no file system. It is not read before
  // one of the others is acknowledged: so a reader who acknowledges nothing costs no more than these.
  static constexpr size_t kMaxCells = 16384;

  // `ring_bytes`: a power of two, 16384 or more.
  explicit Group(uint32_t ring_bytes = kRingBytes) : ring_(ring_bytes) {}
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  void Add(const Delivery& delivery);

  // Copies out whole notifications, oldest first, as many as fit into `to` but at most `most`, and each once until Rewind; the
  // count of bytes. Gaps are among them: per file system one, behind the first that found no room, with the exact count of
  // errors that it stands for. 0 with something waiting: `to` has no room for the first.
  size_t Read(std::span<std::byte> to, size_t most = SIZE_MAX);

  bool has_unread() const;

  // What was read up to sequence number `seq` is done with; without it the ring stays full. Gaps have no number: they go with what
  // was read before them.
  void Acknowledge(uint64_t seq);
  void AcknowledgeAll() { Acknowledge(UINT64_MAX); }

  // The next reader begins with what was not acknowledged.
  void Rewind();

 private:
  // The first notification of a file system that found no room, and what came after it.
  struct Cell {
    uint64_t after = 0;        // its place: before what the ring has from this position on
    FilesystemKey filesystem;  // 0: of all that have none of their own
    uint64_t seq = 0;
    std::string first;
    uint64_t counted = 0;  // notifications after the first
    Gap gap;               // their errors
    bool is_open = true;   // counts on
    std::string told;      // the gap as bytes, once it was read
    int read = 0;          // of its two parts
    int acknowledged = 0;
  };

  void Keep(const Delivery& delivery);
  static void Count(Cell& cell, const Delivery& delivery);
  bool IsCellNext() const { return next_cell_ < cells_.size() && cells_[next_cell_].after <= ring_.read(); }
  bool WaitsForAcknowledgement() const { return next_cell_ >= kMaxCells && IsCellNext(); }
  std::string_view Next(std::string& gap);
  void Skip(std::string& gap);
  bool AcknowledgeOldest(uint64_t seq);
  bool AcknowledgeCell(uint64_t seq);

  RecordRing ring_;
  std::deque<Cell> cells_;  // in their order; those before next_cell_ were read to their end and not acknowledged
  size_t next_cell_ = 0;
  std::map<FilesystemKey, Cell*> open_;  // of cells_
};

}  // namespace fsherald
