// SPDX-License-Identifier: MIT
// The option structs of include/fsherald/fsherald.h, of a caller of another version.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>

namespace fsherald {

// As copy_struct_from_user of the kernel does it: what the caller does not have is zero; what we do not have must be zero, else he
// asks for something that we would not do. Empty: it is not, or `size` is none: less than `least`, or more than anybody set.
template <typename Options>
std::optional<Options> KnownOptions(const Options& given, size_t least) {
  constexpr size_t kMaxBytes = 4096;
  if (given.size < least || given.size > kMaxBytes) return std::nullopt;
  const auto* bytes = reinterpret_cast<const unsigned char*>(&given);
  if (given.size > sizeof given && std::any_of(bytes + sizeof given, bytes + given.size, [](auto byte) { return byte; }))
    return std::nullopt;
  Options known{};
  std::memcpy(&known, &given, std::min(given.size, sizeof known));
  return known;
}

}  // namespace fsherald
