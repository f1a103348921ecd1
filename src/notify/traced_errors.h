// SPDX-License-Identifier: MIT
// What the trace has seen of each file system lately, whichever mounting of it that was laid to. A file system that is
// mounted for milliseconds can be met by the trace before the mount table has it: what was told then must not be told again
// by the counter, nor by fanotify if the mark came amid an error. Pure.
#pragma once

#include <cstdint>
#include <map>

#include "filesystem/filesystem.h"
#include "record/notification.h"
#include "source/signal.h"

namespace fsherald {

class TracedErrors {
 public:
  // A slow console stands between an error's tracepoint and fanotify: so much, and hardly more.
  static constexpr uint64_t kAmidNs = 50'000'000;

  // `utc_s`: the second of the error.
  void Remember(const Uuid& filesystem, const TraceSignal& error, int64_t utc_s);

  // How many errors before a mark that is made at `boottime_ns` fanotify may tell as well.
  uint64_t Amid(const Uuid& filesystem, uint64_t boottime_ns) const;

  // How many of the errors that a fresh mounting has counted are new and not yet told: all that are later than `known_utc_s`
  // and than the last that was traced, as far as the counters' times tell. None where it is not known which file system it
  // is: nothing old is told as new.
  uint64_t NewErrors(const std::optional<Uuid>& filesystem, const CounterReading& reading, int64_t known_utc_s) const;

 private:
  static constexpr size_t kMaxFilesystems = 4096;
  struct Last {
    uint64_t boottime_ns = 0;
    int64_t utc_s = 0;
    uint64_t count = 0;  // with less than kAmidNs between them, of those that fanotify tells too
  };
  std::map<Uuid, Last> last_;
};

}  // namespace fsherald
