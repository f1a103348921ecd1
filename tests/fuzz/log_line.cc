// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdlib>

#include "filesystem/filesystem.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view line(reinterpret_cast<const char*>(data), size);
  auto parsed = fsherald::ParseLog(line);
  if (!parsed) return 0;
  // What is understood begins as LogPrefixes says, or the BPF program would never send it.
  auto begins = [&](std::string_view prefix) {
    return prefix.starts_with(": ") ? line.find(prefix) != line.npos : line.starts_with(prefix);
  };
  if (std::ranges::none_of(fsherald::LogPrefixes(), begins)) std::abort();
  if (parsed->module == nullptr) {
    if (parsed->report.device.empty()) std::abort();  // of which file system is it?
    return 0;
  }
  parsed->module->specific(parsed->report);
  parsed->module->object_is_loadable(parsed->report);
  return 0;
}
