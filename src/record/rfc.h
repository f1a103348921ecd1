// SPDX-License-Identifier: MIT
// A notification as the fanotify RFC of April 2021 laid it out: metadata with FAN_ERROR, the generic record, and where
// they are known the location record and the file-system-specific one. For programs written against the RFC.
#pragma once

#include <string>

#include "record/notification.h"

namespace fsherald {

namespace rfc {
inline constexpr uint64_t kFanError = 0x00100000;
inline constexpr unsigned kFanPreallocQueue = 0x00000080;
inline constexpr uint8_t kInfoLocation = 4;
inline constexpr uint8_t kInfoError = 5;
inline constexpr uint8_t kInfoFsdata = 6;

struct Generic {
  uint8_t info_type = kInfoError;
  uint8_t pad = 0;
  uint16_t len = 20;
  int32_t version = 1;
  int32_t error = 0;
  uint32_t fsid[2] = {};
};
static_assert(sizeof(Generic) == 20);

struct Location {
  uint8_t info_type = kInfoLocation;
  uint8_t pad = 0;
  uint16_t len = 0;
  int32_t line = 0;
  // then the function's name, ended by at least one NUL
};
static_assert(sizeof(Location) == 8);

struct Ext4Data {
  uint64_t inode = 0;  // 0: none is known
  uint64_t block = ~uint64_t{0};
  char description[256] = {};
};
static_assert(sizeof(Ext4Data) == 272);
}  // namespace rfc

// Appends one event; none for what is healthy again or a change of health: the RFC has errors only. A gap becomes FAN_Q_OVERFLOW without
// records. The specific record is ext4's own of the RFC (inode, block, description, 272 bytes) for ext4, and the blob for
// a file system in user space. Every record, and so the next event, starts at a multiple of four: the function's name and
// the blob are padded with zeros, counted in the record's length. What is not known: errno and line 0, fsid that of the
// device's number, as the kernel makes it, else zeros.
void AppendRfc(const Notification& notification, std::string& out);

}  // namespace fsherald
