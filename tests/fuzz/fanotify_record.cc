// SPDX-License-Identifier: MIT
#include "source/fanotify_record.h"

#include <cstdlib>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fsherald::FanotifyBatch batch = fsherald::ParseFanotify(std::as_bytes(std::span(data, size)), 1);
  // No event is shorter than its metadata, so there cannot be more.
  if (batch.records.size() + batch.refused.total() > size / 24 + 1) std::abort();
  for (const fsherald::FanotifyRecord& record : batch.records) {
    if (record.signal.count == 0 || record.signal.code <= 0) std::abort();
  }
  return 0;
}
