// SPDX-License-Identifier: MIT
// Puts together what the kernel prints in pieces (KERN_CONT): ext4's block-group errors come as
// "EXT4-fs error (device loop0): ext4_mb_generate_buddy:1217: group 3, ", "inode 12: ", "block 99:", "the words".
// printk's tracepoint fires for each piece, in one task, and says nothing of a line's end. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "source/trace_record.h"

namespace fsherald {

class LineAssembler {
 public:
  // Takes the next piece of any task; returns the lines that are now known to be whole (with the first piece's time and
  // stack), oldest first.
  std::vector<TraceLineRecord> Add(TraceLineRecord piece);

  // Gives up waiting for the rest of lines that began before `boottime_ns`.
  std::vector<TraceLineRecord> Expire(uint64_t boottime_ns);

  bool empty() const { return open_.empty(); }

 private:
  std::map<uint32_t, TraceLineRecord> open_;  // by tid
};

}  // namespace fsherald
