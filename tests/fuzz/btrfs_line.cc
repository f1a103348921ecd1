// SPDX-License-Identifier: MIT
// The input goes behind each beginning of a btrfs line, so that no time is spent on guessing them.
#include <cstdlib>
#include <string>

#include "filesystem/btrfs_log.h"

namespace {

void CheckLine(const std::string& line) {
  const auto report = fsherald::ParseBtrfsLine(line);
  if (!report) return;
  if (report->device.empty() || report->message.size() > line.size()) std::abort();
  if (report->code && (*report->code <= 0 || *report->code > 4095)) std::abort();
  if (report->claims && report->counter.empty()) std::abort();
  if (!report->counters.empty() && report->counters.size() != 5) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  for (const char* beginning :
       {"BTRFS error (device a): ", "BTRFS warning (device a): csum failed root ", "BTRFS error (device a): bdev ",
        "BTRFS info (device a): read error corrected: ino ", "BTRFS warning (device a): checksum verify failed on ",
        "BTRFS error (device a): scrub: ", "BTRFS: error (device a) in ", "BTRFS info (device ",
        "BTRFS critical (device "})
    CheckLine(beginning + input);
  return 0;
}
