// SPDX-License-Identifier: MIT
#include "base/nearest.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace fsherald {
namespace {

constexpr size_t kLongest = 64;

// Edit distance with swaps of neighbours (optimal string alignment), in three rows of the usual table.
size_t Distance(std::string_view a, std::string_view b) {
  std::array<size_t, kLongest + 1> before_last{}, last{}, row{};
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last = last;
    last = row;
  }
  return last[b.size()];
}

}  // namespace

std::optional<std::string_view> Nearest(std::string_view word, std::span<const std::string_view> words) {
  std::optional<std::string_view> nearest;
  size_t least = 0;
  if (word.size() > kLongest) return nearest;
  for (std::string_view candidate : words) {
    if (candidate.size() > kLongest) continue;
    const size_t distance = Distance(word, candidate);
    if (distance > std::max<size_t>(2, candidate.size() / 3) || distance >= candidate.size()) continue;
    if (nearest && distance >= least) continue;
    nearest = candidate;
    least = distance;
  }
  return nearest;
}

}  // namespace fsherald
