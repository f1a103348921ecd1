// SPDX-License-Identifier: MIT
// What is to be known of an errno, or of a kind of error, whichever file system reports it. What is a file system's own stands
// with its module (filesystem/advice.h).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "record/notification.h"

namespace fsherald {

struct Fact {
  std::string_view meaning;
  std::span<const std::string_view> causes;
  std::span<const std::string_view> to_do;
  std::span<const std::string_view> never;
};

// Null: no file system is known to report it as an error of its own.
const Fact* FactOf(int code);
const Fact& FactOf(Kind kind);

// "EUCLEAN", "efscorrupted" (the kernel's own name), "117", "-117": a positive errno that has a name. Empty: it is none.
std::optional<int> ParseErrno(std::string_view text);

// "EUCLEAN (117): Structure needs cleaning".
std::string ErrnoTitle(int code);
// What the kernel's source calls it besides: "EFSCORRUPTED"; empty: nothing else.
std::string_view KernelNameOf(int code);

// "writeback". Empty: it is no kind.
std::optional<Kind> ParseKind(std::string_view text);
// All of them, in the order of the enumeration: "metadata, data_read, ...".
std::string KindNames();

}  // namespace fsherald
