// SPDX-License-Identifier: MIT
#include "source/trace_record.h"

#include <algorithm>
#include <cstddef>

#include "bpf/records.h"

namespace fsherald {
namespace {

static_assert(sizeof(fsh_head) == 48);
static_assert(sizeof(fsh_error) == 184 && offsetof(fsh_error, inode) == 64 && offsetof(fsh_error, device) == 104);
static_assert(sizeof(fsh_line) == 48 + 8 + FSH_STACK_FRAMES * 8 + FSH_TEXT_BYTES);
static_assert(sizeof(fsh_event) == 240 && offsetof(fsh_event, values) == 64 && offsetof(fsh_event, text) == 176);
static_assert(sizeof(fsh_cell) == 160 && offsetof(fsh_cell, quiet) == 28);

static_assert(static_cast<int>(TracePoint::kXfsShutdown) == FSH_XFS_SHUTDOWN);
static_assert(static_cast<int>(TracePoint::kXfsFsUnfixed) == FSH_XFS_FS_UNFIXED);
static_assert(static_cast<int>(TracePoint::kXfsGroupUnfixed) == FSH_XFS_GROUP_UNFIXED);
static_assert(static_cast<int>(TracePoint::kXfsInodeUnfixed) == FSH_XFS_INODE_UNFIXED);
static_assert(static_cast<int>(TracePoint::kXfsBtreeCorrupt) == FSH_XFS_BTREE_CORRUPT);
static_assert(static_cast<int>(TracePoint::kFserror) == FSH_FSERROR);
static_assert(kLastTracePoint == FSH_LAST_POINT);

constexpr size_t kStackBytes = FSH_STACK_FRAMES * sizeof(uint64_t);

// A C string in a field of fixed size, which may lack its NUL.
template <size_t N>
std::string FieldText(const char (&field)[N]) {
  return std::string(field, std::find(field, field + N, '\0'));
}

std::optional<TraceRecordHead> ParseHead(const fsh_head& head, Bytes stack_bytes) {
  TraceRecordHead parsed;
  parsed.boottime_ns = head.boottime_ns;
  parsed.cgroup_id = head.cgroup;
  parsed.task = Task{.pid = head.pid, .tid = head.tid, .comm = FieldText(head.comm), .cgroup = {}};
  if (head.stack_count > FSH_STACK_FRAMES) return std::nullopt;
  ByteReader stack(stack_bytes);
  for (unsigned i = 0; i < head.stack_count; ++i) {
    std::optional<uint64_t> address = stack.Read<uint64_t>();
    if (!address) return std::nullopt;
    parsed.stack.push_back(*address);
  }
  return parsed;
}

std::optional<uint64_t> NonZero(uint64_t value) {
  if (value == 0) return std::nullopt;
  return value;
}

std::optional<TraceRecord> ParseError(Bytes bytes, TraceErrorRecord::Type type) {
  ByteReader reader(bytes);
  std::optional<fsh_error> raw = reader.Read<fsh_error>();
  if (!raw || (reader.remaining() != 0 && reader.remaining() != kStackBytes)) return std::nullopt;
  std::optional<TraceRecordHead> head = ParseHead(raw->head, reader.rest());
  if (!head) return std::nullopt;
  TraceErrorRecord record;
  record.type = type;
  record.head = std::move(*head);
  record.filesystem_type = kTracedFilesystem;
  record.dev = DeviceNumber{raw->dev >> 20, raw->dev & 0xfffff};
  std::copy(std::begin(raw->uuid), std::end(raw->uuid), record.uuid.bytes.begin());
  record.device = FieldText(raw->device);
  record.function = FieldText(raw->function);
  record.line = raw->line;
  if (raw->cell < FSH_CELLS) record.cell = raw->cell;
  record.more = (raw->flags & FSH_MORE) != 0;
  record.inode = NonZero(raw->inode);
  record.block = NonZero(raw->block);
  record.code = raw->code;
  return record;
}

std::optional<TraceRecord> ParseEvent(Bytes bytes) {
  ByteReader reader(bytes);
  std::optional<fsh_event> raw = reader.Read<fsh_event>();
  if (!raw || (reader.remaining() != 0 && reader.remaining() != kStackBytes)) return std::nullopt;
  if (raw->point == 0 || raw->point > kLastTracePoint) return std::nullopt;
  std::optional<TraceRecordHead> head = ParseHead(raw->head, reader.rest());
  if (!head) return std::nullopt;
  TraceEventRecord record;
  record.head = std::move(*head);
  record.dev = DeviceNumber{raw->dev >> 20, raw->dev & 0xfffff};
  Uuid uuid;
  std::copy(std::begin(raw->uuid), std::end(raw->uuid), uuid.bytes.begin());
  if (uuid != Uuid()) record.uuid = uuid;
  record.device = FieldText(raw->device);
  if (raw->cell < FSH_CELLS) record.cell = raw->cell;
  record.more = (raw->flags & FSH_MORE) != 0;
  record.event.point = static_cast<TracePoint>(raw->point);
  record.event.filesystem_type = FieldText(raw->type);
  std::copy(std::begin(raw->values), std::end(raw->values), record.event.values.begin());
  record.event.text = FieldText(raw->text);
  return record;
}

std::optional<TraceRecord> ParseLine(Bytes bytes) {
  ByteReader reader(bytes);
  std::optional<fsh_line> raw = reader.Read<fsh_line>();
  if (!raw || reader.remaining() != 0 || raw->length > FSH_TEXT_BYTES) return std::nullopt;
  std::optional<TraceRecordHead> head = ParseHead(raw->head, std::as_bytes(std::span(raw->stack)));
  if (!head) return std::nullopt;
  return TraceLineRecord{std::move(*head), std::string(raw->text, raw->length), raw->continues != 0};
}

}  // namespace

std::optional<TraceRecord> ParseTraceRecord(Bytes bytes) {
  std::optional<uint32_t> type = ByteReader(bytes).Read<uint32_t>();
  if (!type) return std::nullopt;
  switch (*type) {
    case FSH_ERROR: return ParseError(bytes, TraceErrorRecord::Type::kError);
    case FSH_SHUTDOWN: return ParseError(bytes, TraceErrorRecord::Type::kShutdown);
    case FSH_DETAIL: return ParseError(bytes, TraceErrorRecord::Type::kDetail);
    case FSH_LINE: return ParseLine(bytes);
    case FSH_EVENT: return ParseEvent(bytes);
    default: return std::nullopt;
  }
}

}  // namespace fsherald
