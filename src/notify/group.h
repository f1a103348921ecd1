// SPDX-License-Identifier: MIT
// Group: a subscriber. Notifications wait for it as bytes (include/fsherald/record.h) in a preallocated ring; what finds no
// room becomes a gap in its stream, but for the first of each file system, which is kept whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "record/notification.h"
#include "source/signal.h"

namespace fsherald {

// One thread.
class Group {
 public:
  static constexpr uint32_t kRingBytes = 1U << 20;

  // `ring_bytes`: a power of two, as of a lane (ring/layout.h).
  explicit Group(uint32_t ring_bytes = kRingBytes);
  ~Group();

  // Takes one notification. `errors`: how many it stands for; `utc_ns`: its time, for the gap that it may end in.
  void Add(Bytes notification, FilesystemKey filesystem, uint64_t errors, int64_t utc_ns);

  // Copies out whole notifications, oldest first, as many as fit into `to`, and at most once each until Rewind; the count of bytes.
  // Gaps are among them: per file system one, behind the first that found no room, with the exact count of errors that it
  // stands for. 0 with something waiting: `to` has no room for the first.
  size_t Read(std::span<std::byte> to);

  bool has_unread() const;

  // What was read up to sequence number `seq` is done with; without it the ring stays full. Gaps have no number: they go with what
  // was read before them.
  void Acknowledge(uint64_t seq);
  void AcknowledgeAll();

  // The next reader begins with what was not acknowledged.
  void Rewind();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fsherald
