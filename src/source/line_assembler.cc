// SPDX-License-Identifier: MIT
#include "source/line_assembler.h"

#include <algorithm>
#include <utility>

namespace fsherald {
namespace {

// As the BPF program decides which pieces to pass (unfinished in bpf/trace.bpf.c).
bool IsUnfinished(const std::string& text) {
  return text.ends_with(", ") || text.ends_with(": ") || text.ends_with(':');
}

}  // namespace

std::vector<TraceLineRecord> LineAssembler::Add(TraceLineRecord piece) {
  std::vector<TraceLineRecord> whole;
  uint32_t tid = piece.head.task.tid.value_or(0);
  auto open = open_.extract(tid);
  if (!open.empty() && piece.continues) {
    open.mapped().text += piece.text;
    piece = std::move(open.mapped());
  } else if (!open.empty()) {
    whole.push_back(std::move(open.mapped()));
  } else if (piece.continues) {
    return whole;  // its beginning was lost
  }
  if (IsUnfinished(piece.text)) open_.emplace(tid, std::move(piece));
  else whole.push_back(std::move(piece));
  return whole;
}

std::vector<TraceLineRecord> LineAssembler::Expire(uint64_t boottime_ns) {
  std::vector<TraceLineRecord> whole;
  for (auto it = open_.begin(); it != open_.end();) {
    if (it->second.head.boottime_ns >= boottime_ns) {
      ++it;
      continue;
    }
    whole.push_back(std::move(it->second));
    it = open_.erase(it);
  }
  std::ranges::sort(whole, {}, [](const TraceLineRecord& line) { return line.head.boottime_ns; });
  return whole;
}

}  // namespace fsherald
