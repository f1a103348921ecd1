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
#include "record/notification.h"

namespace fsherald {

// The file system whose tracepoints bpf/trace.bpf.c attaches to.
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

using TraceRecord = std::variant<TraceErrorRecord, TraceLineRecord>;

// Empty: the size, the type or a length in it is wrong.
std::optional<TraceRecord> ParseTraceRecord(Bytes bytes);

}  // namespace fsherald
