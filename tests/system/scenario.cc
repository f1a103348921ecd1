// SPDX-License-Identifier: MIT
#include "scenario.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "process.h"

namespace fsherald::system_test {
namespace {

std::vector<std::string> LinesOr(const std::string& path, const std::vector<std::string>& fallback) {
  if (!std::filesystem::exists(path)) return fallback;
  std::vector<std::string> lines;
  std::istringstream text(ReadFile(path));
  for (std::string line; std::getline(text, line);) {
    if (!line.empty() && line[0] != '#') lines.push_back(line);
  }
  return lines;
}

}  // namespace

std::vector<std::string> ScenarioNames() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(FSHERALD_IMAGES)) {
    if (entry.is_directory()) names.push_back(entry.path().filename());
  }
  std::ranges::sort(names);
  return names;
}

Scenario ReadScenario(const std::string& name) {
  const std::string folder = std::string(FSHERALD_IMAGES) + "/" + name;
  return {.folder = folder,
          .mke2fs = LinesOr(folder + "/mkfs", {"-b 4096", "-b 1024"}),
          .mounts = LinesOr(folder + "/mount", {"errors=continue"}),
          .expected = Json::parse(ReadFile(folder + "/expect.json"))};
}

std::vector<Json> ExpectedOf(const Scenario& scenario, const std::string& mount_options,
                             const std::optional<Facts>& facts) {
  std::vector<Json> all;
  for (const Json& entry : scenario.expected) {
    if (entry.contains("when") && mount_options.find(entry["when"].get<std::string>()) == std::string::npos) continue;
    Json one = entry;
    one.erase("when");
    one.erase("note");
    all.push_back(facts ? WithFacts(one, *facts) : one);
  }
  return all;
}

}  // namespace fsherald::system_test
