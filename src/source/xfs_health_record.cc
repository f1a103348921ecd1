// SPDX-License-Identifier: MIT
#include "source/xfs_health_record.h"

#include <optional>

namespace fsherald {
namespace {

using Domain = XfsHealthEvent::Domain;
using Type = XfsHealthEvent::Type;

constexpr size_t kDetailBytes = 32;
constexpr size_t kPadBytes = 16;

struct Head {
  uint32_t domain;
  uint32_t type;
  uint64_t utc_ns;
};
static_assert(sizeof(Head) + kDetailBytes + kPadBytes == 64);

// What of the union is in use, by the domain.
struct Structure {
  uint32_t mask;
  uint32_t number;  // of the group; of an inode its generation
  uint64_t inode;
};
struct Extent {
  uint64_t start;
  uint64_t length;
};
struct FileRange {
  uint64_t position;
  uint64_t length;
  uint64_t inode;
  uint32_t generation;
  uint32_t code;
};
static_assert(sizeof(FileRange) == kDetailBytes);

bool IsHealth(Type type) { return type == Type::kSick || type == Type::kCorrupt || type == Type::kHealthy; }

// Whether the kernel gives such a type for the domain. Both may be any number.
bool GoTogether(Domain domain, Type type) {
  switch (domain) {
    case Domain::kMount:
      return type == Type::kRunning || type == Type::kLost || type == Type::kUnmount || type == Type::kShutdown;
    case Domain::kFilesystem:
    case Domain::kGroup:
    case Domain::kInode:
    case Domain::kRealtimeGroup: return IsHealth(type);
    case Domain::kDataDevice:
    case Domain::kRealtimeDevice:
    case Domain::kLogDevice: return type == Type::kMediaError;
    case Domain::kFileRange: return type >= Type::kBufferedRead && type <= Type::kDataLost;
  }
  return false;
}

void ReadDetail(ByteReader detail, XfsHealthEvent& event) {
  if (event.domain == Domain::kFileRange) {
    const FileRange range = *detail.Read<FileRange>();
    event.inode = range.inode;
    event.generation = range.generation;
    event.start = range.position;
    event.length = range.length;
    event.code = range.code;
  } else if (event.type == Type::kMediaError) {
    const Extent extent = *detail.Read<Extent>();
    event.start = extent.start;
    event.length = extent.length;
  } else {
    const Structure structure = *detail.Read<Structure>();
    event.mask = structure.mask;
    if (event.domain == Domain::kInode) {
      event.inode = structure.inode;
      event.generation = structure.number;
    } else if (event.domain == Domain::kGroup || event.domain == Domain::kRealtimeGroup) {
      event.group = structure.number;
    }
  }
}

void TakeEvent(Bytes bytes, XfsHealthBatch& batch) {
  ByteReader reader(bytes);
  const Head head = *reader.Read<Head>();
  XfsHealthEvent event{.domain = Domain{head.domain}, .type = Type{head.type}, .utc_ns = head.utc_ns};
  if (!GoTogether(event.domain, event.type)) {
    ++batch.refused;
  } else if (event.type == Type::kLost) {
    const uint64_t lost = *reader.Read<uint64_t>();
    batch.lost = lost > UINT64_MAX - batch.lost ? UINT64_MAX : batch.lost + lost;
  } else if (event.type == Type::kUnmount) {
    batch.unmounted = true;
  } else if (event.type != Type::kRunning) {
    ReadDetail(reader, event);
    batch.events.push_back(event);
  }
}

}  // namespace

XfsHealthBatch ParseXfsHealth(Bytes bytes) {
  constexpr size_t kEventBytes = sizeof(Head) + kDetailBytes + kPadBytes;
  XfsHealthBatch batch;
  ByteReader reader(bytes);
  while (std::optional<Bytes> event = reader.Take(kEventBytes)) TakeEvent(*event, batch);
  if (reader.remaining() > 0) ++batch.refused;
  return batch;
}

}  // namespace fsherald
