// SPDX-License-Identifier: MIT
// Kernel interfaces that the headers of Debian 12 (Linux 6.1) do not name yet. Whether the running kernel has them shows
// at run time. Names of our own, so that newer headers do not clash.
#pragma once

#include <linux/ioctl.h>

#include <cstdint>

namespace fsherald {

// FS_IOC_GETFSUUID, any file system with a uuid (Linux 6.9, include/uapi/linux/fs.h: struct fsuuid2).
struct KernelFsUuid {
  uint8_t length;
  uint8_t uuid[16];
};
static_assert(sizeof(KernelFsUuid) == 17);
inline constexpr unsigned long kIoctlGetFsUuid = _IOR(0x15, 0, KernelFsUuid);

// EXT4_IOC_GETFSUUID (Linux 6.0, fs/ext4/ext4.h: struct fsuuid, whose size in the request is that of its two numbers).
struct KernelExt4Uuid {
  uint32_t length;
  uint32_t flags;
  uint8_t uuid[16];
};
static_assert(sizeof(KernelExt4Uuid) == 24);
inline constexpr unsigned long kIoctlGetExt4Uuid = _IOC(_IOC_READ, 'f', 44, 2 * sizeof(uint32_t));

// STATX_MNT_ID_UNIQUE (Linux 6.8): stx_mnt_id is then a number that no later mount gets again.
inline constexpr unsigned kStatxMountIdUnique = 0x4000;

}  // namespace fsherald
