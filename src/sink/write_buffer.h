// SPDX-License-Identifier: MIT
// WriteBuffer: text on its way to a file descriptor, written in as few calls as can be.
#pragma once

#include <string>

#include "base/result.h"

namespace fsherald {

// One thread. Writes to `fd`, which must outlive it; works alike on blocking and on non-blocking descriptors. Where
// `stop_fd` is given, a write that has to wait for a slow reader ends with ECANCELED once stop_fd is readable.
class WriteBuffer {
 public:
  // Beyond it End writes by itself.
  static constexpr size_t kMaxKeptBytes = size_t{1} << 20;

  explicit WriteBuffer(int fd, int stop_fd = -1) : fd_(fd), stop_fd_(stop_fd) {}

  // The end of the text so far, to append to; then comes End.
  std::string& text() { return text_; }
  // Keeps what was appended, or writes everything if that is more than kMaxKeptBytes; an error waits for Flush.
  void End();
  // Writes everything. An error is final: what was not written is dropped, and so is all that follows.
  Status Flush();

 private:
  const int fd_;
  const int stop_fd_;
  std::string text_;
  Status status_;
};

}  // namespace fsherald
