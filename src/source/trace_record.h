// SPDX-License-Identifier: MIT
// The records that the BPF programs write (bpf/records.h), parsed. Pure; the bytes are checked though the kernel wrote
// them: a program of another version may be pinned, and a fuzz target shows that no bytes harm.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "filesystem/trace_event.h"
#include "record/notification.h"

namespace fsherald {

// The file system whose code points bpf/trace.bpf.c tells by function and line.
inline constexpr std::string_view kTracedFilesystem = "ext4";

struct TraceRecordHead {
  uint64_t boottime_ns = 0;
  uint64_t cgroup_id = 0;
  Task task;                    // without cgroup path
  std::vector<uint64_t> stack;  // addresses, innermost first
};

// ext4_error, ext4_shutdown or ext4_handle_error.
struct TraceErrorRecord {
  enum class Type { kError, kShutdown, kDetail };
  Type type = Type::kError;
  TraceRecordHead head;
  std::string_view filesystem_type;  // of the tracepoint
  DeviceNumber dev;
  Uuid uuid;
  std::string device;
  std::string function;
  uint32_t line = 0;
  std::optional<uint32_t> cell;
  bool more = false;  // more of this cell may follow without a record or a wake-up
  std::optional<uint64_t> inode;
  std::optional<uint64_t> block;
  int code = 0;
};

struct TraceLineRecord {
  TraceRecordHead head;
  std::string text;
  bool continues = false;
};

// Any other tracepoint.
struct TraceEventRecord {
  TraceRecordHead head;
  DeviceNumber dev;
  std::optional<Uuid> uuid;  // of the superblock; empty: a disk's event, or a file system without one
  std::string device;        // s_id, or the disk's name
  std::optional<uint32_t> cell;
  bool more = false;  // as above
  TraceEvent event;   // without stack: its addresses are in the head
};

using TraceRecord = std::variant<TraceErrorRecord, TraceLineRecord, TraceEventRecord>;

// Empty: the size, the type or a length in it is wrong.
std::optional<TraceRecord> ParseTraceRecord(Bytes bytes);

}  // namespace fsherald
