// SPDX-License-Identifier: MIT
#include "source/kmsg_record.h"

#include <cstdlib>
#include <span>

#include "filesystem/filesystem.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto record = fsherald::ParseKmsgRecord(std::as_bytes(std::span(data, size)));
  if (!record) return 0;
  if (record->level > 7 || record->text.size() > size) std::abort();
  fsherald::ParseLog(record->text);
  return 0;
}
