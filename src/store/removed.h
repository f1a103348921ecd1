// SPDX-License-Identifier: MIT
// The table `removed`: what retention has taken or merged into others, number by number, so that whoever has been told up to a number can be told how
// many errors above it are gone. It holds the last two million numbers that went, fewer where the history must be small; of those before the sum is one row.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "base/result.h"
#include "store/history.h"
#include "store/sqlite.h"

namespace fsherald {

// How many numbers it holds one by one, of a history that may have so many bytes: it takes a fifth of them at the very most, where
// hostile counts differ from row to row.
inline uint64_t RemovedNumbersKept(uint64_t max_bytes) { return std::min(uint64_t{1} << 21, max_bytes / 64); }

// Of one chunk, or of one burst, as its rows go. Rows come in the order of seq.
class RemovedChunk {
 public:
  // `errors`: 0 of what is none.
  void Add(uint64_t seq, uint64_t rows, uint64_t errors);
  // Into the transaction that is open. `burst`: seq of the row that stands for them; 0: they are gone. What went more than `kept`
  // numbers ago becomes a sum.
  Status Write(Database& database, uint64_t identity, uint64_t burst, uint64_t kept);

 private:
  // Rows that are alike, each `step` above the one before.
  struct Run {
    uint64_t step = 0;
    uint64_t rows = 0;
    uint64_t errors = 0;
    uint64_t length = 0;
  };
  void EndRun();

  uint64_t first_seq_ = 0;
  uint64_t last_seq_ = 0;
  History::Removed sum_;
  Run run_;             // the last one
  std::string packed_;  // those before it
};

// A row of the table, but for its checksum.
struct RemovedRecord {
  uint64_t last_seq = 0;
  uint64_t first_seq = 0;
  uint64_t burst = 0;
  History::Removed sum;
  std::string counts;  // empty: the sum is all that is left
};

// Brings the rows of a damaged file into the table of a new one, in whatever order they come. The database must outlive it.
class RemovedSalvage {
 public:
  static Result<RemovedSalvage> Open(Database& database, uint64_t identity);

  // Into the transaction that is open, where it is whole. Of the same last_seq the first stands.
  Status Add(const RemovedRecord& record, int64_t checksum);
  // Whether the chunk that had this number is known to be gone: an older image of a page can still have its rows.
  bool HasGone(uint64_t seq) const;
  // Once all have been added: what the sum of what went long ago counts is not counted once more.
  Status Finish();

 private:
  RemovedSalvage(Database& database, uint64_t identity, Statement insert)
      : database_(&database), identity_(identity), insert_(std::move(insert)) {}

  Database* database_;
  uint64_t identity_;
  Statement insert_;
  std::map<uint64_t, uint64_t> chunks_;  // first_seq by last_seq
};

// All that is known to have gone of the numbers above `after`, up to `until`, or that is in rows up to `told_to`; as of one moment,
// whatever the writer does. What is damaged is not counted.
Result<History::Removed> RemovedBetween(Database& database, uint64_t identity, uint64_t after, uint64_t until,
                                        uint64_t told_to);

}  // namespace fsherald
