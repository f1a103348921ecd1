// SPDX-License-Identifier: MIT
// What somebody may have meant who has mistyped a word.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace fsherald {

// The one of `words` that takes the fewest insertions, deletions, replacements and swaps of neighbours to become, if that are few
// for a word of its length: at most a third of it, and two at least. Empty: none is near. A word longer than 64 bytes is near nothing.
std::optional<std::string_view> Nearest(std::string_view word, std::span<const std::string_view> words);

}  // namespace fsherald
