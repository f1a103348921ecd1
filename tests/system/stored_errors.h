// SPDX-License-Identifier: MIT
// What a daemon's history has, once the daemon has ended: how many errors of each file system.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "record/notification.h"

namespace fsherald::system_test {

// All of the history in that directory, in the order told.
std::vector<Notification> StoredNotifications(const std::string& directory);

// Errors by the uuid of their file system ("": it is not known). Gaps and changes of health are none.
std::map<std::string, uint64_t> ErrorsByUuid(const std::vector<Notification>& notifications);

// Those that the trace has not seen, a line each: where it runs, what is told twice is among them.
std::string WithoutTrace(const std::vector<Notification>& notifications);

// The gaps, a line each; empty: nothing was lost. Those of the kernel's log are none here: it has the words of errors that others
// tell, and is the whole machine's.
std::string Losses(const std::vector<Notification>& notifications);

}  // namespace fsherald::system_test
