// SPDX-License-Identifier: MIT
// A notification as one line of JSON; docs/json.md says what each key means. Written by hand because it is on the hot
// path: about a microsecond.
#pragma once

#include <string>

#include "record/notification.h"

namespace fsherald {

// Appends one object and a newline. Every key is always there (but `gap` and `health`, which a gap and a change of
// health alone have); what is not known is
// null. Names, paths and messages are raw bytes: what is valid UTF-8 is kept, control characters are escaped, and each
// other byte becomes U+FFFD (base/text.h).
void AppendJson(const Notification& notification, const Host& host, std::string& out);

// Parts of it, for other objects: the object `filesystem`, and a time (the quotes included).
void AppendJsonFilesystem(const FilesystemInfo& filesystem, std::string& out);
void AppendJsonTime(int64_t utc_ns, std::string& out);

}  // namespace fsherald
