// SPDX-License-Identifier: MIT
// One folder of tests/images: how a file system is damaged, tripped over, and what must be told of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "expectation.h"

namespace fsherald::system_test {

struct Scenario {
  std::string folder;
  std::string type;   // of the file system
  std::string fault;  // what is wrong with it, in the words of docs/coverage.md
  size_t disks = 1;
  std::vector<std::string> mkfs;    // options; the scenario is run with each of these lines
  std::vector<std::string> mounts;  // options; and with each of these
  Json expected;                    // an array
};

std::vector<std::string> ScenarioNames();
Scenario ReadScenario(const std::string& name);

// What the scenario's entries say for these mount options and facts, without those that are for other options ("when") or
// for another kernel than the one that runs ("kernel"), and with what is different on the one that runs ("on_kernel").
// Without facts, the entries stay as they are written.
std::vector<Json> ExpectedOf(const Scenario& scenario, const std::string& mount_options,
                             const std::optional<Facts>& facts);

}  // namespace fsherald::system_test
