// SPDX-License-Identifier: MIT
// RowScan: rows of the table in order of seq, a batch at a time; between batches no snapshot is held, which would keep the
// WAL growing while somebody looks at what was read. Pages that cannot be read are gone around: the next readable row is
// looked for one by one, after some thousand by ever larger steps.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/row_format.h"
#include "store/sqlite.h"

namespace fsherald {

// Rows of the table from `first` to `last`, both inclusive.
struct SeqRange {
  uint64_t first = 0;
  uint64_t last = 0;
  friend bool operator==(const SeqRange&, const SeqRange&) = default;
};

class RowScan {
 public:
  // `condition`: SQL that begins with AND, or nothing; rows that do not fulfil it may be passed over. `index`: SQL that names the
  // index to find the others by, or nothing.
  static Result<RowScan> Open(Database& database, const std::string& condition = "", const std::string& index = "");

  // Calls `each` for the rows of the range; false: it has ended it.
  Result<bool> Read(SeqRange range, bool newest_first, const std::function<bool(const Row&)>& each);

  // How often something had to be gone around.
  uint64_t holes() const { return holes_ + (unconditional_ ? unconditional_->holes_ : 0); }

 private:
  RowScan() = default;
  // Positions count from the end of the range at which the reading begins.
  struct Batch {
    std::vector<Row> rows;
    uint64_t next = 0;  // the position behind them
    std::optional<Error> error;
  };
  static uint64_t SeqAt(SeqRange range, bool newest_first, uint64_t position);
  Batch ReadBatch(SeqRange range, bool newest_first, uint64_t position, size_t most);
  std::optional<uint64_t> NextReadable(SeqRange range, bool newest_first, uint64_t unreadable);

  static Result<RowScan> Prepare(Database& database, const std::string& condition, const std::string& index);

  Statement ascending_;
  Statement descending_;
  std::unique_ptr<RowScan> unconditional_;  // for what is damaged; null: this is it
  uint64_t holes_ = 0;
  std::optional<Error> damage_;
};

}  // namespace fsherald
