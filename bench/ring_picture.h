// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "figures.h"

namespace fsherald::bench {

// One row of bench/ring: ns a record.
struct RingRow {
  std::string name;
  Figures one;  // by the one producer
  Figures two;  // by each of two
};

// Bars, as SVG: the medians, on a logarithmic scale, with a thin line from the least to the most.
std::string RingPicture(const std::vector<RingRow>& rows);

}  // namespace fsherald::bench
