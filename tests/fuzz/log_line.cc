// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdlib>

#include "filesystem/filesystem.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view line(reinterpret_cast<const char*>(data), size);
  auto parsed = fsherald::ParseLog(line);
  if (!parsed) return 0;
  // What is understood begins as LogPrefixes says, or the BPF program would never send it.
  auto begins = [&](std::string_view prefix) { return line.starts_with(prefix); };
  if (std::ranges::none_of(fsherald::LogPrefixes(), begins) || parsed->report.device.empty()) std::abort();
  if (parsed->module == nullptr) return 0;
  parsed->module->specific(parsed->report);
  parsed->module->object_is_loadable(parsed->report);
  return 0;
}
