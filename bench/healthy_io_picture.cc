// SPDX-License-Identifier: MIT
#include "healthy_io_picture.h"

#include <fmt/format.h>

#include <algorithm>

namespace fsherald::bench {
namespace {

constexpr double kLeft = 150, kWidth = 560, kRow = 46, kTop = 58;
constexpr double kLeast = 0.8, kMost = 1.2;

// What lies outside is drawn at the edge.
double X(double ratio) { return kLeft + (std::clamp(ratio, kLeast, kMost) - kLeast) / (kMost - kLeast) * kWidth; }

std::string Dots(const Figures& figures, double y, const char* colour) {
  std::string svg;
  for (double ratio : figures.values())
    svg += fmt::format("<circle cx='{:.1f}' cy='{:.0f}' r='3' fill='{}' fill-opacity='0.45'/>\n", X(ratio), y, colour);
  return svg + fmt::format("<rect x='{:.1f}' y='{:.0f}' width='3' height='16' fill='{}'/>\n", X(figures.median()) - 1.5,
                           y - 8, colour);
}

}  // namespace

std::string HealthyPicture(const std::vector<HealthyRow>& rows) {
  const double height = kTop + kRow * static_cast<double>(rows.size()) + 30;
  std::string svg = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' width='760' height='{0:.0f}' viewBox='0 0 760 {0:.0f}' "
      "font-family='sans-serif' font-size='12'>\n<rect width='100%' height='100%' fill='white'/>\n"
      "<text x='10' y='20' font-size='14'>Random 4 KiB without errors: median latency, ratio within a round (bar: "
      "median)</text>\n<rect x='{1:.0f}' y='30' width='12' height='12' fill='#4878a8'/><text x='{2:.0f}' y='40'>with "
      "fsherald to without</text>\n<rect x='{3:.0f}' y='30' width='12' height='12' fill='#999'/><text x='{4:.0f}' "
      "y='40'>without to without: the noise</text>\n",
      height, kLeft, kLeft + 18, kLeft + 190, kLeft + 208);
  for (int percent = 80; percent <= 120; percent += 10)
    svg += fmt::format(
        "<line x1='{0:.0f}' x2='{0:.0f}' y1='{1:.0f}' y2='{2:.0f}' stroke='{4}'/>"
        "<text x='{0:.0f}' y='{3:.0f}' text-anchor='middle' fill='#777'>{5:.1f}</text>\n",
        X(percent / 100.0), kTop - 6, height - 24, height - 8, percent == 100 ? "#777" : "#ddd", percent / 100.0);
  double y = kTop + 10;
  for (const HealthyRow& row : rows) {
    svg += fmt::format("<text x='{:.0f}' y='{:.0f}' text-anchor='end'>{}</text>\n", kLeft - 12, y + 12, row.name);
    svg += Dots(row.watched, y, "#4878a8") + Dots(row.noise, y + 18, "#999");
    y += kRow;
  }
  return svg + "</svg>\n";
}

}  // namespace fsherald::bench
