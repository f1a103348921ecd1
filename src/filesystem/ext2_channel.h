// SPDX-License-Identifier: MIT
// A libext2fs I/O channel that can do nothing but read, and stops. libext2fs's own calls fsync(2) on the device as it
// opens it, which would make the kernel write the mounted file system out, and reads for as long as damage can keep it
// busy (an extent tree that points to itself).
#pragma once

#include <chrono>

struct struct_io_manager;
struct struct_io_channel;

namespace fsherald {

// The manager for ext2fs_open.
struct_io_manager* ReadingManager();

// For a channel of ReadingManager: from `deadline` on every read fails. Without it, there is none.
void SetDeadline(struct_io_channel* channel, std::chrono::steady_clock::time_point deadline);

// Whether reads fail now: the deadline is over, or the device has refused several blocks. Each attempt at a bad sector
// makes the kernel report it once more, so there are not many.
bool HasGivenUp(struct_io_channel* channel);

}  // namespace fsherald
