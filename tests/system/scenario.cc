// SPDX-License-Identifier: MIT
#include "scenario.h"

#include <sys/utsname.h>

#include <algorithm>
#include <cctype>
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

// Whether the running kernel is one of a series: "6.1" is 6.1.0-56-amd64, and not 6.18.44.
bool IsKernel(const std::string& series) {
  utsname system{};
  uname(&system);
  const std::string release = system.release;
  return release.starts_with(series) && std::isdigit(static_cast<unsigned char>(release.c_str()[series.size()])) == 0;
}

// Whether an entry of expect.json is for these mount options and this kernel.
bool Applies(const Json& entry, const std::string& mount_options) {
  if (entry.contains("when") && mount_options.find(entry["when"].get<std::string>()) == std::string::npos) return false;
  return !entry.contains("kernel") || IsKernel(entry["kernel"]);
}

// What is different of it on this kernel.
void ApplyKernel(Json& entry) {
  const Json differences = entry.value("on_kernel", Json::object());
  entry.erase("on_kernel");
  for (const auto& [series, difference] : differences.items())
    if (IsKernel(series)) entry.update(difference, true);
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
    if (!Applies(entry, mount_options)) continue;
    Json one = entry;
    ApplyKernel(one);
    for (const char* key : {"when", "kernel", "note"}) one.erase(key);
    all.push_back(facts ? WithFacts(one, *facts) : one);
  }
  return all;
}

}  // namespace fsherald::system_test
