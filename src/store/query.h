// SPDX-License-Identifier: MIT
// A query of the rows: which chunks of the file it must read, and which rows match.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/result.h"
#include "store/chunk.h"
#include "store/history.h"
#include "store/row_format.h"
#include "store/row_scan.h"

namespace fsherald {

// The rows from `first` to `last` that no chunk rules out: those of chunks that may match, and what is in no chunk. Chunks
// come in the order of seq.
class RangesToRead {
 public:
  explicit RangesToRead(SeqRange all) : next_(all.first), last_(all.last) {}

  // `may_match` is asked where its answer counts.
  template <typename MayMatch>
  void Add(SeqRange chunk, const MayMatch& may_match) {
    if (is_over_ || chunk.last < next_ || chunk.last < chunk.first || chunk.first > last_) return;
    if (chunk.first > next_) ranges_.push_back({next_, chunk.first - 1});
    if (may_match()) ranges_.push_back({std::max(next_, chunk.first), std::min(last_, chunk.last)});
    is_over_ = chunk.last >= last_;
    next_ = chunk.last + 1;
  }
  std::vector<SeqRange> Take() {
    if (!is_over_ && next_ <= last_) ranges_.push_back({next_, last_});
    return std::move(ranges_);
  }

 private:
  std::vector<SeqRange> ranges_;
  uint64_t next_;
  uint64_t last_;
  bool is_over_ = false;
};

// What of a query the columns of a row can tell.
class RowFilter {
 public:
  // Looks through the dictionary for what the query names.
  static Result<RowFilter> For(const History::Query& query, Database& database, uint64_t identity);

  // `select`: at a row of kSelectChunk.
  bool MayMatchChunk(const Statement& select) const;
  // A condition on the columns of a row that all that match fulfil, as SQL begins with AND; empty: there is none.
  std::string Condition() const;
  // The index that the condition is of, as SQL; empty: none.
  std::string Index() const;
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
