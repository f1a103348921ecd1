// SPDX-License-Identifier: MIT
// btrfs's row of the table of file systems.
#pragma once

#include <string>
#include <string_view>

#include "filesystem/filesystem.h"

namespace fsherald {

FilesystemModule BtrfsModule();

// The functions behind the row, where they are not in btrfs_log.h, btrfs_counters.h and btrfs_ioctl.h.
bool IsBtrfsReportingHelper(std::string_view function);
// Fields: root, inode, offset (in the file), logical, physical, mirror, level, expected, found, device, devid, counter: always
// these, null where the report does not say.
Specific BtrfsSpecific(const ErrorReport& report);

}  // namespace fsherald
