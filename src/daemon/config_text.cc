// SPDX-License-Identifier: MIT
// One configuration file: TOML into the keys of the table. toml++ stands here and nowhere else.
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <vector>

#include "base/nearest.h"
#include "daemon/config.h"
#include "daemon/config_keys.h"

namespace fsherald {
namespace {

// Reads one file; where the words for a fault are made.
class TextReader {
 public:
  TextReader(const std::string& file, ConfigReading& reading) : file_(file), reading_(reading) {}

  void Read(const toml::table& root);
  void Fault(const toml::source_region& at, std::string what) {
    reading_.faults.push_back(
        {.file = file_, .line = at.begin.line, .column = at.begin.column, .what = std::move(what)});
  }

 private:
  void ReadSection(std::string_view section, const toml::table& table);
  void Take(const ConfigKey& key, const toml::node& node);
  void UnknownSection(const toml::key& name, const toml::node& node);
  void UnknownKey(std::string_view section, const toml::key& name);

  const std::string& file_;
  ConfigReading& reading_;
};

std::vector<std::string_view> Sections() {
  std::vector<std::string_view> sections;
  for (const ConfigKey& key : ConfigKeys())
    if (std::ranges::find(sections, key.section) == sections.end()) sections.push_back(key.section);
  return sections;
}

std::vector<std::string_view> NamesIn(std::string_view section) {
  std::vector<std::string_view> names;
  for (const ConfigKey& key : ConfigKeys())
    if (key.section == section) names.push_back(key.name);
  return names;
}

const ConfigKey* FindKey(std::string_view section, std::string_view name) {
  for (const ConfigKey& key : ConfigKeys())
    if (key.section == section && key.name == name) return &key;
  return nullptr;
}

const ConfigKey* FindKeyAnywhere(std::string_view name) {
  const auto key = std::ranges::find(ConfigKeys(), name, &ConfigKey::name);
  return key == ConfigKeys().end() ? nullptr : &*key;
}

// In what a table holds its keys, is sorted by name; faults are told as they stand in the file.
void SortFrom(size_t first, std::vector<ConfigFault>& faults) {
  std::stable_sort(faults.begin() + static_cast<ptrdiff_t>(first), faults.end(), [](const auto& a, const auto& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
}

std::string_view WordFor(const ConfigValue& value) {
  if (std::holds_alternative<bool>(value)) return "true or false";
  return std::holds_alternative<std::string>(value) ? "a string, in \"quotes\""
                                                    : "a list of strings, as [\"a\", \"b\"]";
}

// A node as the type that the key has; empty: it has another.
std::optional<ConfigValue> ValueOf(const toml::node& node, const ConfigValue& as) {
  if (std::holds_alternative<bool>(as)) {
    if (const auto is = node.value_exact<bool>()) return *is;
  } else if (std::holds_alternative<std::string>(as)) {
    if (const auto text = node.value_exact<std::string>()) return *text;
  } else if (const toml::array* list = node.as_array()) {
    std::vector<std::string> items;
    for (const toml::node& item : *list) {
      const auto text = item.value_exact<std::string>();
      if (!text) return std::nullopt;
      items.push_back(*text);
    }
    return items;
  }
  return std::nullopt;
}

void TextReader::Read(const toml::table& root) {
  const std::vector<std::string_view> sections = Sections();
  for (const auto& [name, node] : root) {
    if (std::ranges::find(sections, name.str()) == sections.end()) UnknownSection(name, node);
    else if (const toml::table* table = node.as_table()) ReadSection(name.str(), *table);
    else Fault(name.source(), fmt::format("{0} is a section: write [{0}] on a line of its own", name.str()));
  }
}

void TextReader::ReadSection(std::string_view section, const toml::table& table) {
  for (const auto& [name, node] : table) {
    if (const ConfigKey* key = FindKey(section, name.str())) Take(*key, node);
    else UnknownKey(section, name);
  }
}

void TextReader::Take(const ConfigKey& key, const toml::node& node) {
  const ConfigValue like = key.get(reading_.config);
  const auto value = ValueOf(node, like);
  if (!value) return Fault(node.source(), fmt::format("{} has to be {}", key.FullName(), WordFor(like)));
  if (Status set = key.set(*value, reading_.config); !set)
    return Fault(node.source(), fmt::format("{}: {}", key.FullName(), set.error().what));
  reading_.origins[key.FullName()] =
      fmt::format("{}:{}:{}", file_, node.source().begin.line, node.source().begin.column);
}

void TextReader::UnknownSection(const toml::key& name, const toml::node& node) {
  if (!node.is_table()) {
    if (const ConfigKey* key = FindKeyAnywhere(name.str()))
      return Fault(name.source(),
                   fmt::format("{} stands outside of a section: it belongs below [{}]", key->name, key->section));
    return Fault(name.source(), fmt::format("unknown key \"{}\": every key stands in a section, below [{}]", name.str(),
                                            fmt::join(Sections(), "], [")));
  }
  if (auto nearest = Nearest(name.str(), Sections()))
    return Fault(name.source(), fmt::format("unknown section [{}]: did you mean [{}]?", name.str(), *nearest));
  Fault(name.source(), fmt::format("unknown section [{}]: there are [{}]", name.str(), fmt::join(Sections(), "], [")));
}

void TextReader::UnknownKey(std::string_view section, const toml::key& name) {
  const std::string unknown = fmt::format("unknown key \"{}\" in [{}]", name.str(), section);
  if (const ConfigKey* elsewhere = FindKeyAnywhere(name.str()))
    return Fault(name.source(), fmt::format("{}: it belongs below [{}]", unknown, elsewhere->section));
  if (auto nearest = Nearest(name.str(), NamesIn(section)))
    return Fault(name.source(), fmt::format("{}: did you mean \"{}\"?", unknown, *nearest));
  Fault(name.source(), fmt::format("{}: there are {}", unknown, fmt::join(NamesIn(section), ", ")));
}

}  // namespace

void ReadConfigText(std::string_view text, const std::string& file, ConfigReading& reading) {
  const size_t first = reading.faults.size();
  TextReader reader(file, reading);
  try {
    reader.Read(toml::parse(text, file));
  } catch (const toml::parse_error& error) {
    reader.Fault(error.source(), fmt::format("this is no TOML: {}", error.description()));
  }
  SortFrom(first, reading.faults);
}

}  // namespace fsherald
