// SPDX-License-Identifier: MIT
// What the trace has seen of each file system lately, so that nobody tells it again under another mounting. Pure.
//
// A file system that is mounted for milliseconds can be met by the trace before the mount table has it: what was told then must not
// be told again by the counter, nor by fanotify if the mark came amid an error. Where it is unmounted and mounted again faster than
// the mount table is looked at, the trace has the moment of an error and the uuid, and lays it to one of two mountings that can have
// been there; fanotify and the counter know which. What these two tell alone has been told then.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "filesystem/filesystem.h"
#include "record/notification.h"
#include "source/signal.h"

namespace fsherald {

class TracedErrors {
 public:
  // Between errors of one burst. The kernel counts an error in a worker, a moment after it.
  static constexpr uint64_t kBurstNs = 50'000'000;
  // How long after an error it comes to light that it was of another mounting.
  static constexpr uint64_t kAstrayNs = 1'000'000'000;

  // `mounting`: which the trace has laid it to. `utc_s`: the second of the error.
  void Remember(const Uuid& filesystem, FilesystemKey mounting, const TraceSignal& error, int64_t utc_s);
  // Fanotify has told some of these of the same mounting.
  void Confirm(const Uuid& filesystem, FilesystemKey mounting, uint64_t count);

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

  // Of `count` errors that fanotify, or the counter, alone tells of a mounting: those that the trace has laid to another one of the
  // file system. Each is given once to each of the two.
  enum class Teller { kFanotify, kCounter };
  uint64_t TakeAstray(const Uuid& filesystem, FilesystemKey mounting, Teller teller, uint64_t count,
                      uint64_t now_boottime_ns);

 private:
  static constexpr size_t kMaxFilesystems = 4096;
  static constexpr size_t kMaxTasks = 256;
  struct Laid {
    FilesystemKey mounting;
    uint64_t last_boottime_ns = 0;
    uint64_t of_fanotify = 0;  // that it has not told
    uint64_t of_counter = 0;
  };
  struct Traced {
    uint64_t last_boottime_ns = 0;
    int64_t last_utc_s = 0;
    // Of those that fanotify and the counter tell too:
    uint64_t count = 0;                  // with less than kBurstNs between them
    std::map<uint32_t, uint64_t> tasks;  // when each met its last
    std::vector<Laid> laid;              // by mounting
  };
  static void RememberTask(Traced& traced, const TraceSignal& error);
  static void Lay(Traced& traced, FilesystemKey mounting, uint64_t boottime_ns, uint64_t count);

  std::map<Uuid, Traced> traced_;
};

}  // namespace fsherald
