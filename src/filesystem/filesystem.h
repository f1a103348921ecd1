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
#include "filesystem/trace_event.h"
#include "record/notification.h"

namespace fsherald {

struct Advice;  // advice.h

// One of the counters that a file system keeps of each of its devices (btrfs: device stats), as it stood at one moment.
struct DeviceCounter {
  std::optional<uint64_t> id;  // the file system's own number of the device; empty: not known (a line names it alone)
  std::string device;          // as the file system's lines name it: "/dev/sda1"; empty: not known
  std::string name;            // "corruption_errs"
  uint64_t value = 0;
  // What it means that it rose: the kind of the error, and of what request.
  Kind kind = Kind::kDevice;
  DeviceError::Operation operation = DeviceError::Operation::kUnknown;
  friend bool operator==(const DeviceCounter&, const DeviceCounter&) = default;
};

// What one line of the kernel's log, or one event of the trace, says.
struct ErrorReport {
  enum class Meaning {
    kError,       // an error, to be told
    kMounted,     // "mounted filesystem ...": the mount table has changed
    kUnmounted,   // "unmounting filesystem ...": the mount table is about to change
    kPast,        // the kernel repeats what it has said before (ext4's daily reminder): never new
    kAddition,    // says more of an error that is told already; by itself it is none
    kLost,        // the kernel says that it could not report an error: `lost` are at least so many
    kScrubBegan,  // of the device `scrubbed`: all of it is being read and checked
    kScrubEnded,  // all of it has been, whatever was found
  };
  Meaning meaning = Meaning::kError;
  // Of the module that understood it, set by ParseLog and ParseEvent; empty: the block layer's.
  std::string_view filesystem_type = {};
  std::string device;  // the name in the line (s_id, or the block device's name)
  Kind kind = Kind::kMetadata;
  std::optional<int> code;  // errno, where the report says it or it follows with certainty
  std::string function;     // empty: it names none
  std::optional<uint32_t> line;
  std::string file = {};  // "fs/xfs/xfs_fsops.c"; empty: it names none
  std::optional<uint64_t> inode;
  std::optional<uint32_t> generation = {};
  std::optional<uint64_t> inode_root =
      {};  // the subvolume that the inode's number is of, where a file system has several
  std::optional<uint64_t> block;
  std::optional<uint64_t> group;
  std::optional<Range> range = {};  // of the inode; of the device where there is none
  std::optional<DeviceError> device_error = {};
  std::vector<SpecificField> fields = {};  // of the specific record, beside inode, block and group
  std::string comm;                        // empty: it names none
  std::string message;
  uint64_t scrubbed = 0;  // the file system's own number of the device
  bool corrected = false;
  bool counted = false;           // the file system counts it (ext4: errors_count)
  bool traced = false;            // its tracepoint fires just before the line, in the same task
  bool told_by_fanotify = false;  // FAN_FS_ERROR follows, in the same task; of an event: where its errors are echoed

  // Whether it tells again, by another interface, what the error's own reports have told or will tell (join/echoes.h).
  enum class Echo {
    kNone,
    kRecord,  // of fanotify
    kCall,    // of fserror_report, which makes that record
    kHealth,  // of the file system's health monitor
  };
  Echo echo = Echo::kNone;

  // How many errors of the file system's own count it stands for, where it is counted; 0: of what is healthy again.
  uint64_t count = 1;

  // How it stands to the counters of the file system's devices (join/device_counts.h).
  std::string counter = {};                  // the one that its errors are counted by, if they are: "corruption_errs"
  bool claims = false;                       // it is itself one error of that counter
  std::vector<DeviceCounter> counters = {};  // absolute numbers that the report gives; new is what they have grown by
  bool counters_are_old = false;             // it repeats them, nothing has happened

  // How it belongs to an error that several reports tell together (join/episodes.h). Without a topic, and if it does not
  // follow, it is an error by itself.
  std::string topic = {};    // what it is about, in words of the file system's own: "daddr 0x38"
  bool follows = false;      // it is about what the same task reported just before
  bool concludes = false;    // it is what came of the error just before, whichever task reported that
  uint32_t part = 0;         // which part of the telling, a bit: two of the same part are two errors. 0: may repeat
  bool more = false;         // more will follow, and a slow console may stand between
  bool speculative = false;  // of a read-ahead: if the same is asked for and fails again, that is the same error
  bool of_stack =
      false;  // of a device that is made of others: if one of those has failed just before, that is the cause
  bool task_is_any = false;  // reported in an interrupt or by a worker: its task is not the one that met the error
  friend bool operator==(const ErrorReport&, const ErrorReport&) = default;
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
  std::vector<DeviceCounter> devices = {};  // where the file system counts by device: `errors` is their sum
  friend bool operator==(const CounterReading&, const CounterReading&) = default;
};

// The inode that a walk looks for. Its generation is read from the device only where that is wanted: a sector that
// cannot be read is reported by the kernel each time.
struct WalkTarget {
  WalkTarget(uint64_t number, bool wants_generation = true)  // NOLINT: implicit by intent
      : inode(number), generation_wanted(wants_generation) {}
  uint64_t inode;
  bool generation_wanted;
  std::optional<Range> unreadable = {};  // a place on the device that is known to be so, and is left out
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

  // Any of what follows may be null or empty: the file system has no such thing.

