// SPDX-License-Identifier: MIT
// The bytes of a read from XFS's health monitor, parsed: events of 64 bytes (fs/xfs/libxfs/xfs_fs.h, struct
// xfs_health_monitor_event, format V0). Pure; the bytes are hostile.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "filesystem/xfs_health.h"

namespace fsherald {

struct XfsHealthBatch {
  std::vector<XfsHealthEvent> events;  // those of errors, in the order of the bytes
  uint64_t lost = 0;                   // events for which its queue had no room
  bool unmounted = false;
  uint64_t refused = 0;  // of a domain or a type that is not known, or that do not go together; the rest of an event
};

XfsHealthBatch ParseXfsHealth(Bytes bytes);

}  // namespace fsherald
