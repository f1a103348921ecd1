// SPDX-License-Identifier: MIT
// A kernel's version by its release ("6.1.0-44-amd64", as uname(2) says it).
#pragma once

#include <compare>
#include <cstdint>
#include <string_view>

#include "filesystem/line_scanner.h"

namespace fsherald {

struct KernelVersion {
  uint64_t major = 0;
  uint64_t minor = 0;
  uint64_t patch = 0;
  auto operator<=>(const KernelVersion&) const = default;
};

// What is no number is 0.
inline KernelVersion ParseKernelVersion(std::string_view release) {
  LineScanner scanner(release);
  KernelVersion version;
  version.major = scanner.Number().value_or(0);
  version.minor = scanner.NumberBetween(".", "").value_or(0);
  version.patch = scanner.NumberBetween(".", "").value_or(0);
  return version;
}

}  // namespace fsherald
