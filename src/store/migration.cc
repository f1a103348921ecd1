// SPDX-License-Identifier: MIT
#include "store/migration.h"

#include <fmt/format.h>

#include <string>

namespace fsherald {
namespace {

// Version 1 is the first that was released. The texts of tables are those of schema.sql.
constexpr Migration kSteps[] = {{2, R"sql(CREATE TABLE removed(
  last_seq INTEGER PRIMARY KEY,
  first_seq INTEGER NOT NULL,
  burst INTEGER NOT NULL,
  notifications INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  counts BLOB NOT NULL,
  checksum INTEGER NOT NULL
))sql"},
                                {3, "CREATE INDEX health_change ON notification(kind) WHERE kind=9"}};

Status Migrate(Database& database, int64_t from, int64_t version, const char* schema,
               std::span<const Migration> steps) {
  if (from == 0)
    if (auto made = database.Run(schema); !made) return made;
  for (const Migration& step : steps)
    if (from != 0 && step.version > from)
      if (auto made = database.Run(step.sql); !made) return made;
  return database.Run(fmt::format("PRAGMA user_version={}", version).c_str());
}

}  // namespace

Status MakeCurrent(Database& database) { return MakeCurrent(database, kHistoryVersion, kSchema, kSteps); }

Status MakeCurrent(Database& database, int64_t version, const char* schema, std::span<const Migration> steps) {
  const auto from = database.Number("PRAGMA user_version");
  if (!from) return from.error();
  if (*from == version) return {};
  if (auto begun = database.Run("BEGIN IMMEDIATE"); !begun) return begun;
  if (auto migrated = Migrate(database, *from, version, schema, steps); !migrated) {
    // SQLite may have rolled back by itself.
    if (database.InTransaction()) (void)database.Run("ROLLBACK");
    return migrated;
  }
  return database.Run("COMMIT");
}

}  // namespace fsherald
