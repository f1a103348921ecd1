// SPDX-License-Identifier: MIT
// The source `trace`: BPF programs on the tracepoints of ext4's and XFS's errors, of failed requests and failed write-back, and
// on printk's, read through a ring buffer and cells.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/kept_fds.h"
#include "base/result.h"
#include "source/symbolizer.h"
#include "source/trace_record.h"

namespace fsherald {

// Errors of one code point that were only counted, since the last call.
struct TraceFold {
  uint32_t cell = 0;
  std::optional<TracePoint> point;  // empty: ext4's, of that function and line
  std::string filesystem_type;      // empty: a disk
  DeviceNumber dev;
  Uuid uuid;
  std::string device;
  std::string function;  // empty: a shutdown
  uint32_t line = 0;
  uint64_t count = 0;
};

// One thread. The programs are detached and their memory freed when it is destroyed, also by the kernel after kill -9.
class TraceSource : public Symbolizer {
 public:
  struct Options {
    // The beginnings of the log lines that are wanted, of each the first 8 bytes; one that begins with ": " stands behind
    // some device's name. Empty: log lines are not wanted.
    std::vector<std::string_view> log_prefixes;
    uint32_t ring_bytes = 4U << 20;  // a power of two, at least one page
    bool detail = true;              // try the error handler's own arguments (fentry, else kprobe)
  };
  // `kept` may be null; where it has the descriptors of an earlier process of this build, its programs, which have gone on
  // meanwhile, are taken over as they are. Errors: a sentence that says why not, and what would help.
  static Result<std::unique_ptr<TraceSource>> Open(const Options& options, KeptFds* kept = nullptr);
  ~TraceSource() override;

  // poll(2) says POLLIN when a record woke us.
  int fd() const;

  // Hands every record in the ring to `handler`, in the order written. False: it ended before one that another processor is writing
  // at this moment, and finished ones may stand behind it.
  bool Drain(const std::function<void(TraceRecord&&)>& handler);
  // Gives back to the programs the room of what was drained. Before it, whoever takes over begins there.
  void Release();

  // How far everything was handed out.
  struct Position {
    uint64_t ring = 0;
    std::vector<std::pair<uint32_t, uint64_t>> folded;  // by cell
  };
  Position position() const;
  // Whether the programs are those of an earlier process.
  bool is_taken_over() const;
  // Goes on where another one had come to, which was not released. False: it is no position of these programs, which are others if
  // they were not taken over.
  bool Resume(const Position& position);

  // What to keep for one that takes over; more when the programs of a file system's type were loaded later.
  const std::vector<FdToKeep>& descriptors() const;

  // Errors that have no record, since the last call. An error is either a record or in a fold, never both.
  std::vector<TraceFold> Folds();

  // Whether more may have come, or come soon, without a wake-up: then look again in a millisecond.
  bool hot() const;

  // Quiet: each error of this cell wakes the reader by fanotify anyway, so its records need not.
  void SetQuiet(uint32_t cell, bool quiet);

  struct Losses {
    uint64_t errors_uncounted = 0;  // no room in the ring, and no cell: the counters will tell
    uint64_t lines_dropped = 0;
    uint64_t details_dropped = 0;  // arguments of the error handler: their errors are counted all the same
    uint64_t records_refused = 0;  // of a wrong size or type
  };
  Losses losses() const;

  // By the kernel itself; cached.
  std::vector<std::string> Symbolize(const std::vector<uint64_t>& addresses) override;

  // Whether the tracepoints of this type of file system are listened to.
  bool Covers(std::string_view type) const;
  // A file system of this type has been mounted: its tracepoints, which came with its module, are listened to from now on.
  void Arrived(std::string_view type);
  // Why failed requests and failed write-back are not seen; empty where they are.
  const std::string& storage_refused() const;

  // How the error handler's arguments are taken ("fentry", "kprobe"), or empty and the reason why not.
  const std::string& detail_by() const;
  const std::string& detail_refused() const;

 private:
  class Impl;
  explicit TraceSource(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fsherald
