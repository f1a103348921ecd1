// SPDX-License-Identifier: MIT
#include "store/state.h"

#include "store/checksum.h"

namespace fsherald {

int64_t StateChecksum(const State& state) {
  const uint64_t head[] = {state.identity,
                           state.last_seq,
                           state.rows,
                           state.merged_to,
                           state.merged_notifications,
                           state.removed_notifications,
                           state.removed_errors,
                           static_cast<uint64_t>(state.removed_until_utc_ns)};
  return Crc32c(state.cursors, Crc32c({reinterpret_cast<const char*>(head), sizeof head}));
}

void BindState(const State& state, Statement& replace) {
  replace.Bind(1).Bind(state.identity).Bind(state.last_seq).BindBlob(state.cursors).Bind(state.rows);
  replace.Bind(state.merged_to);
  replace.Bind(state.merged_notifications).Bind(state.removed_notifications).Bind(state.removed_errors);
  replace.Bind(state.removed_until_utc_ns).Bind(StateChecksum(state));
}

Result<std::optional<State>> LoadState(Database& database) {
  auto select = database.Prepare(kSelectState);
  if (!select) return select.error();
  const auto row = select->Step();
  if (!row) return row.error();
  if (!*row) return std::optional<State>();
  State state;
  state.identity = select->Uint(1);
  state.last_seq = select->Uint(2);
  state.cursors = select->Blob(3);
  state.rows = select->Uint(4);
  state.merged_to = select->Uint(5);
  state.merged_notifications = select->Uint(6);
  state.removed_notifications = select->Uint(7);
  state.removed_errors = select->Uint(8);
  state.removed_until_utc_ns = select->Int(9);
  if (StateChecksum(state) != select->Int(10)) return std::optional<State>();
  return std::optional<State>(std::move(state));
}

}  // namespace fsherald
