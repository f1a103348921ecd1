// SPDX-License-Identifier: MIT
// The inode that a place on the device of an XFS belongs to, as the kernel tells it: FS_IOC_GETFSMAP (Linux 4.12) knows
// owners where the file system was made with rmapbt=1, and tells them to CAP_SYS_ADMIN.
#pragma once

#include "filesystem/sector_owner.h"

namespace fsherald {

OwnerResult FindXfsOwner(int directory_fd, DeviceNumber device, const Range& place);

}  // namespace fsherald
