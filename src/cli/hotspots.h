// SPDX-License-Identifier: MIT
// `fsherald hotspots`: what most errors have in common.
#pragma once

#include <cstdint>
#include <string>

#include "cli/terminal.h"
#include "store/history.h"

namespace fsherald {

struct HotspotsOptions {
  std::string store;
  History::By by = History::By::kLocation;
  std::string since;  // as ParseTime has it; empty: all
  std::string until;
  uint64_t count = 10;
  bool json = false;
  Color color = Color::kAuto;
};

// Returns the exit code: 2 a time that is none, 3 there is no history, 4 not permitted to read it.
int RunHotspots(const HotspotsOptions& options);

}  // namespace fsherald
