// SPDX-License-Identifier: MIT
// How text looks on a terminal that shows colours (ECMA-48). kNormal ends each.
#pragma once

#include <string_view>

namespace fsherald::styles {

inline constexpr std::string_view kRed = "\x1b[31m";
inline constexpr std::string_view kGreen = "\x1b[32m";
inline constexpr std::string_view kYellow = "\x1b[33m";
inline constexpr std::string_view kBoldRed = "\x1b[1;31m";
inline constexpr std::string_view kBoldGreen = "\x1b[1;32m";
inline constexpr std::string_view kBoldYellow = "\x1b[1;33m";
inline constexpr std::string_view kBold = "\x1b[1m";
inline constexpr std::string_view kDim = "\x1b[2m";
inline constexpr std::string_view kNormal = "\x1b[0m";

}  // namespace fsherald::styles
