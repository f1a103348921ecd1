// SPDX-License-Identifier: MIT
// Retention: what is too old goes; and where the file is nearly too large, first the middles of bursts are merged, the oldest
// first, then the oldest rows go. A few chunks of rows a step.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/result.h"
#include "store/chunk.h"
#include "store/removed.h"
#include "store/row_format.h"
#include "store/writer.h"

namespace fsherald {

inline constexpr uint64_t kWholeRowsOfBurst = 100;
inline constexpr int64_t kBurstPauseNs = int64_t{60} * 1'000'000'000;  // a longer one ends a burst

class Retention {
 public:
  // `writer` must outlive it.
  Retention(Writer& writer, uint64_t max_bytes, uint64_t max_age_s)
      : writer_(writer), max_bytes_(max_bytes), max_age_s_(max_age_s) {}

  // A transaction of its own, where there is something to do. True: more is to be done.
  // `clock_age_s`: for how long the clock has gone on without a jump, as far as the caller knows.
  Result<bool> Step(int64_t now_utc_s, int64_t clock_age_s);

 private:
  // Errors that follow one another, alike in file system, location, errno, kind and who vouches for them.
  using BurstKey = std::tuple<uint64_t, uint64_t, std::optional<int64_t>, int64_t, uint64_t>;
  struct Burst {
    uint64_t notifications = 0;
    int64_t last_utc_ns = 0;
    std::optional<Row> merged;  // the first behind those that stay whole; its counts grow
    uint64_t merged_last_seq = 0;
    int64_t merged_last_utc_ns = 0;
    std::optional<Row> last;  // the latest, which stays whole as long as it is that
    RemovedChunk folded;      // what `merged` stands for since it was written last
    bool changed = false;     // `merged` is not yet in the file as it stands here
  };
  struct Work;  // of one merge

  int64_t Cutoff(int64_t now_utc_s) const;
  Result<bool> MayBeJump(int64_t now_utc_s);
  Result<bool> RemoveOld(int64_t now_utc_s);
  Result<bool> RemoveOldCounts(int64_t now_utc_s);
  Result<bool> Shrink();
  Result<bool> Merge();
  Result<bool> RemoveOldest();

  Result<uint64_t> UsedBytes();
  Result<std::vector<Chunk>> ChunksFrom(uint64_t seq, int64_t most);
  Status Remove(const std::vector<Chunk>& chunks);
  Status RemoveRows(const Chunk& chunk);
  Status RemoveWords();
  Result<bool> RemoveFirstCounts(int dimension, int unit, int64_t before);
  Result<Work> PrepareWork(std::vector<Chunk> chunks);
  Status MergeRow(Row row, Work& work);
  Status MergeLast(Burst& burst, Work& work);
  Status WriteMerged(Burst& burst, Work& work);
  Status WriteChunks(Work& work);

  Writer& writer_;
  uint64_t max_bytes_;
  uint64_t max_age_s_;
  bool shrinking_ = false;
  std::map<BurstKey, Burst> bursts_;  // that may go on
};

}  // namespace fsherald
