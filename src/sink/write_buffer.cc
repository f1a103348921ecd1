// SPDX-License-Identifier: MIT
#include "sink/write_buffer.h"

#include <poll.h>
#include <unistd.h>

#include <string_view>

namespace fsherald {
namespace {

// A reader that is gone wakes it as well: the next write says so.
Status WaitUntilWritable(int fd) {
  pollfd wait{.fd = fd, .events = POLLOUT, .revents = 0};
  while (::poll(&wait, 1, -1) < 0) {
    if (errno != EINTR) return ErrnoError("wait to write", "output");
  }
  return {};
}

Status WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    const int code = errno;
    if (written >= 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (code == EAGAIN) {
      if (Status status = WaitUntilWritable(fd); !status) return status;
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
  if (status_) status_ = WriteAll(fd_, text_);
  text_.clear();
  return status_;
}

}  // namespace fsherald
