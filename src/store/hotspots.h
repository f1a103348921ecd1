// SPDX-License-Identifier: MIT
// What the tallies answer.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "store/history.h"
#include "store/sqlite.h"

namespace fsherald {

Result<History::Hotspots> ReadHotspots(Database& database, History::By by, std::optional<int64_t> since_utc_ns,
                                       std::optional<int64_t> until_utc_ns, size_t limit, size_t slices);
Result<std::vector<History::FilesystemSummary>> ReadFilesystems(Database& database);

}  // namespace fsherald
