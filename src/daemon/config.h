// SPDX-License-Identifier: MIT
// The daemon's configuration: TOML, one file and then the drop-ins of a directory, of which the last that sets a key wins.
//
//   ConfigReading reading = ReadConfig({});
//   if (!reading.faults.empty()) ...   // each one a sentence that says what to do
//   Use(reading.config);
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "record/notification.h"

namespace fsherald {

inline constexpr std::string_view kConfigFile = "/etc/fsherald/fsherald.toml";
inline constexpr std::string_view kConfigDir = "/etc/fsherald/fsherald.d";

struct StoreConfig {
  bool enabled = true;
  std::string directory = "/var/lib/fsherald";
  uint64_t max_bytes = uint64_t{1} << 30;
  uint64_t max_age_s = uint64_t{400} * 86'400;
  friend bool operator==(const StoreConfig&, const StoreConfig&) = default;
};

struct DaemonConfig {
  std::string runtime_directory;  // of the two sockets; empty: protocol::RuntimeDir's default
  std::string subscribe_group;    // name or number; empty: root alone may
  std::string report_group;
  SourceSet without;
  StoreConfig store;
  friend bool operator==(const DaemonConfig&, const DaemonConfig&) = default;
};

// Something in a file that is not right.
struct ConfigFault {
  std::string file;
  uint32_t line = 0;  // from 1; 0: the file as a whole
  uint32_t column = 0;
  std::string what;
  std::string ToString() const;  // "FILE:LINE:COLUMN: WHAT", control bytes escaped
};

struct ConfigReading {
  DaemonConfig config;                         // the defaults where nothing valid was said
  std::vector<std::string> files;              // that were read, in order
  std::map<std::string, std::string> origins;  // "store.max_size" to "FILE:LINE:COLUMN", of what the files set
  std::vector<ConfigFault> faults;             // empty: all of it is valid
};

// Of the three types that keys have; a number is a string with a unit ("1GiB", "400d").
using ConfigValue = std::variant<bool, std::string, std::vector<std::string>>;

// What the command line says of a key ("access.report_group"): it holds over all files. `option` is what faults and origins call it.
struct ConfigOverride {
  std::string key;
  std::string option;
  ConfigValue value;
};

// Where it is. A default that is missing is no fault, a path that was named is.
struct ConfigPaths {
  std::optional<std::string> file;  // empty: kConfigFile
  std::optional<std::string> dir;   // its *.toml, by name; empty: kConfigDir, or none where `file` is named
  std::string default_file = std::string(kConfigFile);
  std::string default_dir = std::string(kConfigDir);
};

// Reads and checks all of it: keys, types, ranges, that groups exist. Goes on after a fault, to tell them all.
ConfigReading ReadConfig(const ConfigPaths& paths, std::span<const ConfigOverride> overrides = {});

// The same of one text; `file` is what the faults and origins call it.
void ReadConfigText(std::string_view text, const std::string& file, ConfigReading& reading);

// The configuration as TOML that ReadConfigText reads to the same, each key with where it came from ("default" else).
std::string ConfigToml(const DaemonConfig& config, const std::map<std::string, std::string>& origins);

// The keys ("access.report_group") whose values differ; `needs_restart`: what a running daemon cannot change.
struct ConfigChange {
  std::string key;
  bool needs_restart = false;
  friend bool operator==(const ConfigChange&, const ConfigChange&) = default;
};
std::vector<ConfigChange> ChangesBetween(const DaemonConfig& before, const DaemonConfig& after);

// The number of a group given by name or number; empty for an empty name. Error: a sentence.
Result<std::optional<gid_t>> FindGroup(const std::string& name);
// The other way; the number where it has no name.
std::string GroupName(gid_t group);

}  // namespace fsherald
