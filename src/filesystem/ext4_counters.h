// SPDX-License-Identifier: MIT
// ext4's own counters, <sysfs>/fs/ext4/DEVICE/{errors_count,warning_count,first_error_*,last_error_*}.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "filesystem/filesystem.h"

namespace fsherald {

// The files are read one after another: an error in between can make `last` newer than `errors`. The kernel brings them up
// to date a moment after the error, in a work item.
Result<CounterReading> ReadExt4Counters(const std::string& sysfs_root, const FilesystemInfo& filesystem,
                                        const std::string& access_path);

// errors_count: the kernel notifies it (since 5.14).
std::string Ext4CounterEventPath(const std::string& sysfs_root, const std::string& device);

// The errno of an EXT4_ERR_* number (Linux, fs/ext4/ext4.h). Empty: none, or the kernel's own "unknown".
std::optional<int> ErrnoOfExt4Code(uint64_t code);

}  // namespace fsherald
