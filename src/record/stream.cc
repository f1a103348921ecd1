// SPDX-License-Identifier: MIT
#include "record/stream.h"

#include <fsherald/record.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>

namespace fsherald {
namespace {

constexpr uint8_t kFanotifyVersion = 3;
constexpr int32_t kNoFd = -1;
constexpr int32_t kHandleInode32 = 1;     // FILEID_INO32_GEN
constexpr int32_t kHandleInode64 = 0x81;  // FILEID_INO64_GEN
constexpr int32_t kHandleNone = 0xff;     // FILEID_INVALID

constexpr size_t Padded(size_t bytes) { return (bytes + 7) & ~size_t{7}; }

// What is never left out must always fit, and leave a quarter for the rest, so its texts have limits, which no kernel and
// no honest producer reaches.
constexpr size_t kMaxNameBytes = 255;      // types and names of file systems
constexpr size_t kMaxFunctionBytes = 511;  // the kernel's KSYM_NAME_LEN, less its NUL
constexpr size_t kMaxFileBytes = 511;
constexpr size_t kMaxCommBytes = 63;
constexpr size_t kMaxHostBytes = 64;  // boot id, and uname -r
constexpr size_t kMostNeverCut =
    sizeof(fsherald_metadata) + sizeof(fsherald_fid) + 16 + sizeof(fsherald_error) + sizeof(fsherald_sequence) +
    Padded(sizeof(fsherald_filesystem) + 2 * kMaxNameBytes) + Padded(sizeof(fsherald_location) + kMaxFunctionBytes) +
    Padded(sizeof(fsherald_host) + 2 * kMaxHostBytes) + sizeof(fsherald_range) + sizeof(fsherald_gap) +
    sizeof(fsherald_object) + Padded(sizeof(fsherald_specific) + kMaxNameBytes) + sizeof(fsherald_message) +
    Padded(sizeof(fsherald_task) + kMaxCommBytes) + Padded(sizeof(fsherald_device_error) + kMaxNameBytes) +
    Padded(sizeof(fsherald_source_file) + kMaxFileBytes) + sizeof(fsherald_incident) +
    Padded(sizeof(fsherald_health) + kMaxReasonBytes);
static_assert(kMostNeverCut <= FSHERALD_MAX_NOTIFICATION_BYTES * 3 / 4);

// The bytes of one notification. Records are written in the order in which they are kept: the last are the first to be
// left out, and what of them must not be left out has been Reserved by then.
class Writer {
 public:
  // For texts that may be cut.
  size_t room() const { return sizeof bytes_ - at_ - reserved_; }
  void Reserve(size_t bytes) { reserved_ += bytes; }
  void Release(size_t bytes) { reserved_ -= bytes; }

  bool cut() const { return cut_; }
  void SetCut() { cut_ = true; }
  std::string_view Limited(std::string_view text, size_t limit) {
    if (text.size() <= limit) return text;
    cut_ = true;
    return text.substr(0, limit);
  }

  template <typename T>
  void Put(const T& value) {
    std::memcpy(bytes_ + at_, &value, sizeof value);
    at_ += sizeof value;
  }
  void Put(std::string_view text) {
    if (!text.empty()) std::memcpy(bytes_ + at_, text.data(), text.size());
    at_ += text.size();
  }
  void PadTo8() {
    while (at_ % 8 != 0) bytes_[at_++] = 0;
  }

  // The head of a record that will have `len` bytes; the texts are Put behind it.
  template <typename T>
  void Begin(T head, uint8_t type, size_t len) {
    head.info = {type, 0, static_cast<uint16_t>(len)};
    Put(head);
  }
  template <typename T, typename... Texts>
  void Record(const T& head, uint8_t type, const Texts&... texts) {
    Begin(head, type, Padded(sizeof head + (size_t{0} + ... + texts.size())));
    (Put(std::string_view(texts)), ...);
    PadTo8();
  }

  // Overwrites what stands at `offset`.
  template <typename T>
  void Set(size_t offset, const T& value) {
    std::memcpy(bytes_ + offset, &value, sizeof value);
  }
  size_t at() const { return at_; }
  std::string_view written() const { return {bytes_, at_}; }

