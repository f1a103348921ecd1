// SPDX-License-Identifier: MIT
// Parts of what is saved for the next process, as bytes and back: what a file system is known by, and notifications.
#pragma once

#include <vector>

#include "base/byte_writer.h"
#include "record/notification.h"

namespace fsherald {

// Without mount points.
void AddIdentity(ByteWriter& out, const FilesystemInfo& info);
FilesystemInfo GetIdentity(CheckedReader& in);

void AddNotifications(ByteWriter& out, const std::vector<Notification>& notifications, const Host& host);
std::vector<Notification> GetNotifications(CheckedReader& in);

}  // namespace fsherald
