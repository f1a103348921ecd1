// SPDX-License-Identifier: MIT
// A query of the rows: which chunks of the file it must read, and which rows match.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "store/chunk.h"
#include "store/history.h"
#include "store/row_format.h"
#include "store/row_scan.h"

namespace fsherald {

// The rows from `first` to `last` that no chunk rules out: those of chunks that may match, and what is in no chunk. Chunks
// come in the order of seq.
template <typename MayMatch>
std::vector<SeqRange> RangesToRead(const std::vector<Chunk>& chunks, SeqRange all, const MayMatch& may_match) {
  std::vector<SeqRange> ranges;
  uint64_t next = all.first;
  for (const Chunk& chunk : chunks) {
    if (chunk.last_seq < next || chunk.last_seq < chunk.first_seq) continue;
    if (chunk.first_seq > all.last) break;
    if (chunk.first_seq > next) ranges.push_back({next, chunk.first_seq - 1});
    if (may_match(chunk)) ranges.push_back({std::max(next, chunk.first_seq), std::min(all.last, chunk.last_seq)});
    if (chunk.last_seq >= all.last) return ranges;
    next = chunk.last_seq + 1;
  }
  if (next <= all.last) ranges.push_back({next, all.last});
  return ranges;
}

// What of a query the columns of a row can tell.
class RowFilter {
 public:
  // Looks through the dictionary for what the query names.
  static Result<RowFilter> For(const History::Query& query, Database& database, uint64_t identity);

  bool MayMatch(const Chunk& chunk) const;
  // `last_utc_ns`: a burst's row matches where its time overlaps.
  bool Matches(const Row& row) const;
  bool MatchesTime(int64_t first_utc_ns, int64_t last_utc_ns) const;

 private:
  RowFilter() = default;
  using Ids = std::unordered_set<uint64_t>;

  int64_t since_ = INT64_MIN;
  int64_t until_ = INT64_MAX;
  std::optional<int64_t> kind_;
  std::optional<Ids> filesystems_;
  std::optional<Ids> locations_;
};

}  // namespace fsherald