  // The beginnings of the log lines that the module understands; the first 8 bytes are compared before a line is looked at.
  // One that begins with ": " stands behind a device's name ("loop0: writeback error").
  std::span<const std::string_view> log_prefixes;
  // A line of the kernel's log, without level and time. Empty: nothing to tell.
  std::optional<ErrorReport> (*parse_log)(std::string_view line);

  // An event of the trace on a file system of this type. Empty: nothing to tell. Null: it has no events.
  std::optional<ErrorReport> (*parse_event)(const TraceEvent& event) = nullptr;

  // Whether a function of the stack only reports (is no location), for example "__ext4_error_inode".
  bool (*is_reporting_helper)(std::string_view function);
  // Whether a function of the stack reads ahead what nobody has asked for yet. Null: none is the file system's own.
  bool (*is_read_ahead)(std::string_view function) = nullptr;
  // Which reporter the innermost frames belong to ("function+0xoffset", innermost first).
  Reporter (*reporter)(std::span<const std::string> stack);

  // The file-system-specific record.
  Specific (*specific)(const ErrorReport& report);

  // Whether the kernel can load the inode of this message without raising the same error again.
  bool (*object_is_loadable)(const ErrorReport& message);

  // Reads the counters below sysfs_root (I/O). `access_path` leads to the file system, empty: no way is known. Errors: none
  // there, or unreadable.
  Result<CounterReading> (*read_counters)(const std::string& sysfs_root, const FilesystemInfo& filesystem,
                                          const std::string& access_path);
  // The file whose POLLPRI tells that the number of errors rose, and that holds it; empty string: none. Null: the file
  // system's counters tell of no rise, they have to be read from time to time.
  std::string (*counter_event_path)(const std::string& sysfs_root, const std::string& device);
  // A file that is there for as long as the mounting whose counters these are. Null: that of counter_event_path.
  std::string (*counter_instance_path)(const std::string& sysfs_root, const FilesystemInfo& filesystem) = nullptr;

  // Looks for the inode below the root directory, reading the block device (I/O, slow, raises no error in the kernel).
  Result<WalkResult> (*find_path)(const std::string& device_path, WalkTarget target,
                                  std::chrono::steady_clock::time_point deadline);

  // Asks the file system itself, by an open directory of it, for the path of an inode of the subvolume `root`, from that
  // directory and without a leading slash (I/O: it may read the file system's trees). Empty: not found, or not below it.
  std::optional<std::string> (*ask_path)(int directory_fd, const FilesystemInfo& filesystem, uint64_t root,
                                         uint64_t inode) = nullptr;

  // Whether a file's handle with generation 0 opens it whatever its generation is. Others refuse it, having loaded the
  // inode all the same.
  bool opens_any_generation = false;

  // The fsid as statfs(2) gives it, where the file system makes it of the uuid that its superblock in the kernel has and its
  // device carries. Null: it does not.
  Fsid (*fsid_of)(const Uuid& uuid) = nullptr;

  // Whether the file system of this kernel ("6.1.0-44-amd64", as uname(2) says it) reports to fanotify. A mark succeeds
  // also where it does not. Null: it never does.
  bool (*sends_fanotify)(std::string_view kernel_release) = nullptr;

  // What those who repair it know. Null: nothing beyond what holds for all.
  const Advice* advice = nullptr;
};

// Every file system known by name. The order means nothing.
std::span<const FilesystemModule> FilesystemModules();

// The module of a type as the mount table names it ("ext4"), or null. ext2 and ext3 are ext4's, nfs4 is nfs's, and so on: a
// module's `type` is that of the code that serves it.
const FilesystemModule* FindFilesystemModule(std::string_view type);

// The same; of a type without a module the one that knows what all have in common. Never null.
const FilesystemModule& ModuleOf(std::string_view type);

// The module and the meaning of a log line, whichever file system printed it. Lines of the block layer ("I/O error, dev
// sda, ...") and of the page cache belong to the file system on that device; they come with `module` null.
struct ParsedLog {
  const FilesystemModule* module = nullptr;
  ErrorReport report;
};
std::optional<ParsedLog> ParseLog(std::string_view line);

// The beginnings of all log lines that ParseLog understands; at most 64 that differ in their first 8 bytes.
std::vector<std::string_view> LogPrefixes();

// What an event of the trace says. Empty: nothing to tell.
std::optional<ErrorReport> ParseEvent(const TraceEvent& event);

// Whether a function of a stack only reports, or carries the report on: it is no location.
bool IsReportingFrame(std::string_view function);

// Whether the stack ("function+0xoffset") is of a read-ahead, of the page cache or of a file system.
bool IsReadAhead(std::span<const std::string> stack);

// Whether a worker of the kernel finished a file system's I/O, by the stack: who waits for it is the one that meets the error.
bool IsCompletion(std::span<const std::string> stack);

// Whether a user-space program wrote the line to /dev/kmsg, by the stack of its printk ("function+0xoffset"): such a line
// says nothing about any file system, whatever it looks like.
bool IsUserLine(std::span<const std::string> stack);

// Whether the stack is that of a mount(2) that has not returned: what is reported there is of a file system that is not
// mounted yet, and may never be.
bool IsMounting(std::span<const std::string> stack);

}  // namespace fsherald
