// SPDX-License-Identifier: MIT
#include "daemon/config.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "base/fd.h"
#include "base/text.h"
#include "daemon/config_keys.h"
#include "protocol/packet.h"

namespace fsherald {
namespace {

constexpr size_t kMaxFileBytes = 1 << 20;

// Of a file that may be anything: a pipe or a device would never end.
Result<std::string> ReadRegularFile(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return ErrnoError("open", path);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return ErrnoError("stat", path);
  if (!S_ISREG(status.st_mode)) return Error{"this is no regular file", EINVAL};
  std::string text(kMaxFileBytes + 1, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(fd.get(), text.data() + size, text.size() - size);
    if (got < 0) return ErrnoError("read", path);
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  if (size > kMaxFileBytes) return Error{"this file is larger than 1 MiB: no configuration is", EFBIG};
  text.resize(size);
  return text;
}

void AddFileFault(const std::string& file, const Error& error, ConfigReading& reading) {
  const bool is_of_call = error.what.ends_with(file);  // "open FILE": the fault names the file itself
  reading.faults.push_back(
      {.file = file,
       .what = is_of_call ? std::string("cannot be read: ") + std::string(strerror(error.code)) : error.what});
}

// A default that is not there is no fault.
void ReadFile(const std::string& file, bool is_named, ConfigReading& reading) {
  auto text = ReadRegularFile(file);
  if (!text) {
    if (is_named || text.error().code != ENOENT) AddFileFault(file, text.error(), reading);
    return;
  }
  reading.files.push_back(file);
  ReadConfigText(*text, file, reading);
}

void ReadDropIns(const std::string& dir, bool is_named, ConfigReading& reading) {
  std::error_code error;
  std::vector<std::string> files;
  for (std::filesystem::directory_iterator entry(dir, error), end; !error && entry != end; entry.increment(error))
    if (entry->path().extension() == ".toml") files.push_back(entry->path().string());
  if (error && (is_named || error.value() != ENOENT))
    reading.faults.push_back({.file = dir, .what = "cannot be read: " + error.message()});
  std::ranges::sort(files);
  for (const std::string& file : files) ReadFile(file, true, reading);
}

void Override(const ConfigOverride& override, ConfigReading& reading) {
  if (Status set = FindConfigKey(override.key)->set(override.value, reading.config); !set)
    reading.faults.push_back({.file = override.option, .what = set.error().what});
  else reading.origins[override.key] = override.option;
}

std::string Quoted(std::string_view text) {
  std::string quoted;
  AppendJsonString(text, quoted);  // what JSON escapes, and how, TOML reads
  return quoted;
}

std::string Show(const ConfigValue& value) {
  if (const bool* is = std::get_if<bool>(&value)) return *is ? "true" : "false";
  if (const std::string* text = std::get_if<std::string>(&value)) return Quoted(*text);
  std::string list;
  for (const std::string& item : std::get<std::vector<std::string>>(value))
    list += (list.empty() ? "" : ", ") + Quoted(item);
  return '[' + list + ']';
}

}  // namespace

std::string ConfigFault::ToString() const {
  return ForTerminal(line == 0 ? fmt::format("{}: {}", file, what)
                               : fmt::format("{}:{}:{}: {}", file, line, column, what));
}

ConfigReading ReadConfig(const ConfigPaths& paths, std::span<const ConfigOverride> overrides) {
  ConfigReading reading;
  ReadFile(paths.file.value_or(paths.default_file), paths.file.has_value(), reading);
  if (paths.dir || !paths.file) ReadDropIns(paths.dir.value_or(paths.default_dir), paths.dir.has_value(), reading);
  for (const ConfigOverride& one : overrides) Override(one, reading);
  return reading;
}

std::string ConfigToml(const DaemonConfig& config, const std::map<std::string, std::string>& origins) {
  std::string toml;
  std::string_view section;
  for (const ConfigKey& key : ConfigKeys()) {
    if (key.section != section) toml += fmt::format("{}[{}]\n", section.empty() ? "" : "\n", key.section);
    section = key.section;
    const auto origin = origins.find(key.FullName());
    toml += fmt::format("{} = {}  # {}\n", key.name, Show(key.get(config)),
                        ForTerminal(origin == origins.end() ? "default" : origin->second));
  }
  return toml;
}

std::vector<ConfigChange> ChangesBetween(const DaemonConfig& before, const DaemonConfig& after) {
  std::vector<ConfigChange> changes;
  for (const ConfigKey& key : ConfigKeys())
    if (key.get(before) != key.get(after)) changes.push_back({key.FullName(), key.needs_restart});
  return changes;
}

Result<std::optional<gid_t>> FindGroup(const std::string& name) {
  if (name.empty()) return std::optional<gid_t>();
  gid_t number = 0;
  const char* end = name.data() + name.size();
  if (auto [rest, error] = std::from_chars(name.data(), end, number); error == std::errc() && rest == end)
    return std::optional(number);
  const group* entry = ::getgrnam(name.c_str());
  if (entry == nullptr) return Error{"there is no group " + name + " (make it: groupadd --system " + name + ")", 0};
  return std::optional(entry->gr_gid);
}

std::string GroupName(gid_t group) {
  const auto* entry = ::getgrgid(group);
  return entry != nullptr ? entry->gr_name : std::to_string(group);
}

}  // namespace fsherald
