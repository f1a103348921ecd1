// SPDX-License-Identifier: MIT
#include "daemon/config_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "base/nearest.h"
#include "protocol/messages.h"
#include "protocol/packet.h"

namespace fsherald {
namespace {

struct Unit {
  std::string_view name;
  uint64_t size;
};
constexpr std::array kSizeUnits = {Unit{"TiB", uint64_t{1} << 40}, Unit{"GiB", uint64_t{1} << 30},
                                   Unit{"MiB", uint64_t{1} << 20}, Unit{"KiB", uint64_t{1} << 10}};
constexpr std::array kAgeUnits = {Unit{"w", 7 * 86'400}, Unit{"d", 86'400}, Unit{"h", 3'600}};

constexpr uint64_t kMinStoreBytes = uint64_t{16} << 20;
constexpr uint64_t kMaxStoreBytes = uint64_t{16} << 40;
constexpr uint64_t kMinAgeS = 3'600;
constexpr uint64_t kMaxAgeS = uint64_t{36'500} * 86'400;

constexpr std::array<std::pair<std::string_view, SourceId>, 4> kSources = {{{"fanotify", SourceId::kFanotify},
                                                                            {"trace", SourceId::kTrace},
                                                                            {"kmsg", SourceId::kKmsg},
                                                                            {"counters", SourceId::kCounters}}};

// A number and a unit; empty: it is none, or too large for 64 bits.
std::optional<uint64_t> Parse(std::string_view text, std::span<const Unit> units) {
  uint64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(rest - text.data()));
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const auto unit = std::ranges::find(units, text, &Unit::name);
  if (unit == units.end() || number > std::numeric_limits<uint64_t>::max() / unit->size) return std::nullopt;
  return number * unit->size;
}

// The units go from large to small. What no unit divides cannot have been set.
std::string Format(uint64_t value, std::span<const Unit> units) {
  for (const Unit& unit : units)
    if (value % unit.size == 0 && value != 0) return fmt::format("{}{}", value / unit.size, unit.name);
  return fmt::format("0{}", units.back().name);
}

Status CheckDirectory(const std::string& path) {
  if (!path.starts_with('/')) return Error{fmt::format("\"{}\" is no absolute path: it has to begin with /", path), 0};
  if (path.find('\0') != std::string::npos) return Error{"a path has no NUL in it", 0};
  return {};
}

// Both sockets lie in it.
Status SetRuntimeDirectory(const ConfigValue& value, DaemonConfig& config) {
  const auto& path = std::get<std::string>(value);
  if (Status absolute = CheckDirectory(path); !absolute) return absolute;
  auto address = protocol::SocketAddress(path + '/' + protocol::kSubscribeSocket);
  if (!address) return Error{address.error().what, 0};
  config.runtime_directory = path;
  return {};
}

Status SetGroup(const ConfigValue& value, std::string& group) {
  const auto& name = std::get<std::string>(value);
  if (name.find('\0') != std::string::npos) return Error{"a group's name has no NUL in it", 0};
  if (auto found = FindGroup(name); !found) return found.error();
  group = name;
  return {};
}

ConfigValue GetWithout(const DaemonConfig& config) {
  std::vector<std::string> names;
  for (const auto& [name, source] : kSources)
    if (config.without.Has(source)) names.emplace_back(name);
  return names;
}

Status UnknownSource(std::string_view name) {
  std::array<std::string_view, kSources.size()> names;
  std::ranges::transform(kSources, names.begin(), [](const auto& source) { return source.first; });
  if (auto nearest = Nearest(name, names))
    return Error{fmt::format("there is no source \"{}\": did you mean \"{}\"?", name, *nearest), 0};
  return Error{fmt::format("there is no source \"{}\": there are {}", name, fmt::join(names, ", ")), 0};
}

Status SetWithout(const ConfigValue& value, DaemonConfig& config) {
  SourceSet without;
  for (const std::string& name : std::get<std::vector<std::string>>(value)) {
    const auto source = std::ranges::find(kSources, name, [](const auto& one) { return one.first; });
    if (source == kSources.end()) return UnknownSource(name);
    without.Add(source->second);
  }
  if (std::ranges::all_of(kSources, [&](const auto& source) { return without.Has(source.second); }))
    return Error{"this leaves no source: take out at least one of them", 0};
  config.without = without;
  return {};
}

Status SetStoreDirectory(const ConfigValue& value, DaemonConfig& config) {
  const auto& path = std::get<std::string>(value);
  if (Status absolute = CheckDirectory(path); !absolute) return absolute;
  config.store.directory = path;
  return {};
}

Status SetMaxSize(const ConfigValue& value, DaemonConfig& config) {
  auto bytes = ParseSize(std::get<std::string>(value));
  if (!bytes) return bytes.error();
  if (*bytes < kMinStoreBytes || *bytes > kMaxStoreBytes) return Error{"it has to be from 16MiB to 16TiB", 0};
  config.store.max_bytes = *bytes;
  return {};
}

Status SetMaxAge(const ConfigValue& value, DaemonConfig& config) {
  auto seconds = ParseAge(std::get<std::string>(value));
  if (!seconds) return seconds.error();
  if (*seconds < kMinAgeS || *seconds > kMaxAgeS) return Error{"it has to be from 1h to 36500d", 0};
  config.store.max_age_s = *seconds;
  return {};
}

constexpr bool kAtOnce = false;
constexpr bool kRestart = true;

const ConfigKey kKeys[] = {
    {"daemon", "runtime_directory", kRestart,
     [](const DaemonConfig& config) -> ConfigValue { return protocol::RuntimeDir(config.runtime_directory.c_str()); },
     SetRuntimeDirectory},
    {"access", "subscribe_group", kAtOnce,
     [](const DaemonConfig& config) -> ConfigValue { return config.subscribe_group; },
     [](const ConfigValue& value, DaemonConfig& config) { return SetGroup(value, config.subscribe_group); }},
    {"access", "report_group", kAtOnce, [](const DaemonConfig& config) -> ConfigValue { return config.report_group; },
     [](const ConfigValue& value, DaemonConfig& config) { return SetGroup(value, config.report_group); }},
    {"sources", "without", kRestart, GetWithout, SetWithout},
    {"store", "enabled", kRestart, [](const DaemonConfig& config) -> ConfigValue { return config.store.enabled; },
     [](const ConfigValue& value, DaemonConfig& config) {
       config.store.enabled = std::get<bool>(value);
       return Status();
     }},
    {"store", "directory", kRestart, [](const DaemonConfig& config) -> ConfigValue { return config.store.directory; },
     SetStoreDirectory},
    {"store", "max_size", kAtOnce,
     [](const DaemonConfig& config) -> ConfigValue { return Format(config.store.max_bytes, kSizeUnits); }, SetMaxSize},
    {"store", "max_age", kAtOnce,
     [](const DaemonConfig& config) -> ConfigValue { return Format(config.store.max_age_s, kAgeUnits); }, SetMaxAge},
};

}  // namespace

std::span<const ConfigKey> ConfigKeys() { return kKeys; }

const ConfigKey* FindConfigKey(std::string_view full_name) {
  const auto key = std::ranges::find(kKeys, full_name, &ConfigKey::FullName);
  return key == std::end(kKeys) ? nullptr : &*key;
}

Result<uint64_t> ParseSize(std::string_view text) {
  if (auto bytes = Parse(text, kSizeUnits)) return *bytes;
  return Error{fmt::format("\"{}\" is no size: a whole number of KiB, MiB, GiB or TiB, as \"1GiB\"", text), 0};
}

Result<uint64_t> ParseAge(std::string_view text) {
  if (auto seconds = Parse(text, kAgeUnits)) return *seconds;
  return Error{
      fmt::format("\"{}\" is no age: a whole number of hours, days or weeks, as \"12h\", \"400d\", \"8w\"", text), 0};
}

}  // namespace fsherald
