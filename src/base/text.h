// SPDX-License-Identifier: MIT
// Raw bytes made safe to show. Names, paths and messages come from damaged file systems and from other people's
// programs: they may hold anything, an escape sequence for the reader's terminal included.
//
// Both renderings keep valid UTF-8 (RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF), turn each byte
// that is none into U+FFFD, and escape what would act instead of being seen: the controls C0, DEL and C1, the line and
// paragraph separators U+2028 and U+2029, and the characters that reorder their neighbours (Unicode's Bidi_Control:
// U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069). A NUL is a byte like any other.
#pragma once

#include <string>
#include <string_view>

namespace fsherald {

// Appends `raw` on one line for people: \n, \r, \t, \xHH for the other ASCII controls, \uHHHH for the rest. A backslash
// stays as it is: the rendering is safe, and not meant to be read back.
void AppendForTerminal(std::string_view raw, std::string& out);
std::string ForTerminal(std::string_view raw);

// Appends `raw` as a JSON string, the quotes included (RFC 8259). Only a byte that is not UTF-8 is lost by it.
void AppendJsonString(std::string_view raw, std::string& out);

}  // namespace fsherald
