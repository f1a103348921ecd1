// SPDX-License-Identifier: MIT
// Causes: requests that a device has failed, and what came of them. A failed request is known a moment before the file system
// says what it meant: it waits for that, and then is a part of that error; if nobody speaks for it, it is an error by itself
// (the data of a file that could not be read: no file system says a word).
//
// A request that is tried again (read-ahead, then the page; a second look at the same block) before that is one cause with a
// count.
// Pure, like the join that owns it.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "source/signal.h"

namespace fsherald {

class Causes {
 public:
  struct Options {
    uint64_t window_ns = 150'000'000;  // from the last request to what the file system says of it, over a slow console
  };

  struct Cause {
    FilesystemKey filesystem;
    DeviceError error;
    ErrorReport report;  // of the first: the line's words, where there is one
    SourceSet sources;
    uint64_t first_boottime_ns = 0;
    uint64_t last_boottime_ns = 0;
    uint64_t deadline_ns = 0;
    uint64_t requests = 0;  // by the trace
    uint64_t lines = 0;
    bool corrected = false;  // what it failed to read was read from another copy
    bool explained = false;  // a part of an error that was told
  };

  explicit Causes(Options options) : options_(options) {}

  // `report.device_error` is set.
  void Add(FilesystemKey filesystem, uint64_t boottime_ns, ErrorReport report, SourceId source, uint64_t now_ns);

  // Whether the device may be behind an error of this file system: then what it failed becomes a part of it. `report` says
  // what is known of the error: a place on the device, if any, and the errno.
  bool Attach(FilesystemKey filesystem, const ErrorReport& report, Notification& told);

  // An error that this report began will be told by then: what may be behind it waits for it.
  void Await(FilesystemKey filesystem, const ErrorReport& report, uint64_t until_ns);

  // The file system has read from another copy what this device failed to read at this place.
  void Correct(FilesystemKey filesystem, const DeviceError& error);

  // Those that nobody has spoken for in time, or all of one file system.
  std::vector<Cause> Take(uint64_t now_ns);
  std::vector<Cause> TakeAll(FilesystemKey filesystem);

  std::optional<uint64_t> deadline_ns() const;

 private:
  static bool IsOpenFor(const Cause& cause, SourceId source);
  static void Learn(Cause& cause, const ErrorReport& report);
  Cause* FindSame(FilesystemKey filesystem, const ErrorReport& report, uint64_t boottime_ns, SourceId source);

  static constexpr size_t kMaxOpen =
      1024;  // a dead disk fails them by the thousand; beyond it the oldest wait no longer

  Options options_;
  std::deque<Cause> causes_;
};

}  // namespace fsherald
