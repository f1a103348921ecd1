// SPDX-License-Identifier: MIT
// What the block layer and the buffer cache say of failed requests. They name a block device, not a file system: for "I/O error, dev
// sda" it is the whole disk, for "Buffer I/O error on dev sda1" the partition.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "filesystem/filesystem.h"

namespace fsherald {

// The beginnings of the lines that ParseBlockLayerLine understands.
std::span<const std::string_view> BlockLayerPrefixes();

// The tracepoint block_rq_error: one failed request. Its device is the whole disk, and so is its sector's count.
std::optional<ErrorReport> ParseBlockEvent(const TraceEvent& event);

// Empty: no line of the block layer, or nothing to tell.
std::optional<ErrorReport> ParseBlockLayerLine(std::string_view line);

// The kernel's own name of a block device by its node: "sda1" of "/dev/sda1". Empty: the node's name is another one
// ("/dev/mapper/data").
std::string KernelName(std::string_view node);

// The errno of a block layer's status number (blk_status_t), as some log lines print it. Empty: not the same in every
// kernel, or none.
std::optional<int> ErrnoOfBlockStatus(uint64_t status);

}  // namespace fsherald
