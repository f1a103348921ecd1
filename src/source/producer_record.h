// SPDX-License-Identifier: MIT
// What a reporter writes into a slot of its ring, and its way back: bytes to what a notification needs. Pure; the bytes are
// hostile.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "record/notification.h"

namespace fsherald {

// The layout: this, then function, path, message and blob, one behind the other, none terminated.
struct ProducerRecord {
  int32_t error = 0;   // errno, 1 to 4095
  uint16_t kind = 0;   // enum fsherald_kind (include/fsherald/record.h), METADATA to DEVICE
  uint16_t flags = 0;  // FSHERALD_REPORT_HAS_... (include/fsherald/fsherald.h)
  uint64_t inode = 0;
  uint64_t offset_bytes = 0;
  uint64_t length_bytes = 0;
  uint32_t generation = 0;
  uint32_t line = 0;
  uint16_t function_bytes = 0;
  uint16_t path_bytes = 0;
  uint16_t message_bytes = 0;
  uint16_t blob_bytes = 0;
};
static_assert(sizeof(ProducerRecord) == 48);

inline constexpr size_t kMaxProducerFunctionBytes = 127;
inline constexpr size_t kMaxProducerPathBytes = 1023;
inline constexpr size_t kMaxProducerMessageBytes = 255;
inline constexpr size_t kMaxProducerBlobBytes = 2048;

// The notification's error, kind, location, specific record, object, range; origin user, source producer. Everything else is for
// those to add who know the producer by its credentials: file system, task, times, numbers. The path is still as the producer
// gave it: below its root, without "..", and without a leading slash; a path that is not so is left out. Empty: not valid.
std::optional<Notification> ParseProducerRecord(Bytes bytes);

}  // namespace fsherald
