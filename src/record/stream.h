// SPDX-License-Identifier: MIT
// A notification as bytes, and back: include/fsherald/record.h is the layout, docs/record_format.md explains it.
#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "record/notification.h"

namespace fsherald {

// Appends one notification: a multiple of 8 bytes, at most FSHERALD_MAX_NOTIFICATION_BYTES. What does not fit is left
// out (FSHERALD_CUT), in this order: frames of the stack from the outermost on, mount points from the last on, the
// cgroup, the end of the message, fields of the specific record from the last on, its blob, the path. Never the generic
// record, the location, the device's error and the change of health; their names and that of the task are cut to what no
// kernel exceeds (stream.cc). A fifth of a microsecond.
void AppendStream(const Notification& notification, const Host& host, std::string& out);

struct StreamNotification {
  Notification notification;
  Host host;
  bool cut = false;  // FSHERALD_CUT: more was known
  size_t bytes = 0;  // of the stream, that it took
};

// The first notification of `bytes`, which are hostile. Unknown records and unknown values are skipped; empty: not
// whole, or contradicts the layout.
std::optional<StreamNotification> ParseStream(Bytes bytes);

}  // namespace fsherald
