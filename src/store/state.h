// SPDX-License-Identifier: MIT
// The one row of the table `state`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "store/sqlite.h"

namespace fsherald {

struct State {
  uint64_t identity = 0;
  uint64_t last_seq = 0;
  std::string cursors;
  uint64_t rows = 0;  // of the table
  uint64_t merged_to = 0;
  uint64_t merged_notifications = 0;
  uint64_t removed_notifications = 0;
  uint64_t removed_errors = 0;
  int64_t removed_until_utc_ns = 0;
  friend bool operator==(const State&, const State&) = default;
};

inline constexpr std::string_view kSelectState =
    "SELECT id, identity, last_seq, cursors, rows, merged_to, merged_notifications, removed_notifications, "
    "removed_errors, "
    "removed_until_utc_ns, checksum FROM state WHERE id=1";
inline constexpr std::string_view kReplaceState = "INSERT OR REPLACE INTO state VALUES(?,?,?,?,?,?,?,?,?,?,?)";

int64_t StateChecksum(const State& state);
void BindState(const State& state, Statement& replace);
// Empty: it is not there, or damaged.
Result<std::optional<State>> LoadState(Database& database);

}  // namespace fsherald
