// SPDX-License-Identifier: MIT
#include "source/producer_record.h"

#include <fsherald/fsherald.h>

#include <string>
#include <string_view>
#include <utility>

namespace fsherald {
namespace {

constexpr int kMaxErrno = 4095;  // include/linux/err.h
constexpr unsigned kKnownFlags =
    FSHERALD_REPORT_HAS_INODE | FSHERALD_REPORT_HAS_GENERATION | FSHERALD_REPORT_HAS_RANGE | FSHERALD_REPORT_HAS_LENGTH;
static_assert(kMaxProducerBlobBytes == FSHERALD_MAX_BLOB_BYTES);
static_assert(static_cast<int>(Kind::kMetadata) == FSHERALD_KIND_METADATA);
static_assert(static_cast<int>(Kind::kDevice) == FSHERALD_KIND_DEVICE);

bool IsValid(const ProducerRecord& record) {
  const bool length_of_nothing =
      (record.flags & FSHERALD_REPORT_HAS_LENGTH) != 0 && (record.flags & FSHERALD_REPORT_HAS_RANGE) == 0;
  return record.error >= 1 && record.error <= kMaxErrno && record.kind <= FSHERALD_KIND_DEVICE &&
         (record.flags & ~kKnownFlags) == 0 && !length_of_nothing &&
         record.function_bytes <= kMaxProducerFunctionBytes && record.path_bytes <= kMaxProducerPathBytes &&
         record.message_bytes <= kMaxProducerMessageBytes && record.blob_bytes <= kMaxProducerBlobBytes;
}

// An honest reporter's texts end before a NUL.
std::string Text(Bytes bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return std::string(text.substr(0, text.find('\0')));
}

// Behind a mount point it must stay below that.
bool IsBelowRoot(std::string_view path) {
  if (path.empty() || path.front() == '/') return false;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    if (path.substr(begin, end - begin) == "..") return false;
    begin = end + 1;
  }
  return true;
}

std::optional<ObjectInfo> Object(const ProducerRecord& record, std::string path) {
  ObjectInfo object;
  if ((record.flags & FSHERALD_REPORT_HAS_INODE) != 0) object.inode = record.inode;
  if (IsBelowRoot(path)) {
    object.path = std::move(path);
    object.path_source = PathSource::kProducer;
  }
  if (!object.inode && !object.path) return std::nullopt;
  if ((record.flags & FSHERALD_REPORT_HAS_GENERATION) != 0) object.generation = record.generation;
  return object;
}

std::optional<Range> RangeOf(const ProducerRecord& record) {
  if ((record.flags & FSHERALD_REPORT_HAS_RANGE) == 0) return std::nullopt;
  Range range{.offset_bytes = record.offset_bytes};
  if ((record.flags & FSHERALD_REPORT_HAS_LENGTH) != 0) range.length_bytes = record.length_bytes;
  return range;
}

}  // namespace

std::optional<Notification> ParseProducerRecord(Bytes bytes) {
  ByteReader reader(bytes);
  const auto record = reader.Read<ProducerRecord>();
  if (!record || !IsValid(*record)) return std::nullopt;
  const auto function = reader.Take(record->function_bytes);
  const auto path = reader.Take(record->path_bytes);
  const auto message = reader.Take(record->message_bytes);
  const auto blob = reader.Take(record->blob_bytes);
  if (!function || !path || !message || !blob || reader.remaining() != 0) return std::nullopt;

  Notification notification;
  notification.error.code = record->error;
  notification.kind = static_cast<Kind>(record->kind);
  notification.origin = Origin::kUser;
  notification.sources = SourceId::kProducer;
  if (!function->empty() || record->line != 0) {
    Location& location = notification.location.emplace();
    location.function = Text(*function);
    if (record->line != 0) location.line = record->line;
  }
  if (!message->empty() || !blob->empty()) {
    Specific& specific = notification.specific.emplace();
    if (!message->empty()) specific.message = Text(*message);
    if (!blob->empty()) specific.blob.emplace(reinterpret_cast<const char*>(blob->data()), blob->size());
  }
  notification.object = Object(*record, Text(*path));
  notification.range = RangeOf(*record);
  return notification;
}

}  // namespace fsherald
