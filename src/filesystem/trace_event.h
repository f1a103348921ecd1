// SPDX-License-Identifier: MIT
// TraceEvent: what a tracepoint of the kernel said, before anybody has said what it means: a row of bpf/records.h as a value.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "record/notification.h"

namespace fsherald {

// Numbered as in bpf/records.h. Behind each: its values, by index, and its text.
enum class TracePoint : uint32_t {
  kXfsShutdown = 1,   // ptag, flags, line; text: the source file
  kXfsFsSick = 2,     // mask (XFS_SICK_FS_*)
  kXfsFsCorrupt = 3,  // its values as those of kXfsFsSick, and so the next two
  kXfsFsHealthy = 4,
  kXfsFsUnfixed = 5,
  kXfsGroupSick = 6,     // mask, group number, type (0: allocation group, 1: realtime group)
  kXfsGroupCorrupt = 7,  // as kXfsGroupSick, and so the next two
  kXfsGroupHealthy = 8,
  kXfsGroupUnfixed = 9,
  kXfsInodeSick = 10,     // mask, inode, generation
  kXfsInodeCorrupt = 11,  // as kXfsInodeSick, and so the next two
  kXfsInodeHealthy = 12,
  kXfsInodeUnfixed = 13,
  kXfsBufferError =
      14,  // errno, daddr (512-byte sector), length in sectors, buffer flags, allocation group (all ones: of a
           // device without any); text: the structure that it is ("xfs_agf")
  kXfsBtreeCorrupt = 15,  // as kXfsBufferError, with errno 0
  kBlockError = 16,  // blk_status_t, sector of the disk, bytes, operation and flags of the request, the disk's device
                     // number as the kernel encodes it
  kWritebackError = 17,  // errno, inode, generation
  kFserror = 18,         // enum fserror_type, inode (0: none), generation, position, length, errno
};
inline constexpr uint32_t kLastTracePoint = 18;

struct TraceEvent {
  TracePoint point = TracePoint::kXfsShutdown;
  std::string filesystem_type;  // of the superblock; empty: a block device's event
  std::array<uint64_t, 6> values{};
  std::string text;
  std::vector<std::string> stack;  // "function+0xoffset/0xsize", innermost first, whole; empty: not taken
};

}  // namespace fsherald
