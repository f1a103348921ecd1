// SPDX-License-Identifier: MIT
// The inode that a place on a device of a btrfs belongs to, as the kernel tells it (CAP_SYS_ADMIN): from the device's
// chunks to the logical address, and from that to the inode, and its path.
#pragma once

#include "filesystem/sector_owner.h"

namespace fsherald {

// None for certain: in a striped chunk (RAID0, 10, 5, 6), of metadata, and of an extent that several files or snapshots
// share. An inode number counts within its subvolume: a path is told only of the subvolume that `directory_fd` is in.
OwnerResult FindBtrfsOwner(int directory_fd, DeviceNumber device, const Range& place);

}  // namespace fsherald
