// SPDX-License-Identifier: MIT
// btrfs's log lines. What they look like, in Linux 6.1 to 6.18 (fs/btrfs/messages.c, bio.c, disk-io.c, volumes.c, scrub.c):
//
//   BTRFS LEVEL (device D[ state LETTERS]): TEXT       LEVEL: critical, error, warning, info
//   BTRFS: error (device D[ state LETTERS]) in FUNCTION:LINE: errno=-E WORDS
//
// D is the file system's s_id, also where it has several devices. The level says little: a bad checksum is a warning, a
// repaired block an info. One error is told in several lines; which belong together the topic says (ErrorReport::topic):
//
//   - data: csum failed, bdev errs (corrupt), read error corrected: "root R, ino I off O"
//   - tree blocks: checksum verify failed, parent transid, bad tree block start, corrupt leaf, read time, of each mirror, and
//     read error corrected ("ino 0 off L"): "logical L"
//   - failed requests: bdev errs (wr, rd, flush), lost super block write: "write_errs of /dev/loop0"
//   - an aborted transaction, and all that follows from it: "abort"
//   - a mount that is refused: "mount", or the error before it
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "filesystem/filesystem.h"

namespace fsherald {

std::span<const std::string_view> BtrfsLogPrefixes();

// A line without level and time. Empty: nothing to tell.
std::optional<ErrorReport> ParseBtrfsLine(std::string_view line);

}  // namespace fsherald
