// SPDX-License-Identifier: MIT
// The way back. Every length is checked before it is used, and must be the very one that the layout gives: a record of
// ours never changes.
#include <fsherald/record.h>

#include <algorithm>
#include <initializer_list>

#include "record/stream.h"

namespace fsherald {
namespace {

std::string Text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

constexpr size_t Padded(size_t bytes) { return (bytes + 7) & ~size_t{7}; }

// One record: its struct, then texts of which the struct says the lengths, then less than 8 bytes of padding.
template <typename T>
class RecordReader {
 public:
  explicit RecordReader(Bytes record) : reader_(record) {
    if (auto head = reader_.Read<T>()) head_ = *head;
    else good_ = false;
  }

  // Zeros where the record is too short.
  const T& head() const { return head_; }
  std::string Take(size_t bytes) {
    if (auto taken = reader_.Take(bytes)) return Text(*taken);
    good_ = false;
    return {};
  }
  // To be asked last: all was there, and nothing is left.
  bool Whole() const { return good_ && reader_.remaining() < 8; }

 private:
  ByteReader reader_;
  T head_{};
  bool good_ = true;
};

template <typename T>
T& Ensure(std::optional<T>& part) {
  return part ? *part : part.emplace();
}

// Each Read... fills its part of `to`; false: the record contradicts the layout.

bool ReadFid(Bytes record, StreamNotification& to) {
  ByteReader reader(record);
  const auto fid = reader.Read<fsherald_fid>();
  if (!fid || reader.remaining() < fid->handle_bytes || reader.remaining() - fid->handle_bytes >= 8) return false;
  to.notification.filesystem.fsid = Fsid{fid->fsid[0], fid->fsid[1]};  // FILESYSTEM says whether it is known
  return true;
}

bool ReadError(Bytes record, StreamNotification& to) {
  ByteReader reader(record);
  const auto error = reader.Read<fsherald_error>();
  if (!error || reader.remaining() != 0) return false;
  if (error->error > 0) to.notification.error.code = error->error;
  return true;
}

SourceSet Sources(uint8_t bits) {
  SourceSet sources;
  for (int i = 0; i < kSourceCount; ++i) {
    if ((bits >> i & 1) != 0) sources.Add(static_cast<SourceId>(i));
  }
  return sources;
}

// Unknown values: the kind that says least, and the origin that promises least.
bool ReadSequence(Bytes record, StreamNotification& to) {
  const RecordReader<fsherald_sequence> reader(record);
  const fsherald_sequence& head = reader.head();
  Notification& n = to.notification;
  n.kind = head.kind <= FSHERALD_KIND_HEALTH ? static_cast<Kind>(head.kind) : Kind::kMetadata;
  n.origin = head.origin == FSHERALD_ORIGIN_KERNEL ? Origin::kKernel : Origin::kUser;
  n.sources = Sources(head.sources);
  n.seq = head.seq;
  n.filesystem_seq = head.filesystem_seq;
  if (n.kind == Kind::kHealth) n.error.count = 0;
  else if (n.kind != Kind::kGap) n.error.count = head.count;
  n.utc_ns = head.utc_ns;
  if ((head.flags & FSHERALD_HAS_BOOTTIME) != 0) n.boottime_ns = head.boottime_ns;
  n.corrected = (head.flags & FSHERALD_CORRECTED) != 0;
  n.trusted = (head.flags & FSHERALD_UNTRUSTED) == 0;
  to.cut = (head.flags & FSHERALD_CUT) != 0;
  return reader.Whole();
}

bool ReadFilesystem(Bytes record, StreamNotification& to, bool& has_fsid) {
  RecordReader<fsherald_filesystem> reader(record);
  const fsherald_filesystem& head = reader.head();
  FilesystemInfo& filesystem = to.notification.filesystem;
  if ((head.flags & FSHERALD_HAS_DEV) != 0) filesystem.dev = DeviceNumber{head.dev_major, head.dev_minor};
  if ((head.flags & FSHERALD_HAS_UUID) != 0) std::ranges::copy(head.uuid, filesystem.uuid.emplace().bytes.begin());
  has_fsid = (head.flags & FSHERALD_HAS_FSID) != 0;
  filesystem.type = reader.Take(head.type_len);
  filesystem.device = reader.Take(head.device_len);
  return reader.Whole();
}

bool ReadLocation(Bytes record, StreamNotification& to) {
  RecordReader<fsherald_location> reader(record);
  Location& location = Ensure(to.notification.location);
  location.function = reader.Take(reader.head().function_len);
  if (reader.head().line != 0) location.line = reader.head().line;
  return reader.Whole();
}

bool ReadSourceFile(Bytes record, StreamNotification& to) {
  RecordReader<fsherald_source_file> reader(record);
  Ensure(to.notification.location).file = reader.Take(reader.head().text_len);
  return reader.Whole();
}

bool ReadStack(Bytes record, StreamNotification& to) {
  RecordReader<fsherald_stack> reader(record);
  const std::string text = reader.Take(reader.head().text_len);
  std::vector<std::string>& stack = Ensure(to.notification.location).stack;
  size_t at = 0;
  for (size_t end; (end = text.find('\0', at)) != std::string::npos; at = end + 1) {
    stack.push_back(text.substr(at, end - at));
  }
  return reader.Whole() && at == text.size() && stack.size() == reader.head().frames;
}

// Takes one field off the front.
std::optional<SpecificField> TakeField(ByteReader& reader) {
  const auto head = reader.Read<fsherald_field>();
  if (!head) return std::nullopt;
  const size_t text_bytes = size_t{head->name_len} + head->text_len;
  const auto texts = reader.Take(Padded(text_bytes));  // the struct's own size is a multiple of 8
  if (!texts) return std::nullopt;
  SpecificField field{.name = Text(texts->first(head->name_len)), .value = std::monostate()};
  if (head->type == FSHERALD_FIELD_NUMBER) field.value = head->number;
  if (head->type == FSHERALD_FIELD_TEXT) field.value = Text(texts->subspan(head->name_len, head->text_len));
  return field;
}

bool ReadSpecific(Bytes record, StreamNotification& to) {
  ByteReader reader(record);
  const auto head = reader.Read<fsherald_specific>();
  if (!head) return false;
  const auto type = reader.Take(Padded(head->type_len));
  const auto fields_bytes = type ? reader.Take(head->fields_len) : std::nullopt;
  if (!fields_bytes) return false;
  Specific& specific = Ensure(to.notification.specific);
  specific.type = Text(type->first(head->type_len));
  ByteReader fields(*fields_bytes);
  for (int i = 0; i < head->fields; ++i) {
    auto field = TakeField(fields);
    if (!field) return false;
    specific.fields.push_back(std::move(*field));
  }
  if (head->blob_len != FSHERALD_NO_BLOB) {
    const auto blob = reader.Take(head->blob_len);
    if (!blob) return false;
    specific.blob = Text(*blob);
  }
  return fields.remaining() == 0 && reader.remaining() < 8;
}

bool ReadRange(Bytes record, StreamNotification& to) {
  const RecordReader<fsherald_range> reader(record);
  Range& range = Ensure(to.notification.range);
  range.offset_bytes = reader.head().offset_bytes;
  if ((reader.head().flags & FSHERALD_HAS_LENGTH) != 0) range.length_bytes = reader.head().length_bytes;
  return reader.Whole();
}

bool ReadDeviceError(Bytes record, StreamNotification& to) {
  RecordReader<fsherald_device_error> reader(record);
  const fsherald_device_error& head = reader.head();
  DeviceError& error = Ensure(to.notification.device_error);
  error.device = reader.Take(head.device_len);
  if (head.operation <= FSHERALD_OPERATION_DISCARD) {
    error.operation = static_cast<DeviceError::Operation>(head.operation);
  }
  if ((head.flags & FSHERALD_HAS_DEV) != 0) error.dev = DeviceNumber{head.dev_major, head.dev_minor};
  if ((head.flags & FSHERALD_HAS_SECTOR) != 0) error.sector = head.sector;
  if ((head.flags & FSHERALD_HAS_SECTORS) != 0) error.sectors = head.sectors;
  if (head.error > 0) error.code = head.error;
  error.count = head.count;
  return reader.Whole();
}

bool ReadTask(Bytes record, StreamNotification& to) {
  RecordReader<fsherald_task> reader(record);
  const fsherald_task& head = reader.head();
  Task& task = Ensure(to.notification.task);
  if ((head.flags & FSHERALD_HAS_PID) != 0) task.pid = head.pid;
  if ((head.flags & FSHERALD_HAS_TID) != 0) task.tid = head.tid;
  task.comm = reader.Take(head.comm_len);
  std::string cgroup = reader.Take(head.cgroup_len);
  if ((head.flags & FSHERALD_HAS_CGROUP) != 0) task.cgroup = std::move(cgroup);
  return reader.Whole();
}

bool ReadMessage(Bytes record, StreamNotification& to) {
  RecordReader<fsherald_message> reader(record);
  Ensure(to.notification.specific).message = reader.Take(reader.head().text_len);
  return reader.Whole();
}

// Of an unknown hop nothing can be told but that there was a loss: the kind says that.
bool ReadGap(Bytes record, StreamNotification& to) {
  const RecordReader<fsherald_gap> reader(record);
  const fsherald_gap& head = reader.head();
  if (head.source >= kSourceCount) return reader.Whole();
  Gap& gap = Ensure(to.notification.gap);
  gap.source = static_cast<SourceId>(head.source);
  gap.exact = head.certainty == FSHERALD_EXACT;
  if (head.certainty < FSHERALD_UNKNOWN) gap.count = head.count;
  gap.from_utc_ns = head.from_utc_ns;
  gap.to_utc_ns = head.to_utc_ns;
  return reader.Whole();
}

bool ReadIncident(Bytes record, StreamNotification& to) {
  const RecordReader<fsherald_incident> reader(record);
  to.notification.incident = reader.head().first_seq;
  return reader.Whole();
}

// Of unknown states or an unknown rule nothing can be told but that there was a change: the kind says that.
bool ReadHealth(Bytes record, StreamNotification& to) {
  RecordReader<fsherald_health> reader(record);
  const fsherald_health& head = reader.head();
  std::string reason = reader.Take(head.reason_len);
  if (head.from >= kHealthStateCount || head.to >= kHealthStateCount || head.rule >= kHealthRuleCount) {
    return reader.Whole();
  }
  HealthChange& change = Ensure(to.notification.health);
  change.from = static_cast<HealthState>(head.from);
  change.to = static_cast<HealthState>(head.to);
  change.rule = static_cast<HealthRule>(head.rule);
  change.errors = head.errors;
  if ((head.flags & FSHERALD_HAS_UID) != 0) change.uid = head.uid;
  if ((head.flags & FSHERALD_HAS_SINCE) != 0) change.since_utc_ns = head.since_utc_ns;
  if ((head.flags & FSHERALD_HAS_REASON) != 0) change.reason = std::move(reason);
  return reader.Whole();
}

bool ReadObject(Bytes record, StreamNotification& to) {
  RecordReader<fsherald_object> reader(record);
  const fsherald_object& head = reader.head();
  ObjectInfo& object = Ensure(to.notification.object);
  if ((head.flags & FSHERALD_HAS_INODE) != 0) object.inode = head.inode;
  if ((head.flags & FSHERALD_HAS_GENERATION) != 0) object.generation = head.generation;
  std::string path = reader.Take(head.path_len);
  if ((head.flags & FSHERALD_HAS_PATH) != 0) object.path = std::move(path);
  if (head.path_source >= FSHERALD_PATH_HANDLE && head.path_source <= FSHERALD_PATH_IOCTL) {
    object.path_source = static_cast<PathSource>(head.path_source - FSHERALD_PATH_HANDLE);
  }
  return reader.Whole();
}

bool ReadMount(Bytes record, StreamNotification& to) {
  RecordReader<fsherald_mount> reader(record);
  to.notification.filesystem.mounts.push_back(reader.Take(reader.head().path_len));
  return reader.Whole();
}

bool ReadHost(Bytes record, StreamNotification& to) {
  RecordReader<fsherald_host> reader(record);
  to.host.boot_id = reader.Take(reader.head().boot_id_len);
  to.host.kernel_release = reader.Take(reader.head().kernel_len);
  return reader.Whole();
}

class Parser {
 public:
  // False: contradicts the layout.
  bool Read(uint8_t type, Bytes record) {
    const bool of_the_kernel = type == FSHERALD_RECORD_FID || type == FSHERALD_RECORD_ERROR;
    const bool known = of_the_kernel || (type >= FSHERALD_RECORD_SEQUENCE && type <= FSHERALD_RECORD_HEALTH);
    if (!known) return true;
    if (!of_the_kernel && record.size() % 8 != 0) return false;
    if (type != FSHERALD_RECORD_MOUNT && Seen(type)) return false;
    seen_ |= Bit(type);
    return ReadKnown(type, record);
  }

