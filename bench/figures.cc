// SPDX-License-Identifier: MIT
#include "figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fsherald::bench {

double Figures::Quantile(double share) const {
  if (values_.empty()) return 0;
  std::vector<double> sorted = values_;
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  const auto at = sorted.begin() + static_cast<ptrdiff_t>(std::max<size_t>(rank, 1) - 1);
  std::nth_element(sorted.begin(), at, sorted.end());
  return *at;
}

std::string Words(const Figures& figures) {
  return fmt::format("median {:.1f}  p99 {:.1f}  min {:.1f}  max {:.1f}  ({})", figures.median(),
                     figures.Quantile(0.99), figures.min(), figures.max(), figures.count());
}

std::string Ratio(double ours, double theirs, double target) {
  const double ratio = theirs > 0 ? ours / theirs : 0;
  return fmt::format("{:.2f} (target {:.2f}: {})", ratio, target, ratio <= target ? "met" : "missed");
}

}  // namespace fsherald::bench