 private:
  char bytes_[FSHERALD_MAX_NOTIFICATION_BYTES];
  size_t at_ = 0;
  size_t reserved_ = 0;
  bool cut_ = false;
};

uint16_t U16(size_t value) { return static_cast<uint16_t>(value); }

void AddFid(const Notification& n, Writer& to) {
  fsherald_fid fid{};
  if (const auto& fsid = n.filesystem.fsid) {
    fid.fsid[0] = fsid->word0;
    fid.fsid[1] = fsid->word1;
  }
  const bool known = n.object && n.object->inode;
  const uint64_t inode = known ? *n.object->inode : 0;
  const uint32_t generation = known ? n.object->generation.value_or(0) : 0;
  const bool small = inode <= std::numeric_limits<uint32_t>::max();
  fid.handle_bytes = !known ? 0 : small ? 8 : 12;
  fid.handle_type = !known ? kHandleNone : small ? kHandleInode32 : kHandleInode64;
  to.Begin(fid, FSHERALD_RECORD_FID, sizeof fid + (fid.handle_bytes == 12 ? 16 : fid.handle_bytes));
  if (!known) return;
  if (small) to.Put(static_cast<uint32_t>(inode));
  else to.Put(inode);
  to.Put(generation);
  if (!small) to.Put(uint32_t{0});  // so that the ERROR record behind it ends at a multiple of 8
}

void AddError(const Notification& n, Writer& to) {
  constexpr uint32_t kMost = std::numeric_limits<uint32_t>::max();
  const fsherald_error error = {.info = {},
                                .error = n.error.code.value_or(0),
                                .error_count = static_cast<uint32_t>(std::min<uint64_t>(ErrorCount(n), kMost))};
  to.Begin(error, FSHERALD_RECORD_ERROR, sizeof error);
}

uint8_t SourceBits(SourceSet sources) {
  unsigned bits = 0;
  for (int i = 0; i < kSourceCount; ++i) bits |= sources.Has(static_cast<SourceId>(i)) ? 1U << i : 0;
  return static_cast<uint8_t>(bits);
}

fsherald_sequence Sequence(const Notification& n, bool cut) {
  const int flags = (n.boottime_ns ? FSHERALD_HAS_BOOTTIME : 0) | (cut ? FSHERALD_CUT : 0) |
                    (n.corrected ? FSHERALD_CORRECTED : 0) | (n.trusted ? 0 : FSHERALD_UNTRUSTED);
  return {.info = {FSHERALD_RECORD_SEQUENCE, 0, sizeof(fsherald_sequence)},
          .kind = static_cast<uint8_t>(n.kind),
          .origin = static_cast<uint8_t>(n.origin),
          .sources = SourceBits(n.sources),
          .flags = static_cast<uint8_t>(flags),
          .seq = n.seq,
          .filesystem_seq = n.filesystem_seq,
          .count = ErrorCount(n),
          .utc_ns = n.utc_ns,
          .boottime_ns = n.boottime_ns.value_or(0)};
}

void AddFilesystem(const FilesystemInfo& filesystem, Writer& to) {
  const std::string_view type = to.Limited(filesystem.type, kMaxNameBytes);
  const std::string_view device = to.Limited(filesystem.device, kMaxNameBytes);
  fsherald_filesystem record{.info = {}, .type_len = U16(type.size()), .device_len = U16(device.size())};
  if (const auto& dev = filesystem.dev) {
    record.flags |= FSHERALD_HAS_DEV;
    record.dev_major = dev->major;
    record.dev_minor = dev->minor;
  }
  if (const auto& uuid = filesystem.uuid) {
    record.flags |= FSHERALD_HAS_UUID;
    std::ranges::copy(uuid->bytes, record.uuid);
  }
  if (filesystem.fsid) record.flags |= FSHERALD_HAS_FSID;
  to.Record(record, FSHERALD_RECORD_FILESYSTEM, type, device);
}

void AddLocation(const Location& location, Writer& to) {
  const std::string_view function = to.Limited(location.function, kMaxFunctionBytes);
  to.Record(fsherald_location{.info = {},
                              .function_len = U16(function.size()),
                              .reserved = 0,
                              .line = location.line.value_or(0),
                              .reserved2 = 0},
            FSHERALD_RECORD_LOCATION, function);
  if (location.file.empty()) return;
  const std::string_view file = to.Limited(location.file, kMaxFileBytes);
  to.Record(fsherald_source_file{.info = {}, .text_len = static_cast<uint32_t>(file.size())},
            FSHERALD_RECORD_SOURCE_FILE, file);
}

void AddHost(const Host& host, Writer& to) {
  const std::string_view boot_id = to.Limited(host.boot_id, kMaxHostBytes);
  const std::string_view kernel = to.Limited(host.kernel_release, kMaxHostBytes);
  to.Record(fsherald_host{.info = {}, .boot_id_len = U16(boot_id.size()), .kernel_len = U16(kernel.size())},
            FSHERALD_RECORD_HOST, boot_id, kernel);
}

void AddRange(const Range& range, Writer& to) {
  to.Record(fsherald_range{.info = {},
                           .flags = range.length_bytes ? FSHERALD_HAS_LENGTH : 0U,
                           .offset_bytes = range.offset_bytes,
                           .length_bytes = range.length_bytes.value_or(0)},
            FSHERALD_RECORD_RANGE);
}

void AddDeviceError(const DeviceError& error, Writer& to) {
  const std::string_view device = to.Limited(error.device, kMaxNameBytes);
  fsherald_device_error record{.info = {},
                               .device_len = U16(device.size()),
                               .operation = static_cast<uint8_t>(error.operation),
                               .flags = 0,
                               .dev_major = 0,
                               .dev_minor = 0,
                               .sector = error.sector.value_or(0),
                               .sectors = error.sectors.value_or(0),
                               .count = error.count,
                               .error = error.code.value_or(0),
                               .reserved = 0};
  if (const auto& dev = error.dev) {
    record.flags |= FSHERALD_HAS_DEV;
    record.dev_major = dev->major;
    record.dev_minor = dev->minor;
  }
  if (error.sector) record.flags |= FSHERALD_HAS_SECTOR;
  if (error.sectors) record.flags |= FSHERALD_HAS_SECTORS;
  to.Record(record, FSHERALD_RECORD_DEVICE_ERROR, device);
}

uint16_t Certainty(const Gap& gap) {
  if (!gap.count) return FSHERALD_UNKNOWN;
  return gap.exact ? FSHERALD_EXACT : FSHERALD_AT_LEAST;
}

void AddGap(const Gap& gap, Writer& to) {
  to.Record(fsherald_gap{.info = {},
                         .source = static_cast<uint16_t>(gap.source),
                         .certainty = Certainty(gap),
                         .count = gap.count.value_or(0),
                         .from_utc_ns = gap.from_utc_ns,
                         .to_utc_ns = gap.to_utc_ns},
            FSHERALD_RECORD_GAP);
}

void AddHealth(const HealthChange& change, Writer& to) {
  const std::string_view reason = to.Limited(change.reason ? std::string_view(*change.reason) : "", kMaxReasonBytes);
  const int flags = (change.uid ? FSHERALD_HAS_UID : 0) | (change.since_utc_ns ? FSHERALD_HAS_SINCE : 0) |
                    (change.reason ? FSHERALD_HAS_REASON : 0);
  to.Record(fsherald_health{.info = {},
                            .from = static_cast<uint8_t>(change.from),
                            .to = static_cast<uint8_t>(change.to),
                            .rule = static_cast<uint8_t>(change.rule),
                            .flags = static_cast<uint8_t>(flags),
                            .uid = change.uid.value_or(0),
                            .reason_len = U16(reason.size()),
                            .reserved = 0,
                            .since_utc_ns = change.since_utc_ns.value_or(0),
                            .errors = change.errors},
            FSHERALD_RECORD_HEALTH, reason);
}

void AddObject(const ObjectInfo& object, Writer& to) {
  fsherald_object record{.info = {}, .inode = object.inode.value_or(0), .generation = object.generation.value_or(0)};
  if (object.inode) record.flags |= FSHERALD_HAS_INODE;
  if (object.generation) record.flags |= FSHERALD_HAS_GENERATION;
  std::string_view path;
  if (object.path && sizeof record + Padded(object.path->size()) > to.room()) {
    to.SetCut();
  } else {
    if (object.path) path = *object.path, record.flags |= FSHERALD_HAS_PATH;
    record.path_source = static_cast<uint8_t>(object.path_source ? static_cast<int>(*object.path_source) + 1 : 0);
  }
  record.path_len = U16(path.size());
  to.Record(record, FSHERALD_RECORD_OBJECT, path);
}

size_t SpecificBytesNeverCut(const Specific& specific) {
  const size_t type_bytes = std::min(specific.type.size(), kMaxNameBytes);
  return sizeof(fsherald_specific) + Padded(type_bytes) + (specific.message ? sizeof(fsherald_message) : 0);
}

size_t FieldBytes(const SpecificField& field) {
  const auto* text = std::get_if<std::string>(&field.value);
  return Padded(sizeof(fsherald_field) + field.name.size() + (text != nullptr ? text->size() : 0));
}

void AddField(const SpecificField& field, Writer& to) {
  fsherald_field head{.type = FSHERALD_FIELD_NULL, .name_len = U16(field.name.size())};
  const auto* text = std::get_if<std::string>(&field.value);
  if (text != nullptr) {
    head.type = FSHERALD_FIELD_TEXT;
    head.text_len = U16(text->size());
  } else if (const auto* number = std::get_if<uint64_t>(&field.value)) {
    head.type = FSHERALD_FIELD_NUMBER;
    head.number = *number;
  }
  to.Put(head);
  to.Put(std::string_view(field.name));
  if (text != nullptr) to.Put(std::string_view(*text));
  to.PadTo8();
}

// The specific record and the message; what they need at least is Reserved.
void AddSpecific(const Specific& specific, Writer& to) {
  const std::string_view type = to.Limited(specific.type, kMaxNameBytes);
  size_t room = to.room();
  const bool has_blob = specific.blob && Padded(specific.blob->size()) <= room;
  const size_t blob_bytes = has_blob ? specific.blob->size() : 0;
  room -= Padded(blob_bytes);
  size_t fields = 0;
  size_t fields_bytes = 0;
  while (fields < specific.fields.size() && fields_bytes + FieldBytes(specific.fields[fields]) <= room) {
    fields_bytes += FieldBytes(specific.fields[fields++]);
  }
  if ((specific.blob && !has_blob) || fields < specific.fields.size()) to.SetCut();
  to.Release(SpecificBytesNeverCut(specific) - (specific.message ? sizeof(fsherald_message) : 0));
  const fsherald_specific head{.info = {},
                               .type_len = U16(type.size()),
                               .fields = U16(fields),
                               .blob_len = has_blob ? U16(blob_bytes) : uint16_t{FSHERALD_NO_BLOB},
                               .reserved = 0,
                               .fields_len = static_cast<uint32_t>(fields_bytes)};
  to.Begin(head, FSHERALD_RECORD_SPECIFIC, sizeof head + Padded(type.size()) + fields_bytes + Padded(blob_bytes));
  to.Put(type);
  to.PadTo8();
  for (size_t i = 0; i < fields; ++i) AddField(specific.fields[i], to);
  if (has_blob) to.Put(std::string_view(*specific.blob));
  to.PadTo8();

  if (!specific.message) return;
  const std::string_view text = to.Limited(*specific.message, to.room());  // a multiple of 8
  to.Release(sizeof(fsherald_message));
  to.Record(fsherald_message{.info = {}, .text_len = static_cast<uint32_t>(text.size())}, FSHERALD_RECORD_MESSAGE,
            text);
}

size_t TaskBytesNeverCut(const Task& task) {
  return Padded(sizeof(fsherald_task) + std::min(task.comm.size(), kMaxCommBytes));
}

// What it needs at least is Reserved.
void AddTask(const Task& task, Writer& to) {
  to.Release(TaskBytesNeverCut(task));
  const std::string_view comm = to.Limited(task.comm, kMaxCommBytes);
  fsherald_task record{.info = {},
                       .comm_len = U16(comm.size()),
                       .cgroup_len = 0,
                       .pid = task.pid.value_or(0),
                       .tid = task.tid.value_or(0),
                       .flags = (task.pid ? FSHERALD_HAS_PID : 0U) | (task.tid ? FSHERALD_HAS_TID : 0U),
                       .reserved = 0};
  std::string_view cgroup;
  if (task.cgroup && sizeof record + comm.size() + task.cgroup->size() <= to.room()) {
    cgroup = *task.cgroup;
    record.cgroup_len = U16(cgroup.size());
    record.flags |= FSHERALD_HAS_CGROUP;
  } else if (task.cgroup) {
    to.SetCut();
  }
  to.Record(record, FSHERALD_RECORD_TASK, comm, cgroup);
}

void AddMounts(const std::vector<std::string>& mounts, Writer& to) {
  for (const std::string& path : mounts) {
    if (sizeof(fsherald_mount) + path.size() > to.room()) return to.SetCut();
    to.Record(fsherald_mount{.info = {}, .path_len = static_cast<uint32_t>(path.size())}, FSHERALD_RECORD_MOUNT, path);
  }
}

void AddStack(const std::vector<std::string>& stack, Writer& to) {
  if (sizeof(fsherald_stack) > to.room()) return to.SetCut();
  const size_t start = to.at();
  const size_t end = start + to.room();
  fsherald_stack head{};
  to.Put(head);
  for (const std::string& text : stack) {
    const std::string_view frame = text.c_str();  // up to a NUL, if there is one
    if (frame.size() + 1 > end - to.at()) {
      to.SetCut();
      break;
    }
    to.Put(frame);
    to.Put(char{0});
    ++head.frames;
  }
  head.text_len = U16(to.at() - start - sizeof head);
  to.PadTo8();
  head.info = {FSHERALD_RECORD_STACK, 0, U16(to.at() - start)};
  to.Set(start, head);
}

// A gap may concern no single file system.
bool ConcernsAFilesystem(const Notification& n) {
  const FilesystemInfo& f = n.filesystem;
  return n.kind != Kind::kGap || !f.type.empty() || !f.device.empty() || f.dev || f.uuid || f.fsid;
}

fsherald_metadata Metadata(const Notification& n, size_t event_len) {
  const uint32_t pid = n.task ? n.task->pid.value_or(0) : 0;
  return {.event_len = static_cast<uint32_t>(event_len),
          .vers = kFanotifyVersion,
          .reserved = 0,
          .metadata_len = sizeof(fsherald_metadata),
          .mask = n.kind == Kind::kGap ? uint64_t{FSHERALD_MASK_OVERFLOW} : uint64_t{FSHERALD_MASK_ERROR},
          .fd = kNoFd,
          .pid = static_cast<int32_t>(std::min<uint32_t>(pid, INT32_MAX))};
}

}  // namespace

void AppendStream(const Notification& n, const Host& host, std::string& out) {
  Writer to;
  to.Put(fsherald_metadata{});  // it and the sequence are Set when all is known
  AddFid(n, to);
  AddError(n, to);
  const size_t sequence = to.at();
  to.Put(fsherald_sequence{});
  if (ConcernsAFilesystem(n)) AddFilesystem(n.filesystem, to);
  if (n.location) AddLocation(*n.location, to);
  if (n.range) AddRange(*n.range, to);
  if (n.device_error) AddDeviceError(*n.device_error, to);
  if (n.gap) AddGap(*n.gap, to);
  if (n.incident) {
    to.Record(fsherald_incident{.info = {}, .reserved = 0, .first_seq = *n.incident}, FSHERALD_RECORD_INCIDENT);
  }
  if (n.health) AddHealth(*n.health, to);
  if (!host.boot_id.empty() || !host.kernel_release.empty()) AddHost(host, to);

  if (n.specific) to.Reserve(SpecificBytesNeverCut(*n.specific));
  if (n.task) to.Reserve(TaskBytesNeverCut(*n.task));
  if (n.object) AddObject(*n.object, to);
  if (n.specific) AddSpecific(*n.specific, to);
  if (n.task) AddTask(*n.task, to);
  AddMounts(n.filesystem.mounts, to);
  if (n.location && !n.location->stack.empty()) AddStack(n.location->stack, to);

  to.Set(sequence, Sequence(n, to.cut()));
  to.Set(0, Metadata(n, to.at()));
  out.append(to.written());
}

}  // namespace fsherald
