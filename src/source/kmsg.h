// SPDX-License-Identifier: MIT
// The source `kmsg`: the kernel's log, /dev/kmsg. What stood in it before Start is the past and never told as new. Lines
// that user space wrote there are counted, not believed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "filesystem/filesystem.h"
#include "source/kmsg_record.h"
#include "source/log_clock.h"
#include "source/signal.h"

namespace fsherald {

struct KmsgEvent {
  bool past = false;                         // was there before Start
  const FilesystemModule* module = nullptr;  // null: the block layer's line
  LogSignal signal;  // without stack; with a task only where the kernel writes the caller into the record
};

struct KmsgEvents {
  std::vector<KmsgEvent> events;
  std::vector<GapSignal>
      gaps;  // the kernel overwrote so many records before they were read; of what kind, nobody knows
};

struct KmsgCounts {
  uint64_t records = 0;
  uint64_t untrusted = 0;  // lines of user space that look like a file system's
  uint64_t refused = 0;    // torn, or too long
};

// One thread.
class KmsgSource {
 public:
  // Errors: a sentence that says why not, and what would help.
  static Result<KmsgSource> Open(const std::string& path = "/dev/kmsg");
  // Takes non-blocking descriptors of which each read gives one record: `live` stands where the new begins, `past` at the
  // oldest record, or is none.
  explicit KmsgSource(Fd live, Fd past = Fd());

  // poll(2) says POLLIN when there is a new record, POLLERR|POLLPRI also when some were lost.
  int fd() const { return live_.get(); }

  // The look-back: all lines before Open, marked past. Call it once; then Read, for what came meanwhile. Records from `resume_at`
  // on are not the past: Read gives them.
  KmsgEvents Start(std::optional<uint64_t> resume_at = std::nullopt);
  // The sequence number after the last record that was given out; empty: none was.
  std::optional<uint64_t> next_sequence() const { return next_sequence_; }

  // The lines since Open, at most about `max_records` records (more may be waiting: then fd() stays readable).
  KmsgEvents Read(uint64_t now_boottime_ns, size_t max_records = 4096);

  const KmsgCounts& counts() const { return counts_; }

 private:
  void ReadRecords(const Fd& fd, size_t max_records, std::vector<KmsgRecord>& records);
  void CountLost(uint64_t sequence, uint64_t now_boottime_ns, KmsgEvents& events);
  void AddEvent(const KmsgRecord& record, bool past, KmsgEvents& events);

  Fd live_;
  Fd past_;
  LogClock clock_;
  std::vector<KmsgRecord> early_;  // live ones that Start has read
  std::optional<uint64_t> next_sequence_;
  uint64_t last_boottime_ns_ = 0;
  KmsgCounts counts_;
};

}  // namespace fsherald
