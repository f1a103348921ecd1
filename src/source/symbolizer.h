// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fsherald {

// Names kernel addresses.
class Symbolizer {
 public:
  virtual ~Symbolizer() = default;
  // One name for each address: "function+0xoffset/0xsize".
  virtual std::vector<std::string> Symbolize(const std::vector<uint64_t>& addresses) = 0;
};

}  // namespace fsherald
