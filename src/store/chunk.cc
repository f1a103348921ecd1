// SPDX-License-Identifier: MIT
#include "store/chunk.h"

#include <algorithm>

namespace fsherald {

Chunk ChunkOf(const Statement& select) {
  return {.first_seq = select.Uint(0),
          .last_seq = select.Uint(1),
          .rows = select.Uint(2),
          .min_utc_ns = select.Int(3),
          .max_utc_ns = select.Int(4),
          .kinds = select.Uint(5),
          .filesystems = select.Uint(6),
          .locations = select.Uint(7)};
}

Result<Chunks> Chunks::Open(Database& database) {
  Chunks chunks;
  auto replace = database.Prepare("INSERT OR REPLACE INTO chunk VALUES(?,?,?,?,?,?,?,?)");
  if (!replace) return replace.error();
  chunks.replace_ = std::move(*replace);
  auto last = database.Prepare(std::string(kSelectChunk) + "ORDER BY first_seq DESC LIMIT 1");
  if (!last) return last.error();
  const auto row = last->Step();
  if (!row) return row.error();
  if (*row) chunks.last_ = ChunkOf(*last);
  return chunks;
}

Status Chunks::Add(const Row& row, int64_t last_utc_ns) {
  if (last_.rows == 0 || last_.rows >= kRowsOfChunk) {
    if (auto flushed = Flush(); !flushed) return flushed;
    last_ = {.first_seq = row.seq, .min_utc_ns = row.utc_ns, .max_utc_ns = last_utc_ns};
  }
  last_.last_seq = row.seq;
  ++last_.rows;
  last_.min_utc_ns = std::min({last_.min_utc_ns, row.utc_ns, last_utc_ns});
  last_.max_utc_ns = std::max({last_.max_utc_ns, row.utc_ns, last_utc_ns});
  last_.kinds |= MaskBit(static_cast<uint64_t>(row.kind));
  last_.filesystems |= MaskBit(row.filesystem);
  last_.locations |= MaskBit(row.location);
  changed_ = true;
  return {};
}

Status Chunks::Flush() {
  if (!changed_) return {};
  changed_ = false;
  return Write(last_);
}

void Chunks::Forget(uint64_t first_seq) {
  if (last_.first_seq != first_seq) return;
  last_ = {};
  changed_ = false;
}

Status Chunks::Write(const Chunk& chunk) {
  replace_.Bind(chunk.first_seq).Bind(chunk.last_seq).Bind(chunk.rows).Bind(chunk.min_utc_ns).Bind(chunk.max_utc_ns);
  return replace_.Bind(chunk.kinds).Bind(chunk.filesystems).Bind(chunk.locations).Run();
}

}  // namespace fsherald
