// SPDX-License-Identifier: MIT
// The parts of the kernel's fanotify interface that older headers lack, and the record layouts as the parser reads them:
// own structs, so that the parser depends on no header's version. Whether the kernel has them is found out at run time.
#pragma once

#include <fcntl.h>
#include <sys/fanotify.h>

#include <cstdint>

#ifndef FAN_FS_ERROR
#define FAN_FS_ERROR 0x00008000  // Linux 5.16
#endif
#ifndef FAN_REPORT_FID
#define FAN_REPORT_FID 0x00000200  // Linux 5.1
#endif
#ifndef FAN_MARK_FILESYSTEM
#define FAN_MARK_FILESYSTEM 0x00000100  // Linux 4.20
#endif

namespace fsherald::fanotify_abi {

inline constexpr uint8_t kMetadataVersion = 3;
inline constexpr uint8_t kInfoTypeFid = 1;
inline constexpr uint8_t kInfoTypePidfd = 4;  // Linux 5.15; after the header an i32
inline constexpr uint8_t kInfoTypeError = 5;

struct Metadata {
  uint32_t event_len;
  uint8_t version;
  uint8_t reserved;
  uint16_t metadata_len;
  uint64_t mask;
  int32_t fd;
  int32_t pid;
};
static_assert(sizeof(Metadata) == 24);

struct InfoHeader {
  uint8_t type;
  uint8_t pad;
  uint16_t len;  // of the whole record, this header included
};
static_assert(sizeof(InfoHeader) == 4);

struct InfoError {  // after the header
  int32_t error;
  uint32_t count;
};
static_assert(sizeof(InfoError) == 8);

struct InfoFid {  // after the header; handle_bytes more follow
  uint32_t fsid[2];
  uint32_t handle_bytes;
  int32_t handle_type;
};
static_assert(sizeof(InfoFid) == 16);

// Handle types (Linux, include/linux/exportfs.h). 0xff without bytes: the whole file system.
inline constexpr int32_t kHandleIno32Gen = 0x01;  // u32 inode, u32 generation: ext4
inline constexpr int32_t kHandleIno64Gen = 0x81;  // u64 inode, u32 generation: XFS

}  // namespace fsherald::fanotify_abi
