// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "figures.h"

namespace fsherald::bench {

// One row of bench/healthy_io: ratios of median latencies within one round.
struct HealthyRow {
  std::string name;
  Figures watched;  // with fsherald to without
  Figures noise;    // without to without
};

// A dot for each ratio, a bar at the median, as SVG.
std::string HealthyPicture(const std::vector<HealthyRow>& rows);

}  // namespace fsherald::bench
