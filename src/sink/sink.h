// SPDX-License-Identifier: MIT
// Sink: what a group's owner does with notifications. A gap is a notification (kind gap), so no sink can forget loss.
#pragma once

#include <memory>

#include "base/result.h"
#include "record/notification.h"
#include "record/text.h"

namespace fsherald {

class Sink {
 public:
  virtual ~Sink() = default;
  // Takes one notification. May keep it until Flush.
  virtual void Add(const Notification& notification) = 0;
  // Writes all that was added. Blocks where the reader is slow. Errors: as write(2) gives them, EPIPE included.
  virtual Status Flush() = 0;
};

// Writes to `fd`, which must outlive the sink.
std::unique_ptr<Sink> MakeJsonSink(int fd, Host host);
std::unique_ptr<Sink> MakeTerminalSink(int fd, Host host, TextOptions options);

}  // namespace fsherald
