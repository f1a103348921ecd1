// SPDX-License-Identifier: MIT
// What the trace has seen of each file system lately, whichever mounting of it that was laid to. A file system that is
// mounted for milliseconds can be met by the trace before the mount table has it: what was told then must not be told again
// by the counter, nor by fanotify if the mark came amid an error. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "filesystem/filesystem.h"
#include "record/notification.h"
#include "source/signal.h"

namespace fsherald {

class TracedErrors {
 public:
  // Between errors of one burst. The kernel counts an error in a worker, a moment after it.
  static constexpr uint64_t kBurstNs = 50'000'000;

  // `utc_s`: the second of the error.
  void Remember(const Uuid& filesystem, const TraceSignal& error, int64_t utc_s);

  // What a mounting that is met at `boottime_ns` may tell again.
  struct Amid {
    uint64_t errors = 0;  // its counter
    std::vector<uint32_t>
        tasks;  // fanotify, if it is marked only now: of each task's errors the last; 0: not known whose
  };
  Amid AmidAt(const Uuid& filesystem, uint64_t boottime_ns) const;

  // How many of the errors that a fresh mounting has counted are new and not yet told: all that are later than `known_utc_s`
  // and than the last that was traced, as far as the counters' times tell. None where it is not known which file system it
  // is: nothing old is told as new.
  uint64_t NewErrors(const std::optional<Uuid>& filesystem, const CounterReading& reading, int64_t known_utc_s) const;

 private:
  static constexpr size_t kMaxFilesystems = 4096;
  static constexpr size_t kMaxTasks = 256;
  struct Last {
    uint64_t boottime_ns = 0;
    int64_t utc_s = 0;
    uint64_t count = 0;                  // with less than kBurstNs between them, of those that fanotify tells too
    std::map<uint32_t, uint64_t> tasks;  // of those, when each met its last
  };
  std::map<Uuid, Last> last_;
};

}  // namespace fsherald
