// SPDX-License-Identifier: MIT
// A configuration file: whatever is in it, the faults are told in order and on one line each, and what is valid is shown as what
// reads to the same.
#include <algorithm>
#include <cstdlib>
#include <string>

#include "daemon/config.h"

namespace {

void Check(const std::string& text) {
  fsherald::ConfigReading reading;
  fsherald::ReadConfigText(text, "f", reading);
  if (!std::ranges::is_sorted(reading.faults, {}, &fsherald::ConfigFault::line)) std::abort();
  for (const fsherald::ConfigFault& fault : reading.faults)
    if (fault.line == 0 || fault.ToString().find('\n') != std::string::npos) std::abort();
  fsherald::ConfigReading again;
  fsherald::ReadConfigText(fsherald::ConfigToml(reading.config, reading.origins), "f", again);
  reading.config.runtime_directory = again.config.runtime_directory;  // the default is shown as what it is
  if (!again.faults.empty() || again.config != reading.config) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  Check(input);
  Check("[store]\n" + input);
  return 0;
}
