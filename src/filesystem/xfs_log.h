// SPDX-License-Identifier: MIT
// The lines that XFS writes into the kernel's log.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "filesystem/filesystem.h"

namespace fsherald {

std::span<const std::string_view> XfsLogPrefixes();

// A line without level and time. Empty: nothing to tell; so are the lines that only accompany others ("Unmount and run
// xfs_repair", dumps), and those of a mount that was refused for what is no damage.
std::optional<ErrorReport> ParseXfsLine(std::string_view line);

}  // namespace fsherald
