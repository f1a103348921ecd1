// SPDX-License-Identifier: MIT
// The past as the kernel's log still has it: lines about errors from before now, equal ones together. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "source/kmsg.h"

namespace fsherald {

struct PastLine {
  std::string device;  // as the line names it
  std::string words;   // raw bytes
  uint64_t count = 0;  // how often it stands in the log
  int64_t first_utc_ns = 0;
  int64_t last_utc_ns = 0;
  bool reminder = false;  // the kernel repeats in it what had happened before
  bool earlier = false;   // the file system that the device carried then has been unmounted since
};

// By the time of the last. `events` is KmsgSource::Start's; `utc_at_boot_ns` is the UTC time of boot time 0.
// `earlier` stays false where the log has no line of the unmount: older kernels print none, newer ones not more than
// ten of all file systems in five seconds.
std::vector<PastLine> GatherPast(const std::vector<KmsgEvent>& events, int64_t utc_at_boot_ns);

}  // namespace fsherald
