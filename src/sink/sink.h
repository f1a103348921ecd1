// SPDX-License-Identifier: MIT
// Sink: what a group's owner does with notifications. A gap is a notification (kind gap), so no sink can forget loss.
#pragma once

#include <memory>

#include "base/result.h"
#include "record/notification.h"
#include "record/text.h"

namespace fsherald {

// One thread.
class Sink {
 public:
  virtual ~Sink() = default;
  // Takes one notification. May keep it until Flush, or write (and so block) when it keeps much.
  virtual void Add(const Notification& notification) = 0;
  // Writes all that was added. Blocks where the reader is slow. Errors: as write(2) gives them, EPIPE included (the
  // caller ignores SIGPIPE). They are final: part of a line may have been written, so nothing follows it; what is added
  // later is dropped, and each Flush returns the same error.
  virtual Status Flush() = 0;
};

// Both write to `fd`, blocking or not; it must outlive the sink. What was added after the last Flush is dropped with
// the sink.
// sink. `stop_fd`: see WriteBuffer.
std::unique_ptr<Sink> MakeJsonSink(int fd, Host host, int stop_fd = -1);
std::unique_ptr<Sink> MakeTerminalSink(int fd, Host host, TextOptions options, int stop_fd = -1);

}  // namespace fsherald
