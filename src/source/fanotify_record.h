// SPDX-License-Identifier: MIT
// The bytes of a read from a fanotify group, parsed. Pure; the bytes are hostile: lengths are checked before they are
// followed, unknown records skipped, and no order of the records assumed.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "source/signal.h"

namespace fsherald {

struct FanotifyRecord {
  Fsid fsid;
  FanotifySignal signal;
};

// Events that were not taken, by cause.
struct FanotifyRefusals {
  uint64_t length = 0;      // a length of an event or a record is too small or leaves its bounds
  uint64_t version = 0;     // of the metadata
  uint64_t incomplete = 0;  // no file system, no error, or an error that happened no times
  uint64_t total() const { return length + version + incomplete; }
  FanotifyRefusals& operator+=(const FanotifyRefusals& other);
  friend bool operator==(const FanotifyRefusals&, const FanotifyRefusals&) = default;
};

struct FanotifyBatch {
  std::vector<FanotifyRecord> records;
  FanotifyRefusals refused;
  uint64_t overflows = 0;  // how often the queue was full: nobody knows how many events were lost
};

// Other events than FAN_FS_ERROR and FAN_Q_OVERFLOW are skipped. `read_boottime_ns` becomes the signals' time.
FanotifyBatch ParseFanotify(Bytes bytes, uint64_t read_boottime_ns);

}  // namespace fsherald
