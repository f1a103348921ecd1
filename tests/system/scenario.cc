// SPDX-License-Identifier: MIT
#include "scenario.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "process.h"

namespace fsherald::system_test {
namespace {

using Lines = std::vector<std::string>;

Lines LinesOr(const std::string& path, const Lines& fallback) {
  if (!std::filesystem::exists(path)) return fallback;
  Lines lines;
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
  const std::string type = LinesOr(folder + "/type", {"ext4"}).front();
  const bool is_ext4 = type == "ext4";
  return {.folder = folder,
          .type = type,
          .fault = LinesOr(folder + "/fault", {"metadata"}).front(),
          .disks = std::stoul(LinesOr(folder + "/disks", {"1"}).front()),
          .mkfs = LinesOr(folder + "/mkfs", is_ext4 ? Lines{"-b 4096", "-b 1024"} : Lines{""}),
          .mounts = LinesOr(folder + "/mount", is_ext4 ? Lines{"errors=continue"} : Lines{""}),
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
