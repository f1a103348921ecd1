// SPDX-License-Identifier: MIT
// What a file system's log lines, counters and on-disk structures mean. One module a file system (ext4.h, ...), each a
// row of the table below; no other folder knows a file system by name. All functions are pure but those that say so.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "record/notification.h"

namespace fsherald {

// What one line of the kernel's log says.
struct LogMessage {
  enum class Meaning {
    kError,      // an error, to be told
    kMounted,    // "mounted filesystem ...": the mount table has changed
    kUnmounted,  // "unmounting filesystem ...": the mount table is about to change
    kPast,       // the kernel repeats what it has said before (ext4's daily reminder): never new
  };
  Meaning meaning = Meaning::kError;
  // Of the module that understood the line, set by ParseLog; empty: the block layer's.
  std::string_view filesystem_type = {};
  std::string device;  // the name in the line (s_id, or the block device's name)
  Kind kind = Kind::kMetadata;
  std::optional<int> code;  // errno, where the line says it or it follows from the line with certainty
  std::string function;     // empty: the line has none
  std::optional<uint32_t> line;
  std::optional<uint64_t> inode;
  std::optional<uint64_t> block;
  std::optional<uint64_t> group;
  std::optional<Range> range = {};  // of the device
  std::string comm;                 // empty: the line has none
  std::string message;
  bool counted = false;           // the file system counts it (ext4: errors_count)
  bool traced = false;            // its tracepoint fires just before the line, in the same task
  bool told_by_fanotify = false;  // FAN_FS_ERROR follows, in the same task
  friend bool operator==(const LogMessage&, const LogMessage&) = default;
};

// How the code that reports an error tells it further; read off the first frames of its stack.
struct Reporter {
  bool told_by_fanotify = false;
  bool counted = true;
  std::optional<int> code;  // errno, where this reporter has but one
};

// The file system's own counters at one moment.
struct CounterReading {
  struct Occurrence {  // the first or the last error, as the counters keep it
    int64_t utc_seconds = 0;
    std::optional<int> code;
    std::string function;
    std::optional<uint32_t> line;
    std::optional<uint64_t> inode;
    std::optional<uint64_t> block;
    friend bool operator==(const Occurrence&, const Occurrence&) = default;
  };
  uint64_t errors = 0;
  uint64_t warnings = 0;
  std::optional<Occurrence> first;
  std::optional<Occurrence> last;
  friend bool operator==(const CounterReading&, const CounterReading&) = default;
};

// The inode that a walk looks for. Its generation is read from the device only where that is wanted: a sector that
// cannot be read is reported by the kernel each time.
struct WalkTarget {
  WalkTarget(uint64_t number, bool wants_generation = true)  // NOLINT: implicit by intent
      : inode(number), generation_wanted(wants_generation) {}
  uint64_t inode;
  bool generation_wanted;
};

// The path of an inode by the file system's on-disk structures.
struct WalkResult {
  // From the file system's root, without a leading slash; "" is the root; empty: not found.
  std::optional<std::string> path;
  std::optional<uint32_t> generation;
  bool complete = true;  // false: the deadline ended the walk
};

struct FilesystemModule {
  std::string_view type;  // as in the mount table

  // The beginnings of the log lines that the module understands; each at least 8 bytes, compared byte by byte.
  std::span<const std::string_view> log_prefixes;
  // A line of the kernel's log, without level and time. Empty: nothing to tell.
  std::optional<LogMessage> (*parse_log)(std::string_view line);

  // Whether a function of the stack only reports (is no location), for example "__ext4_error_inode".
  bool (*is_reporting_helper)(std::string_view function);
  // Which reporter the innermost frames belong to ("function+0xoffset", innermost first).
  Reporter (*reporter)(std::span<const std::string> stack);

  // The file-system-specific record.
  Specific (*specific)(const LogMessage& message);

  // Whether the kernel can load the inode of this message without raising the same error again.
  bool (*object_is_loadable)(const LogMessage& message);

  // Reads the counters below sysfs_root (I/O). Errors: none there, or unreadable.
  Result<CounterReading> (*read_counters)(const std::string& sysfs_root, const std::string& device);
  // The file whose POLLPRI tells that the number of errors rose, and that holds it; empty string: none.
  std::string (*counter_event_path)(const std::string& sysfs_root, const std::string& device);

  // Looks for the inode below the root directory, reading the block device (I/O, slow, raises no error in the kernel).
  Result<WalkResult> (*find_path)(const std::string& device_path, WalkTarget target,
                                  std::chrono::steady_clock::time_point deadline);

  // Whether the file system of this kernel ("6.1.0-44-amd64", as uname(2) says it) reports to fanotify. A mark succeeds
  // also where it does not. Null: it never does.
  bool (*sends_fanotify)(std::string_view kernel_release) = nullptr;
};

// Every file system known by name. The order means nothing.
std::span<const FilesystemModule> FilesystemModules();

// The module of a type as the mount table names it ("ext4"), or null.
const FilesystemModule* FindFilesystemModule(std::string_view type);

// The module and the meaning of a log line, whichever file system printed it. Lines of the block layer ("I/O error, dev
// sda, ...") belong to the module of the file system on that device; they come with `module` null.
struct ParsedLog {
  const FilesystemModule* module = nullptr;
  LogMessage message;
};
std::optional<ParsedLog> ParseLog(std::string_view line);

// The beginnings of all log lines that ParseLog understands; at most 16.
std::vector<std::string_view> LogPrefixes();

// Whether a user-space program wrote the line to /dev/kmsg, by the stack of its printk ("function+0xoffset"): such a line
// says nothing about any file system, whatever it looks like.
bool IsUserLine(std::span<const std::string> stack);

}  // namespace fsherald
