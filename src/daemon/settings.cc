// SPDX-License-Identifier: MIT
#include "daemon/settings.h"

#include <fmt/format.h>

#include "daemon/config_keys.h"

namespace fsherald {
namespace {

std::string Lines(const std::vector<ConfigFault>& faults) {
  std::string lines;
  for (const ConfigFault& fault : faults) lines += (lines.empty() ? "" : "\n") + fault.ToString();
  return lines;
}

}  // namespace

Result<Settings> Settings::Read(ConfigPaths paths, std::vector<ConfigOverride> overrides) {
  ConfigReading reading = ReadConfig(paths, overrides);
  if (!reading.faults.empty()) return Error{Lines(reading.faults), 0};
  return Settings(std::move(paths), std::move(overrides), std::move(reading.config));
}

Settings::Reloaded Settings::Reload() {
  ConfigReading reading = ReadConfig(paths_, overrides_);
  if (!reading.faults.empty())
    return {false, "the configuration has a fault, all stays as it was\n" + Lines(reading.faults)};
  std::vector<std::string> changed;
  std::vector<std::string> waiting;
  for (const ConfigChange& change : ChangesBetween(config_, reading.config)) {
    (change.needs_restart ? waiting : changed).push_back(change.key);
    if (change.needs_restart) {
      const ConfigKey* key = FindConfigKey(change.key);
      (void)key->set(key->get(config_), reading.config);  // it was valid at the start
    }
  }
  config_ = std::move(reading.config);
  std::string words = "configuration read again: ";
  words += changed.empty() ? "nothing changed" : fmt::format("{} changed", fmt::join(changed, ", "));
  if (!waiting.empty())
    words += fmt::format("; {} need{} a restart", fmt::join(waiting, ", "), waiting.size() == 1 ? "s" : "");
  return {!changed.empty(), std::move(words)};
}

}  // namespace fsherald
