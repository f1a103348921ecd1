// SPDX-License-Identifier: MIT
// Chunks: what each some hundred rows, in the order of seq, have between them. A query passes over those that cannot hold
// what it looks for, and retention takes whole ones. Clocks step: times of neighbouring chunks may overlap.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/pack.h"
#include "store/row_format.h"
#include "store/sqlite.h"

namespace fsherald {

// Ids that occur, as long as they are few.
class IdSet {
 public:
  void Add(uint64_t id);
  // Empty: too many to say.
  std::string Pack() const;
  static IdSet Unpack(std::string_view packed);
  friend bool operator==(const IdSet&, const IdSet&) = default;

 private:
  std::vector<uint64_t> ids_;  // in order
  bool too_many_ = false;
};

// The same of a packed set, without unpacking it.
template <typename Wanted>
bool MayHaveOneOf(std::string_view packed_ids, const Wanted& wanted) {
  Unpacker from(packed_ids);
  uint64_t id = 0;
  while (!from.AtEnd()) {
    id += from.Number();
    if (!from.ok() || wanted.contains(id)) return true;
  }
  return packed_ids.empty();
}

struct Chunk {
  uint64_t first_seq = 0;
  uint64_t last_seq = 0;
  uint64_t rows = 0;  // of the table: merged ones are one
  int64_t min_utc_ns = 0;
  int64_t max_utc_ns = 0;
  uint64_t kinds = 0;
  IdSet filesystems;
  IdSet locations;
  friend bool operator==(const Chunk&, const Chunk&) = default;
};

inline constexpr uint64_t kRowsOfChunk = 512;
inline constexpr std::string_view kSelectChunk =
    "SELECT first_seq, last_seq, rows, min_utc_ns, max_utc_ns, kinds, filesystems, locations FROM chunk ";
Chunk ChunkOf(const Statement& select);
inline uint64_t KindBit(int64_t kind) { return uint64_t{1} << (static_cast<uint64_t>(kind) & 63); }

// The writer's: the last chunk, as it grows.
class Chunks {
 public:
  static Result<Chunks> Open(Database& database);
  // Rows come in the order of seq. `last_utc_ns`: of a merged row, the end of its burst.
  Status Add(const Row& row, int64_t last_utc_ns);
  Status Flush();  // into the transaction that is open
  // It is not in the file any more.
  void Forget(uint64_t first_seq);

 private:
  Status Write(const Chunk& chunk);

  Statement replace_;
  Chunk last_;
  bool changed_ = false;
};

}  // namespace fsherald
