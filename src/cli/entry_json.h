// SPDX-License-Identifier: MIT
// A row of the history as one line of JSON: the object of `watch --json` (record/json.h). Pure.
#pragma once

#include <string>

#include "store/entry.h"

namespace fsherald {

// Where a row stands for several notifications, the object has `merged` besides: how many, and the last of them.
void AppendEntryJson(const Entry& entry, std::string& out);

}  // namespace fsherald
