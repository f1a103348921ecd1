// SPDX-License-Identifier: MIT
#include "source/xfs_health_record.h"

#include <cstdlib>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const fsherald::XfsHealthBatch batch = fsherald::ParseXfsHealth(std::as_bytes(std::span(data, size)));
  // Each event is 64 bytes, whatever it says.
  if (batch.events.size() + batch.refused > size / 64 + 1) std::abort();
  for (const fsherald::XfsHealthEvent& event : batch.events) {
    const std::optional<fsherald::ErrorReport> report = fsherald::ParseXfsHealthEvent(event);
    if (!report || report->echo != fsherald::ErrorReport::Echo::kHealth) std::abort();
  }
  return 0;
}
