// SPDX-License-Identifier: MIT
// The version of a history file (PRAGMA user_version), and the way from each released one to the latest.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "store/sqlite.h"

namespace fsherald {

extern const char kSchema[];  // schema.sql

inline constexpr int64_t kHistoryVersion = 3;

// From the version before `version` to it. What SQL cannot say would be a function beside it.
struct Migration {
  int64_t version;
  const char* sql;
};

// Of a file without a version: the latest schema. Of an older one: the steps, all in one transaction. The version must not
// be above `version`. The arguments are for tests of what is to come.
Status MakeCurrent(Database& database);
Status MakeCurrent(Database& database, int64_t version, const char* schema, std::span<const Migration> steps);

}  // namespace fsherald
