// SPDX-License-Identifier: MIT
#include "ring_picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fsherald::bench {
namespace {

constexpr double kLeft = 190, kWidth = 500, kRow = 44, kTop = 58;
constexpr double kLeastNs = 1, kMostNs = 10'000;

double X(double ns) {
  const double share = std::log10(std::clamp(ns, kLeastNs, kMostNs) / kLeastNs) / std::log10(kMostNs / kLeastNs);
  return kLeft + share * kWidth;
}

std::string Bar(const Figures& figures, double y, const char* colour) {
  if (figures.count() == 0) return {};
  return fmt::format(
      "<rect x='{:.0f}' y='{:.0f}' width='{:.1f}' height='14' fill='{}'/>\n"
      "<line x1='{:.1f}' x2='{:.1f}' y1='{:.0f}' y2='{:.0f}' stroke='#333'/>\n"
      "<text x='{:.1f}' y='{:.0f}'>{:.1f}</text>\n",
      kLeft, y, X(figures.median()) - kLeft, colour, X(figures.min()), X(figures.max()), y + 7, y + 7,
      std::max(X(figures.median()), X(figures.max())) + 6, y + 11, figures.median());
}

}  // namespace

std::string RingPicture(const std::vector<RingRow>& rows) {
  const double height = kTop + kRow * static_cast<double>(rows.size()) + 30;
  std::string svg = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' width='760' height='{0:.0f}' viewBox='0 0 760 {0:.0f}' "
      "font-family='sans-serif' font-size='12'>\n<rect width='100%' height='100%' fill='white'/>\n"
      "<text x='10' y='20' font-size='14'>One 192-byte record to a live consumer, ns (logarithmic; median, min to max)"
      "</text>\n<rect x='{1:.0f}' y='30' width='12' height='12' fill='#4878a8'/><text x='{2:.0f}' y='40'>one producer"
      "</text>\n<rect x='{3:.0f}' y='30' width='12' height='12' fill='#d08038'/><text x='{4:.0f}' y='40'>each of two"
      "</text>\n",
      height, kLeft, kLeft + 18, kLeft + 130, kLeft + 148);
  for (double ns = kLeastNs; ns <= kMostNs; ns *= 10)
    svg += fmt::format(
        "<line x1='{0:.0f}' x2='{0:.0f}' y1='{1:.0f}' y2='{2:.0f}' stroke='#ddd'/>"
        "<text x='{0:.0f}' y='{3:.0f}' text-anchor='middle' fill='#777'>{4:.0f}</text>\n",
        X(ns), kTop - 6, height - 24, height - 8, ns);
  double y = kTop;
  for (const RingRow& row : rows) {
    svg += fmt::format("<text x='{:.0f}' y='{:.0f}' text-anchor='end'>{}</text>\n", kLeft - 8, y + 19, row.name);
    svg += Bar(row.one, y, "#4878a8") + Bar(row.two, y + 16, "#d08038");
    y += kRow;
  }
  return svg + "</svg>\n";
}

}  // namespace fsherald::bench
