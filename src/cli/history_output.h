// SPDX-License-Identifier: MIT
// HistoryOutput: rows of the history on their way to a descriptor, in the form that was asked for.
#pragma once

#include <vector>

#include "base/result.h"
#include "cli/history.h"
#include "cli/history_table.h"
#include "sink/write_buffer.h"

namespace fsherald {

// One thread. Writes to `fd`, which must outlive it; `stop_fd`: see WriteBuffer.
class HistoryOutput {
 public:
  HistoryOutput(int fd, int stop_fd, HistoryOptions::Form form, bool color);

  // Takes a row. The first of a table are kept until Flush, because they tell how wide the columns are.
  void Add(const Entry& entry);
  // Writes all. Errors are final, as of WriteBuffer.
  Status Flush();

  uint64_t rows() const { return rows_; }

 private:
  void Append(const Entry& entry);
  void BeginTable();

  const HistoryOptions::Form form_;
  const bool color_;
  HistoryTable table_;
  std::vector<Entry> measured_;
  bool begun_ = false;
  uint64_t rows_ = 0;
  WriteBuffer buffer_;
};

}  // namespace fsherald
