// SPDX-License-Identifier: MIT
// Write-back that failed, of whichever file system: data that a program believes written, and that is lost.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "filesystem/filesystem.h"

namespace fsherald {

std::span<const std::string_view> PageCachePrefixes();

// "loop0: writeback error on inode 131, offset 0, sector 192" (fs/iomap/buffered-io.c), without level and time.
std::optional<ErrorReport> ParsePageCacheLine(std::string_view line);

// The tracepoint filemap_set_wb_err: once for each page, or each request, of a file. Empty: it is no file's.
std::optional<ErrorReport> ParseWritebackEvent(const TraceEvent& event);

// Whether a function only carries a failed write-back on to the file: it is no location.
bool IsPageCacheHelper(std::string_view function);

// The topic of a file's lost write-back (ErrorReport::topic).
std::string WritebackTopic(uint64_t inode);

}  // namespace fsherald
