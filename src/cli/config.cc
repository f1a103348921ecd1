// SPDX-License-Identifier: MIT
#include "cli/config.h"

#include <unistd.h>

#include "base/text.h"
#include "cli/exit_code.h"
#include "cli/terminal.h"

namespace fsherald {
namespace {

int Print(const std::string& text, int exit_code) {
  if (Status written = WriteAll(STDOUT_FILENO, text); !written) {
    Complain(written.error().ToString());
    return kExitFailure;
  }
  return exit_code;
}

}  // namespace

int RunConfigCheck(const ConfigPaths& paths) {
  if (Status open = CheckStandardStreams(); !open) {
    Complain(open.error().ToString());
    return kExitFailure;
  }
  const ConfigReading reading = ReadConfig(paths);
  std::string found;
  for (const ConfigFault& fault : reading.faults) found += fault.ToString() + '\n';
  if (!found.empty()) return Print(found, kExitFailure);
  for (const std::string& file : reading.files) found += ForTerminal(file) + ": valid\n";
  if (found.empty()) found = paths.default_file + ": there is none, the defaults hold\n";
  return Print(found, kExitOk);
}

int RunConfigShow(const ConfigPaths& paths) {
  if (Status open = CheckStandardStreams(); !open) {
    Complain(open.error().ToString());
    return kExitFailure;
  }
  const ConfigReading reading = ReadConfig(paths);
  for (const ConfigFault& fault : reading.faults) Complain(fault.ToString());
  if (!reading.faults.empty()) return kExitFailure;
  return Print(ConfigToml(reading.config, reading.origins), kExitOk);
}

}  // namespace fsherald
