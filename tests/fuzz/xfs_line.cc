// SPDX-License-Identifier: MIT
// The input goes behind each beginning of an XFS line, so that no time is spent on guessing them.
#include <cstdlib>
#include <string>

#include "filesystem/xfs.h"
#include "filesystem/xfs_log.h"

namespace {

void CheckLine(const std::string& line) {
  auto report = fsherald::ParseXfsLine(line);
  if (!report) return;
  if (report->device.empty() || report->message.size() > line.size()) std::abort();
  if (report->code && (*report->code <= 0 || *report->code > 4095)) std::abort();
  if (fsherald::XfsSpecific(*report).fields.size() != 8) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string input(reinterpret_cast<const char*>(data), size);
  for (const char* beginning :
       {"", "XFS (", "XFS (a): ", "XFS (a): Metadata CRC error detected at ",
        "XFS (a): Metadata corruption detected at f, inode ", "XFS (a): metadata I/O error in \"",
        "XFS (a): Internal error ", "XFS (a): b record corruption in ", "XFS (a): Inode ", "XFS (a): AG ",
        "XFS (a): page discard on page ", "XFS (a): Log I/O Error (0x", "XFS (a): Failed to read root inode "}) {
    CheckLine(beginning + input);
  }
  return 0;
}
