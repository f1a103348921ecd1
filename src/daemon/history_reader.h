// SPDX-License-Identifier: MIT
// HistoryReader: reads the history for replays on a thread of its own: a disk that is slow, frozen or gone delays those who asked
// for what lies on it, and nobody else.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "daemon/replay_line.h"

namespace fsherald {

// The rows that come next on a line of numbers, as bytes, with the gaps that belong between them.
struct HistoryPiece {
  std::string bytes;
  std::vector<uint32_t> ends;  // in `bytes`: of each row, whose gap is before it
  ReplayLine line{0};          // behind them
  bool is_last = false;        // what was stored when it was asked for is in it
};

// One thread; it has another.
class HistoryReader {
 public:
  // About so many bytes are a piece: what a replay costs while its subscriber does not read.
  static constexpr size_t kPieceBytes = 131072;

  // `directory`: of the store; `second`: of that which has its place while it does not work. Both may come and go.
  // Errors: no thread can be made.
  static Result<std::unique_ptr<HistoryReader>> Start(std::string directory, std::string second);
  // Waits a second at the most for a disk that does not answer.
  ~HistoryReader();

  // Asks for what follows on `line`; one piece for each. Never waits.
  void Ask(uint64_t who, const ReplayLine& line);

  // poll(2) says POLLIN when there are answers.
  int fd() const;
  struct Answer {
    uint64_t who = 0;
    HistoryPiece piece;
  };
  std::vector<Answer> Take();

 private:
  class Impl;
  explicit HistoryReader(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;  // its thread's too: one that hangs in the kernel may outlive us
};

}  // namespace fsherald
