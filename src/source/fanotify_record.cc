// SPDX-License-Identifier: MIT
#include "source/fanotify_record.h"

#include <cerrno>

#include "source/fanotify_abi.h"

namespace fsherald {
namespace {

using fanotify_abi::InfoError;
using fanotify_abi::InfoFid;
using fanotify_abi::InfoHeader;
using fanotify_abi::Metadata;

// What the information records of one event say.
struct EventInfo {
  std::optional<InfoError> error;
  std::optional<Fsid> fsid;
  std::optional<uint64_t> inode;
  std::optional<uint32_t> generation;
};

// False: the handle leaves the record.
bool ReadHandle(const InfoFid& fid, ByteReader reader, EventInfo& info) {
  std::optional<Bytes> bytes = reader.Take(fid.handle_bytes);
  if (!bytes) return false;
  ByteReader handle(*bytes);
  std::optional<uint64_t> inode;
  if (fid.handle_type == fanotify_abi::kHandleIno32Gen) inode = handle.Read<uint32_t>();
  if (fid.handle_type == fanotify_abi::kHandleIno64Gen) inode = handle.Read<uint64_t>();
  if (!inode || *inode == 0) return true;
  info.inode = inode;
  info.generation = handle.Read<uint32_t>();
  return true;
}

// False: the record is too short for its type.
bool ReadRecord(uint8_t type, ByteReader record, EventInfo& info) {
  if (type == fanotify_abi::kInfoTypeError && !info.error) {
    info.error = record.Read<InfoError>();
    return info.error.has_value();
  }
  if (type == fanotify_abi::kInfoTypeFid && !info.fsid) {
    std::optional<InfoFid> fid = record.Read<InfoFid>();
    if (!fid) return false;
    info.fsid = Fsid{fid->fsid[0], fid->fsid[1]};
    return ReadHandle(*fid, record, info);
  }
  return true;
}

// Empty: a record's length is wrong.
std::optional<EventInfo> ReadInfo(ByteReader event) {
  EventInfo info;
  while (event.remaining() > 0) {
    std::optional<InfoHeader> header = event.Read<InfoHeader>();
    if (!header || header->len < sizeof(InfoHeader)) return std::nullopt;
    std::optional<Bytes> record = event.Take(header->len - sizeof(InfoHeader));
    if (!record || !ReadRecord(header->type, ByteReader(*record), info)) return std::nullopt;
  }
  return info;
}

// Kernels before 7.0 tell some codes negative; 0 stands for EUCLEAN, as in the kernel.
int PositiveCode(int32_t error) {
  int64_t code = error < 0 ? -static_cast<int64_t>(error) : error;
  return code == 0 || code > INT32_MAX ? EUCLEAN : static_cast<int>(code);
}

void TakeError(ByteReader event, uint64_t read_boottime_ns, FanotifyBatch& batch) {
  std::optional<EventInfo> info = ReadInfo(event);
  if (!info) {
    ++batch.refused.length;
  } else if (!info->fsid || !info->error || info->error->count == 0) {
    ++batch.refused.incomplete;
  } else {
    batch.records.push_back({*info->fsid,
                             {.boottime_ns = read_boottime_ns,
                              .code = PositiveCode(info->error->error),
                              .count = info->error->count,
                              .inode = info->inode,
                              .generation = info->generation}});
  }
}

// `event` begins with the metadata and ends where the event does.
void TakeEvent(ByteReader event, uint64_t read_boottime_ns, FanotifyBatch& batch) {
  Metadata metadata = *event.Read<Metadata>();
  if (metadata.version != fanotify_abi::kMetadataVersion) {
    ++batch.refused.version;
    return;
  }
  if (metadata.metadata_len < sizeof(Metadata) || !event.Take(metadata.metadata_len - sizeof(Metadata))) {
    ++batch.refused.length;
    return;
  }
  if (metadata.mask & FAN_Q_OVERFLOW) ++batch.overflows;
  if (metadata.mask & FAN_FS_ERROR) TakeError(event, read_boottime_ns, batch);
}

}  // namespace

FanotifyRefusals& FanotifyRefusals::operator+=(const FanotifyRefusals& other) {
  length += other.length;
  version += other.version;
  incomplete += other.incomplete;
  return *this;
}

FanotifyBatch ParseFanotify(Bytes bytes, uint64_t read_boottime_ns) {
  FanotifyBatch batch;
  ByteReader reader(bytes);
  while (reader.remaining() > 0) {
    std::optional<Metadata> metadata = ByteReader(reader.rest()).Read<Metadata>();
    std::optional<Bytes> event;
    if (metadata && metadata->event_len >= sizeof(Metadata)) event = reader.Take(metadata->event_len);
    if (!event) {  // where the next event begins is not known
      ++batch.refused.length;
      break;
    }
    TakeEvent(ByteReader(*event), read_boottime_ns, batch);
  }
  return batch;
}

}  // namespace fsherald