  // When all records are read. The mask and the records that are always there must be right.
  std::optional<StreamNotification> Finish(const fsherald_metadata& metadata) {
    if (!Seen(FSHERALD_RECORD_FID) || !Seen(FSHERALD_RECORD_ERROR) || !Seen(FSHERALD_RECORD_SEQUENCE)) {
      return std::nullopt;
    }
    const bool is_gap = to_.notification.kind == Kind::kGap;
    if (metadata.mask != (is_gap ? FSHERALD_MASK_OVERFLOW : FSHERALD_MASK_ERROR)) return std::nullopt;
    if (!is_gap && !Seen(FSHERALD_RECORD_FILESYSTEM)) return std::nullopt;
    if (!has_fsid_) to_.notification.filesystem.fsid.reset();
    to_.bytes = metadata.event_len;
    return std::move(to_);
  }

 private:
  static uint32_t Bit(uint8_t type) {
    if (type == FSHERALD_RECORD_FID) return 1U << 30;
    if (type == FSHERALD_RECORD_ERROR) return 1U << 31;
    return 1U << (type - FSHERALD_RECORD_SEQUENCE);
  }
  bool Seen(uint8_t type) const { return (seen_ & Bit(type)) != 0; }

  bool ReadKnown(uint8_t type, Bytes record) {
    switch (type) {
      case FSHERALD_RECORD_FID: return ReadFid(record, to_);
      case FSHERALD_RECORD_ERROR: return ReadError(record, to_);
      case FSHERALD_RECORD_SEQUENCE: return ReadSequence(record, to_);
      case FSHERALD_RECORD_FILESYSTEM: return ReadFilesystem(record, to_, has_fsid_);
      case FSHERALD_RECORD_LOCATION: return ReadLocation(record, to_);
      case FSHERALD_RECORD_STACK: return ReadStack(record, to_);
      case FSHERALD_RECORD_SPECIFIC: return ReadSpecific(record, to_);
      case FSHERALD_RECORD_RANGE: return ReadRange(record, to_);
      case FSHERALD_RECORD_TASK: return ReadTask(record, to_);
      case FSHERALD_RECORD_MESSAGE: return ReadMessage(record, to_);
      case FSHERALD_RECORD_GAP: return ReadGap(record, to_);
      case FSHERALD_RECORD_OBJECT: return ReadObject(record, to_);
      case FSHERALD_RECORD_MOUNT: return ReadMount(record, to_);
      case FSHERALD_RECORD_HOST: return ReadHost(record, to_);
      case FSHERALD_RECORD_DEVICE_ERROR: return ReadDeviceError(record, to_);
      case FSHERALD_RECORD_SOURCE_FILE: return ReadSourceFile(record, to_);
      case FSHERALD_RECORD_INCIDENT: return ReadIncident(record, to_);
      case FSHERALD_RECORD_HEALTH: return ReadHealth(record, to_);
      default: return true;
    }
  }

  StreamNotification to_;
  uint32_t seen_ = 0;
  bool has_fsid_ = false;
};

bool IsMetadata(const fsherald_metadata& metadata) {
  return metadata.vers == 3 && metadata.metadata_len == sizeof metadata && metadata.event_len >= sizeof metadata &&
         metadata.event_len <= FSHERALD_MAX_NOTIFICATION_BYTES && metadata.event_len % 8 == 0;
}

}  // namespace

std::optional<StreamNotification> ParseStream(Bytes bytes) {
  ByteReader start(bytes);
  const auto metadata = start.Read<fsherald_metadata>();
  if (!metadata || !IsMetadata(*metadata) || bytes.size() < metadata->event_len) return std::nullopt;
  ByteReader records(bytes.first(metadata->event_len).subspan(sizeof *metadata));
  Parser parser;
  while (records.remaining() != 0) {
    ByteReader ahead(records.rest());
    const auto info = ahead.Read<fsherald_info>();
    if (!info || info->len < sizeof *info) return std::nullopt;
    const auto record = records.Take(info->len);
    if (!record || !parser.Read(info->type, *record)) return std::nullopt;
  }
  return parser.Finish(*metadata);
}

}  // namespace fsherald
