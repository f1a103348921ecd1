// SPDX-License-Identifier: MIT
// The table of the configuration's keys: what each takes, what is wrong with it where it is, how it is shown.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "daemon/config.h"

namespace fsherald {

struct ConfigKey {
  std::string_view section;
  std::string_view name;
  bool needs_restart;
  ConfigValue (*get)(const DaemonConfig&);
  // Called with the type that `get` returns. Error: what is wrong and what to write instead, as a sentence.
  Status (*set)(const ConfigValue&, DaemonConfig&);

  std::string FullName() const { return std::string(section) + '.' + std::string(name); }
};

// All of them, section by section.
std::span<const ConfigKey> ConfigKeys();
// Null: there is none of that full name.
const ConfigKey* FindConfigKey(std::string_view full_name);

// "1GiB", "512 MiB": whole numbers of KiB, MiB, GiB or TiB. "400d", "12h", "8w": of hours, days or weeks. Errors: a sentence.
Result<uint64_t> ParseSize(std::string_view text);
Result<uint64_t> ParseAge(std::string_view text);

}  // namespace fsherald
