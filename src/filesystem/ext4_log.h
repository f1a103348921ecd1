// SPDX-License-Identifier: MIT
// The log lines of ext4 and of its journal, jbd2. Formats: Linux, fs/ext4/super.c (__ext4_error and its kin), the same
// from 5.16 to 7.1:
//
//   EXT4-fs error (device D): FUNCTION:LINE: comm C: TEXT
//   EXT4-fs error (device D): FUNCTION:LINE: inode #I: [block B: ]comm C: [path P: ]TEXT
//   EXT4-fs error (device D): FUNCTION:LINE: group G, [inode I: ][block B:]TEXT      printed in pieces (KERN_CONT)
//   EXT4-fs error (device D) in FUNCTION:LINE: TEXT                                  __ext4_std_error
//   EXT4-fs warning (device D): FUNCTION:LINE: [inode #I: ][lblock L: ][comm C: ]TEXT
//   EXT4-fs (D): TEXT
//   Aborting journal on device D-8.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "filesystem/filesystem.h"

namespace fsherald {

std::span<const std::string_view> Ext4LogPrefixes();

// Pure; the line may be anything. A task's name and a path can hold ": ": what follows the first one then counts as TEXT.
std::optional<ErrorReport> ParseExt4Line(std::string_view line);

}  // namespace fsherald
