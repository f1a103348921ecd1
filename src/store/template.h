// SPDX-License-Identifier: MIT
// A message as what many have in common and the numbers that are its own: "block 17 of 0x2a" is "block # of 0x$" with 17
// and 42. So a kernel's few hundred messages are a few hundred words, whatever numbers they name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fsherald {

struct Templated {
  std::string words;  // a number's place is a byte of its own (template.cc)
  std::vector<uint64_t> numbers;
};

// Any bytes; FromTemplate gives back the same.
Templated ToTemplate(std::string_view text);

// How many numbers FromTemplate needs.
size_t CountNumbers(std::string_view words);
std::string FromTemplate(std::string_view words, const std::vector<uint64_t>& numbers);

}  // namespace fsherald
