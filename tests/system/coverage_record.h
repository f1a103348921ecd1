// SPDX-License-Identifier: MIT
// What a scenario showed, as a file for the table of docs/coverage.md.
#pragma once

#include <vector>

#include "scenario.h"
#include "watcher.h"

namespace fsherald::system_test {

// Writes DIR/SCENARIO.json, where the environment's FSHERALD_COVERAGE_DIR names DIR; else nothing.
void RecordCoverage(const Scenario& scenario, const Watcher& watcher, const std::vector<Json>& told);

}  // namespace fsherald::system_test
