// SPDX-License-Identifier: MIT
// One record of /dev/kmsg, as one read(2) gives it (Linux, Documentation/ABI/testing/dev-kmsg):
//
//   PRIORITY,SEQUENCE,USEC,FLAGS[,caller=T123];TEXT\n
//    KEY=VALUE\n...
//
// PRIORITY is facility * 8 + level. Bytes below 0x20, above 0x7e and the backslash stand as \xHH.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace fsherald {

struct KmsgRecord {
  unsigned level = 0;     // 0 (emergency) to 7 (debug)
  unsigned facility = 0;  // 0: the kernel; anything else came from user space, whatever it says
  uint64_t sequence = 0;
  uint64_t usec = 0;                                        // since boot, by the kernel's log clock (LogClock)
  bool continuation = false;                                // a piece whose beginning another record has
  std::optional<uint32_t> caller_tid;                       // kernels with CONFIG_PRINTK_CALLER
  std::string text;                                         // raw bytes
  std::vector<std::pair<std::string, std::string>> fields;  // SUBSYSTEM=..., DEVICE=...
  friend bool operator==(const KmsgRecord&, const KmsgRecord&) = default;
};

// Pure. Empty: torn, or no record.
std::optional<KmsgRecord> ParseKmsgRecord(Bytes bytes);

}  // namespace fsherald
