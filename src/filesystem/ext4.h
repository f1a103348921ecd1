// SPDX-License-Identifier: MIT
// ext4's row of the table of file systems.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "filesystem/filesystem.h"

namespace fsherald {

FilesystemModule Ext4Module();

// The functions behind the row, where they are not in ext4_log.h, ext4_counters.h and ext4_walk.h.
bool IsExt4ReportingHelper(std::string_view function);
Reporter Ext4Reporter(std::span<const std::string> stack);
Specific Ext4Specific(const ErrorReport& message);  // fields: inode, block, group
bool Ext4ObjectIsLoadable(const ErrorReport& message);
bool Ext4SendsFanotify(std::string_view kernel_release);

}  // namespace fsherald
