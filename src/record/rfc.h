// SPDX-License-Identifier: MIT
// A notification as the fanotify RFC of April 2021 laid it out: metadata with FAN_ERROR, the generic record, and where they are
// known the location record and the file-system-specific one. For programs written against the RFC.
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
}  // namespace rfc

// Appends one event. A gap becomes FAN_Q_OVERFLOW without records. The specific record is ext4's own of the RFC (inode, block,
// description, 272 bytes) for ext4, and the blob for a file system in user space.
void AppendRfc(const Notification& notification, std::string& out);

}  // namespace fsherald
