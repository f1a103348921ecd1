// SPDX-License-Identifier: MIT
// What an event of XFS's health monitor means (Linux from 7.0, fs/xfs/xfs_healthmon.c). It tells again what the tracepoints and the
// lines tell: the marks of what is sick, the shutdown; and what they do not: errors of files' data, media errors that a check
// of the device has found.
#pragma once

#include <cstdint>
#include <optional>

#include "filesystem/filesystem.h"

namespace fsherald {

// Numbered as in fs/xfs/libxfs/xfs_fs.h, XFS_HEALTH_MONITOR_DOMAIN_ and _TYPE_.
struct XfsHealthEvent {
  enum class Domain : uint32_t {
    kMount,
    kFilesystem,
    kGroup,
    kInode,
    kRealtimeGroup,
    kDataDevice,
    kRealtimeDevice,
    kLogDevice,
    kFileRange
  };
  enum class Type : uint32_t {
    kRunning,
    kLost,
    kUnmount,
    kSick,     // met by who used it
    kCorrupt,  // found by a check
    kHealthy,
    kShutdown,
    kMediaError,
    kBufferedRead,
    kBufferedWrite,
    kDirectRead,
    kDirectWrite,
    kDataLost
  };
  Domain domain = Domain::kMount;
  Type type = Type::kRunning;
  uint64_t utc_ns = 0;
  uint32_t mask = 0;  // what is sick, by the bits of the domain's ioctl; why it was shut down
  uint32_t group = 0;
  uint64_t inode = 0;
  uint32_t generation = 0;
  uint64_t start = 0;   // in the file: bytes; on the device: units of 512 bytes
  uint64_t length = 0;  // the same
  uint32_t code = 0;    // errno, of a file's range
  friend bool operator==(const XfsHealthEvent&, const XfsHealthEvent&) = default;
};

// Empty: it tells of no error (running, lost, unmount). Of a media error the device's name is left to the caller, who knows it.
std::optional<ErrorReport> ParseXfsHealthEvent(const XfsHealthEvent& event);

}  // namespace fsherald
