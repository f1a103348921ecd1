// SPDX-License-Identifier: MIT
// Patterns of log lines, so that a file system's lines are rows of a table. A pattern is text, and in it
//
//   {name}    a decimal number; a minus sign before it is left out ("{errno}": "-5", "5")
//   {name:x}  a hexadecimal number, "0x" before it or not
//   {name:s}  text, at least a byte, up to what stands behind it in the pattern, or to the end of the line
//   {*}       anything, also nothing, up to what stands behind it in the pattern
//
// `inode`, `block`, `errno`, `device` and `function` are those parts of the report (the last two without a space in them),
// all other names its fields. The pattern
// is the beginning of the line; what follows may be anything.
#pragma once

#include <string_view>

#include "filesystem/filesystem.h"

namespace fsherald {

// Whether the line is of this pattern; then `report` has what it names and `rest` what follows it. Else both stay.
bool MatchPattern(std::string_view pattern, std::string_view line, ErrorReport& report, std::string_view& rest);

}  // namespace fsherald
