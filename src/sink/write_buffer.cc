// SPDX-License-Identifier: MIT
#include "sink/write_buffer.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <string_view>

namespace fsherald {
namespace {

// A reader that is gone wakes it as well: the next write says so.
Status WaitUntilWritable(int fd, int stop_fd) {
  std::array<pollfd, 2> wait{pollfd{.fd = fd, .events = POLLOUT, .revents = 0},
                             pollfd{.fd = stop_fd, .events = POLLIN, .revents = 0}};
  while (::poll(wait.data(), wait.size(), -1) < 0) {
    if (errno != EINTR) return ErrnoError("wait to write", "output");
  }
  if (wait[0].revents == 0) return ErrnoError("write", "output", ECANCELED);
  return {};
}

// A blocking write can be stopped only before it: so it writes no more than what a pipe that is ready takes at once.
Status WriteAll(int fd, int stop_fd, std::string_view text) {
  while (!text.empty()) {
    size_t size = text.size();
    if (stop_fd >= 0) {
      size = std::min<size_t>(size, PIPE_BUF);
      if (Status status = WaitUntilWritable(fd, stop_fd); !status) return status;
    }
    const ssize_t written = ::write(fd, text.data(), size);
    const int code = errno;
    if (written >= 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (code == EAGAIN) {
      if (Status status = WaitUntilWritable(fd, stop_fd); !status) return status;
    } else if (code != EINTR) {
      return ErrnoError("write", "output", code);
    }
  }
  return {};
}

}  // namespace

void WriteBuffer::End() {
  if (!status_) text_.clear();
  if (text_.size() > kMaxKeptBytes) static_cast<void>(Flush());  // status_ keeps the error
}

Status WriteBuffer::Flush() {
  if (status_) status_ = WriteAll(fd_, stop_fd_, text_);
  text_.clear();
  return status_;
}

}  // namespace fsherald
