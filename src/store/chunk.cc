// SPDX-License-Identifier: MIT
#include "store/chunk.h"

#include <algorithm>

#include "store/pack.h"

namespace fsherald {
namespace {

constexpr size_t kMostIds = 64;

}  // namespace

void IdSet::Add(uint64_t id) {
  if (too_many_) return;
  const auto at = std::lower_bound(ids_.begin(), ids_.end(), id);
  if (at != ids_.end() && *at == id) return;
  ids_.insert(at, id);
  too_many_ = ids_.size() > kMostIds;
  if (too_many_) ids_.clear();
}

std::string IdSet::Pack() const {
  std::string packed;
  Packer to(packed);
  uint64_t before = 0;
  for (const uint64_t id : ids_) {
    to.Number(id - before);
    before = id;
  }
  return packed;
}

IdSet IdSet::Unpack(std::string_view packed) {
  IdSet set;
  Unpacker from(packed);
  uint64_t id = 0;
  while (!from.AtEnd()) set.ids_.push_back(id += from.Number());
  set.too_many_ = packed.empty() || !from.ok();
  return set;
}

Chunk ChunkOf(const Statement& select) {
  return {.first_seq = select.Uint(0),
          .last_seq = select.Uint(1),
          .rows = select.Uint(2),
          .min_utc_ns = select.Int(3),
          .max_utc_ns = select.Int(4),
          .kinds = select.Uint(5),
          .filesystems = IdSet::Unpack(select.Blob(6)),
          .locations = IdSet::Unpack(select.Blob(7))};
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
  last_.kinds |= KindBit(row.kind);
  last_.filesystems.Add(row.filesystem);
  last_.locations.Add(row.location);
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
  return replace_.Bind(chunk.kinds).BindBlob(chunk.filesystems.Pack()).BindBlob(chunk.locations.Pack()).Run();
}

}  // namespace fsherald
