// SPDX-License-Identifier: MIT
// What the events and the log lines of XFS have in common: words for its numbers, names of the specific record's fields,
// and how the reports of one error are put together (ErrorReport: topic, part).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "filesystem/filesystem.h"

namespace fsherald {

// Where something is sick (xfs_health.h has a mask for each).
enum class XfsDomain { kFilesystem, kGroup, kRealtimeGroup, kInode };

// "fs", "ag", "rtgroup", "inode".
std::string_view XfsDomainName(XfsDomain domain);

// What a mask of XFS_SICK_... names, its lowest bit first: "bnobt,cntbt". What has no name here stays a number.
std::string XfsSickWords(XfsDomain domain, uint64_t mask);

// The same of a mask of an ioctl (XFS_FSOP_GEOM_SICK_, XFS_AG_GEOM_SICK_, XFS_RTGROUP_GEOM_SICK_, XFS_BS_SICK_).
std::string XfsGeometrySickWords(XfsDomain domain, uint64_t mask);

// Why a file system was shut down, by the flags (SHUTDOWN_...): "corruption", "log I/O error", ... Empty: it is not known.
std::string_view XfsShutdownReason(uint64_t flags);
// The errno that goes with it.
std::optional<int> XfsShutdownCode(uint64_t flags);

// Fields of the specific record beside inode and ag, which are ErrorReport's own (inode, group).
void SetXfsField(ErrorReport& report, std::string_view name, std::string_view words);  // empty words: not known
void SetXfsField(ErrorReport& report, std::string_view name, uint64_t number);

// What an error is about.
std::string XfsBufferTopic(uint64_t daddr);
std::string XfsInodeTopic(uint64_t inode);
std::string XfsGroupTopic(XfsDomain domain, uint64_t group);
inline constexpr std::string_view kXfsShutdownTopic = "shutdown";

// The parts in which one error is told. A mark of what is sick is none: there may be several for one error.
enum XfsPart : uint32_t {
  kXfsEventPart = 1,      // xfs_buf_ioerror, xfs_force_shutdown
  kXfsVerdictPart = 2,    // "Metadata ... detected at", "Internal error", the line of a shutdown
  kXfsBtreePart = 4,      // xfs_btree_corrupt
  kXfsReaderPart = 8,     // "metadata I/O error in", of who wanted the block
  kXfsRecordPart = 16,    // "... record corruption in", "Corrupt ... pointer"
  kXfsRecoveryPart = 32,  // "log mount/recovery failed", "Failed to read root inode"
};

}  // namespace fsherald
