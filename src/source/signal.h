// SPDX-License-Identifier: MIT
// Signal: what one source saw of one error, a part of a notification. The join puts them together (join/).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "filesystem/filesystem.h"
#include "record/notification.h"

namespace fsherald {

// The join's name for one mounting of one file system; given by mount/, never reused in a run. 0: not known.
struct FilesystemKey {
  uint32_t value = 0;
  friend auto operator<=>(const FilesystemKey&, const FilesystemKey&) = default;
};

// An error's tracepoint fired: one error, or `folded` more of the same code point that the program only counted.
struct TraceSignal {
  uint64_t boottime_ns = 0;
  Task task;  // without tid: folded, of any task
  std::string function;
  std::optional<uint32_t> line;
  std::vector<std::string> stack;  // from the function that met the error on; empty: not taken for this one
  Reporter reporter;
  Kind kind = Kind::kMetadata;
  uint64_t folded = 0;  // > 0: that many errors, without task and stack
};

// The error in the reporter's own arguments (fentry or kprobe on the error handler): follows the TraceSignal of the same
// task and code point; where there is none, it is an error that has no tracepoint.
struct DetailSignal {
  uint64_t boottime_ns = 0;
  Task task;
  std::string function;
  std::optional<uint32_t> line;
  int code = 0;
  std::optional<uint64_t> inode;
  std::optional<uint64_t> block;
};

// A line of the kernel's log.
struct LogSignal {
  uint64_t boottime_ns = 0;
  std::optional<Task> task;        // known where printk's tracepoint brought the line
  std::vector<std::string> stack;  // as above
  ErrorReport report;
  bool trusted = true;  // false: user space wrote the line
};

// Any other tracepoint: one error, or a part of one; or `folded` more of the same point that the program only counted.
struct EventSignal {
  uint64_t boottime_ns = 0;
  std::optional<Task> task;        // empty: folded
  std::vector<std::string> stack;  // as above
  ErrorReport report;
  uint64_t folded = 0;
  SourceSet sources = SourceId::kTrace;
};

// A FAN_FS_ERROR record: `count` errors since the last, the first of them described.
struct FanotifySignal {
  uint64_t boottime_ns = 0;        // of the read
  uint64_t after_boottime_ns = 0;  // the queue was empty then: they are later
  int code = 0;
  uint64_t count = 1;
  std::optional<uint64_t> inode;  // empty: the whole file system
  std::optional<uint32_t> generation;
};

// The counters, read at boottime_ns, before the other sources were drained.
struct CounterSignal {
  uint64_t boottime_ns = 0;
  CounterReading reading;
};

// A source lost something and says so.
struct GapSignal {
  uint64_t from_boottime_ns = 0;
  uint64_t to_boottime_ns = 0;
  SourceId source = SourceId::kTrace;
  std::optional<uint64_t> count;
  bool exact = true;
};

struct Signal {
  FilesystemKey filesystem;
  std::variant<TraceSignal, DetailSignal, LogSignal, EventSignal, FanotifySignal, CounterSignal, GapSignal> what;
};

}  // namespace fsherald
