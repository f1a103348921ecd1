// SPDX-License-Identifier: MIT
#include "guest_output.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace fsherald::kernel_test {
namespace {

std::string g_directory;

}  // namespace

void SetOutput(const std::string& directory) { g_directory = directory; }

bool Exists(const std::string& name) { return std::filesystem::exists(g_directory + "/" + name); }

std::string Read(const std::string& name) {
  std::ifstream file(g_directory + "/" + name);
  EXPECT_TRUE(file) << "the guest has left no " << name;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> Lines(const std::string& name) {
  std::vector<std::string> lines;
  std::istringstream text(Read(name));
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

uint64_t Number(const std::string& name) { return std::stoull(Read(name)); }

uint64_t Fact(const std::string& name) {
  for (const std::string& line : Lines("facts"))
    if (line.starts_with(name + "=")) return std::stoull(line.substr(name.size() + 1));
  ADD_FAILURE() << "no fact " << name;
  return 0;
}

std::vector<Json> Told(const std::string& run, const std::string& filesystem) {
  std::vector<Json> told;
  for (const std::string& line : Lines(run + "/stdout")) {
    Json one = Json::parse(line);
    if (filesystem.empty() || one["filesystem"]["mounts"] == Json{"/" + filesystem}) told.push_back(std::move(one));
  }
  return told;
}

uint64_t Sum(const std::vector<Json>& told) {
  uint64_t sum = 0;
  for (const Json& one : told) sum += one["error"]["count"].get<uint64_t>();
  return sum;
}

bool HasSource(const Json& told, const char* source) {
  return std::ranges::find(told["sources"], source) != told["sources"].end();
}

uint64_t Growth(const std::string& filesystem) {
  return Number(filesystem + ".errors_after") - Number(filesystem + ".errors_before");
}

uint32_t LineOf(const std::string& function, const std::string& device) {
  for (const std::string& line : Lines("log")) {
    const size_t at = line.find(" " + function + ":");
    if (at == std::string::npos || line.find("(device " + device + ")") == std::string::npos) continue;
    return static_cast<uint32_t>(std::stoul(line.substr(at + function.size() + 2)));
  }
  ADD_FAILURE() << "the kernel's log has no " << function << " on " << device;
  return 0;
}

}  // namespace fsherald::kernel_test
