// SPDX-License-Identifier: MIT
#include "store/retention.h"

#include <algorithm>
#include <utility>

#include "store/removed.h"
#include "store/tally.h"

namespace fsherald {
namespace {

constexpr int64_t kChunksOfStep = 8;
constexpr size_t kMostBursts = 1024;
constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kSecondsOfDay = 24 * 3600;
constexpr int64_t kLeapS = 30 * kSecondsOfDay;
constexpr int64_t kTrustedClockS = 7 * kSecondsOfDay;  // a wrong one is set right before

bool IsError(int64_t kind) {
  return kind != static_cast<int64_t>(Kind::kGap) && kind != static_cast<int64_t>(Kind::kHealth);
}

int64_t SaturatingNs(int64_t seconds) {
  int64_t ns = 0;
  if (!__builtin_mul_overflow(seconds, kSecondNs, &ns)) return ns;
  return seconds < 0 ? INT64_MIN : INT64_MAX;
}

}  // namespace

struct Retention::Work {
  std::vector<Chunk> chunks;
  Statement remove;
  Statement replace;
  // Of the chunk that a row is in: it may be one of an earlier step.
  Statement count_less;
  Statement widen;      // a burst's row reaches further than its chunk
  uint64_t merged = 0;  // rows that are in others now
};

Result<bool> Retention::Step(int64_t now_utc_s, int64_t clock_age_s) {
  if (clock_age_s < kTrustedClockS) {
    auto may_be_jump = MayBeJump(now_utc_s);
    if (!may_be_jump) return may_be_jump;
    if (*may_be_jump) return Shrink();
  }
  for (const auto& step : {&Retention::RemoveOld, &Retention::RemoveOldCounts}) {
    auto done = (this->*step)(now_utc_s);
    if (!done || *done) return done;
  }
  return Shrink();
}

int64_t Retention::Cutoff(int64_t now_utc_s) const {
  return SaturatingNs(now_utc_s - static_cast<int64_t>(std::min<uint64_t>(max_age_s_, INT32_MAX)));
}

// Whether between what is too old and what is not (or now) there is such a leap as a clock makes that is wrong, or was. A machine
// that was without errors for so long looks the same: then what is old goes later.
Result<bool> Retention::MayBeJump(int64_t now_utc_s) {
  auto select = writer_.database().Prepare(
      "WITH young AS (SELECT first_seq, min_utc_ns, max_utc_ns FROM chunk WHERE max_utc_ns >= ?1 ORDER BY first_seq "
      "LIMIT 1) "
      "SELECT max(max_utc_ns), (SELECT min_utc_ns FROM young), (SELECT max_utc_ns FROM young) FROM chunk "
      "WHERE first_seq < coalesce((SELECT first_seq FROM young), 9223372036854775807)");
  if (!select) return select.error();
  const auto row = select->Bind(Cutoff(now_utc_s)).Step();
  if (!row) return row.error();
  if (!*row || select->IsNull(0)) return false;  // nothing is too old
  const int64_t latest_old = select->Int(0) / kSecondNs;
  if (select->IsNull(1)) return now_utc_s - latest_old > kLeapS;
  const int64_t first_young = select->Int(1) / kSecondNs;
  return first_young - latest_old > kLeapS || select->Int(2) / kSecondNs - first_young > kLeapS;
}

Result<bool> Retention::RemoveOld(int64_t now_utc_s) {
  const int64_t cutoff = Cutoff(now_utc_s);
  auto chunks = ChunksFrom(0, kChunksOfStep);
  if (!chunks) return chunks.error();
  const auto young =
      std::find_if(chunks->begin(), chunks->end(), [&](const Chunk& c) { return c.max_utc_ns >= cutoff; });
  chunks->erase(young, chunks->end());
  if (chunks->empty()) return false;
  if (auto removed = Remove(*chunks); !removed) return removed.error();
  return true;
}

// Hours by whole days: History relies on it.
Result<bool> Retention::RemoveOldCounts(int64_t now_utc_s) {
  const int64_t today = now_utc_s / kSecondsOfDay;
  const int64_t first_day = today - static_cast<int64_t>(std::min<uint64_t>(max_age_s_, INT32_MAX)) / kSecondsOfDay;
  for (int dimension = 1; dimension <= static_cast<int>(Dimension::kKernel); ++dimension) {
    auto removed = RemoveFirstCounts(dimension, static_cast<int>(TallyUnit::kHour), (today - kDaysOfHours) * 24);
    if (!removed || *removed) return removed;
    removed = RemoveFirstCounts(dimension, static_cast<int>(TallyUnit::kDay), first_day);
    if (!removed || *removed) return removed;
  }
  return false;
}

// Begins before the file is too large, so that it never is; ends a while later.
Result<bool> Retention::Shrink() {
  const auto used = UsedBytes();
  if (!used) return used.error();
  if (*used > max_bytes_ / 20 * 19) shrinking_ = true;
  if (*used <= max_bytes_ / 10 * 9) shrinking_ = false;
  if (!shrinking_) return false;
  auto merged = Merge();
  if (!merged || *merged) return merged;
  return RemoveOldest();
}

Result<bool> Retention::RemoveOldest() {
  auto chunks = ChunksFrom(0, kChunksOfStep + 1);
  if (!chunks) return chunks.error();
  if (chunks->size() > 1) {
    chunks->pop_back();  // the last that there is stays
    if (auto removed = Remove(*chunks); !removed) return removed.error();
    return true;
  }
  // No rows that could go: then it is the counts that take the room.
  for (int dimension = 1; dimension <= static_cast<int>(Dimension::kKernel); ++dimension) {
    for (const TallyUnit unit : {TallyUnit::kHour, TallyUnit::kDay}) {
      auto removed = RemoveFirstCounts(dimension, static_cast<int>(unit), INT64_MAX);
      if (!removed || *removed) return removed;
    }
  }
  return false;
}

Result<uint64_t> Retention::UsedBytes() {
  const auto pages = writer_.database().Number("PRAGMA page_count");
  if (!pages) return pages.error();
  const auto free = writer_.database().Number("PRAGMA freelist_count");
  if (!free) return free.error();
  const auto page_bytes = writer_.database().Number("PRAGMA page_size");
  if (!page_bytes) return page_bytes.error();
  return static_cast<uint64_t>((*pages - *free) * *page_bytes);
}

Result<std::vector<Chunk>> Retention::ChunksFrom(uint64_t seq, int64_t most) {
  auto select =
      writer_.database().Prepare(std::string(kSelectChunk) + "WHERE first_seq >= ? ORDER BY first_seq LIMIT ?");
  if (!select) return select.error();
  select->Bind(seq).Bind(most);
  std::vector<Chunk> chunks;
  while (true) {
    const auto row = select->Step();
    if (!row) return row.error();
    if (!*row) return chunks;
    chunks.push_back(ChunkOf(*select));
  }
}

Status Retention::Remove(const std::vector<Chunk>& chunks) {
  if (auto begun = writer_.Begin(); !begun) return begun;
  for (const Chunk& chunk : chunks)
    if (auto removed = RemoveRows(chunk); !removed) return removed;
  if (auto removed = RemoveWords(); !removed) return removed;
  return writer_.Commit();
}

Status Retention::RemoveRows(const Chunk& chunk) {
  State& state = writer_.state();
  auto select = writer_.database().Prepare(
      "SELECT seq, kind, errors, rows FROM notification WHERE seq BETWEEN ? AND ? ORDER BY seq");
  if (!select) return select.error();
  select->Bind(chunk.first_seq).Bind(chunk.last_seq);
  RemovedChunk counted;
  while (true) {
    const auto row = select->Step();
    if (!row) return row.error();
    if (!*row) break;
    const uint64_t errors = IsError(select->Int(1)) ? select->Uint(2) : 0;
    state.removed_notifications += select->Uint(3);
    state.removed_errors = SaturatingSum(state.removed_errors, errors);
    counted.Add(select->Uint(0), select->Uint(3), errors);
    state.rows -= std::min<uint64_t>(state.rows, 1);
  }
  if (auto written = counted.Write(writer_.database(), state.identity, 0, RemovedNumbersKept(max_bytes_)); !written)
    return written;
  state.removed_until_utc_ns = std::max(state.removed_until_utc_ns, chunk.max_utc_ns);
  state.merged_to = std::max(state.merged_to, chunk.last_seq);
  for (const char* sql :
       {"DELETE FROM notification WHERE seq BETWEEN ? AND ?", "DELETE FROM chunk WHERE first_seq BETWEEN ? AND ?"}) {
    auto remove = writer_.database().Prepare(sql);
    if (!remove) return remove.error();
    if (auto run = remove->Bind(chunk.first_seq).Bind(chunk.last_seq).Run(); !run) return run;
  }
  writer_.chunks().Forget(chunk.first_seq);
  bursts_.clear();  // their rows may be among these
  return {};
}

// Those of generations that no row is left of. The last word stays, so that no number is given twice.
Status Retention::RemoveWords() {
  auto generation = writer_.database().Prepare(
      "SELECT first_seq, first_id FROM generation WHERE first_seq <= (SELECT min(seq) FROM notification) "
      "ORDER BY first_seq DESC LIMIT 1");
  if (!generation) return generation.error();
  const auto row = generation->Step();
  if (!row) return row.error();
  if (!*row) return {};
  const uint64_t first_seq = generation->Uint(0);
  const uint64_t first_id = generation->Uint(1);
  generation->Reset();
  for (const char* table : {"dictionary", "dictionary_spare"}) {
    auto remove = writer_.database().Prepare(std::string("DELETE FROM ") + table +
                                             " WHERE id > ? AND id < ? AND id < (SELECT max(id) FROM " + table + ")");
    if (!remove) return remove.error();
    if (auto run = remove->Bind(kIdentityId).Bind(first_id).Run(); !run) return run;
  }
  auto remove = writer_.database().Prepare("DELETE FROM generation WHERE first_seq < ?");
  if (!remove) return remove.error();
  return remove->Bind(first_seq).Run();
}

// Of the first hour or day of a dimension, where it is before this one.
Result<bool> Retention::RemoveFirstCounts(int dimension, int unit, int64_t before) {
  auto select =
      writer_.database().Prepare("SELECT at FROM tally WHERE dimension=? AND unit=? AND at < ? ORDER BY at LIMIT 1");
  if (!select) return select.error();
  const auto found = select->Bind(dimension).Bind(unit).Bind(before).Step();
  if (!found) return found.error();
  if (!*found) return false;
  const int64_t at = select->Int(0);
  select->Reset();
  if (auto begun = writer_.Begin(); !begun) return begun.error();
  auto remove = writer_.database().Prepare("DELETE FROM tally WHERE dimension=? AND unit=? AND at=?");
  if (!remove) return remove.error();
  if (auto run = remove->Bind(dimension).Bind(unit).Bind(at).Run(); !run) return run.error();
  writer_.tallies().Forget();
  if (auto committed = writer_.Commit(); !committed) return committed.error();
  return true;
}

// False: all are merged that can be. The last chunk still grows, and is left alone.
Result<bool> Retention::Merge() {
  auto chunks = ChunksFrom(writer_.state().merged_to + 1, kChunksOfStep + 1);
  if (!chunks) return chunks.error();
  if (chunks->size() <= 1) return false;
  chunks->pop_back();
  auto work = PrepareWork(std::move(*chunks));
  if (!work) return work.error();
  auto select = writer_.database().Prepare(std::string(kSelectRow) + "WHERE seq BETWEEN ? AND ? ORDER BY seq");
  if (!select) return select.error();
  std::vector<Row> rows;
  select->Bind(work->chunks.front().first_seq).Bind(work->chunks.back().last_seq);
  while (true) {
    const auto row = select->Step();
    if (!row) return row.error();
    if (!*row) break;
    rows.push_back(RowOf(*select));
    if (!IsWhole(rows.back(), writer_.state().identity))
      return HistoryError("merge rows in", writer_.database().path(), EUCLEAN);
  }
  select->Reset();
  if (auto begun = writer_.Begin(); !begun) return begun.error();
  for (Row& row : rows)
    if (auto merged = MergeRow(std::move(row), *work); !merged) return merged.error();
  for (auto& [key, burst] : bursts_)
    if (auto written = WriteMerged(burst, *work); !written) return written.error();
  if (auto written = WriteChunks(*work); !written) return written.error();
  State& state = writer_.state();
  state.rows -= std::min(state.rows, work->merged);
  state.merged_notifications += work->merged;
  state.merged_to = work->chunks.back().last_seq;
  if (auto committed = writer_.Commit(); !committed) return committed.error();
  if (bursts_.size() > kMostBursts) bursts_.clear();
  return true;
}

Result<Retention::Work> Retention::PrepareWork(std::vector<Chunk> chunks) {
  Work work;
  work.chunks = std::move(chunks);
  constexpr std::string_view kOfItsChunk = "WHERE first_seq=(SELECT max(first_seq) FROM chunk WHERE first_seq <= ?)";
  for (const auto& [statement, sql] :
       {std::pair(&work.remove, std::string("DELETE FROM notification WHERE seq=?")),
        std::pair(&work.replace, std::string(kReplaceRow)),
        std::pair(&work.count_less, std::string("UPDATE chunk SET rows=rows-1 ").append(kOfItsChunk)),
        std::pair(&work.widen,
                  std::string("UPDATE chunk SET max_utc_ns=max(max_utc_ns, ?), min_utc_ns=min(min_utc_ns, ?) ")
                      .append(kOfItsChunk))}) {
    auto prepared = writer_.database().Prepare(sql);
    if (!prepared) return prepared.error();
    *statement = std::move(*prepared);
  }
  return work;
}

Status Retention::MergeRow(Row row, Work& work) {
  if (!IsError(row.kind) || row.rows != 1) return {};
  Burst& burst = bursts_[{row.filesystem, row.location, row.code, row.kind, FlagsOf(row)}];
  const uint64_t pause = row.utc_ns > burst.last_utc_ns
                             ? static_cast<uint64_t>(row.utc_ns) - static_cast<uint64_t>(burst.last_utc_ns)
                             : static_cast<uint64_t>(burst.last_utc_ns) - static_cast<uint64_t>(row.utc_ns);
  if (burst.notifications > 0 && pause > static_cast<uint64_t>(kBurstPauseNs)) {
    if (auto written = WriteMerged(burst, work); !written) return written;
    burst = {};
  }
  burst.last_utc_ns = row.utc_ns;
  if (++burst.notifications <= kWholeRowsOfBurst) return {};
  if (burst.last)
    if (auto merged = MergeLast(burst, work); !merged) return merged;
  burst.last = std::move(row);
  return {};
}

// What was the last one until now is in the middle.
Status Retention::MergeLast(Burst& burst, Work& work) {
  const Row last = std::move(*burst.last);
  burst.last.reset();
  if (!burst.merged) {
    burst.merged = last;
    return {};
  }
  burst.merged->errors = SaturatingSum(burst.merged->errors, last.errors);
  ++burst.merged->rows;
  burst.folded.Add(last.seq, 1, last.errors);
  burst.merged_last_seq = last.seq;
  burst.merged_last_utc_ns = last.utc_ns;
  burst.changed = true;
  ++work.merged;
  if (auto removed = work.remove.Bind(last.seq).Run(); !removed) return removed;
  for (Chunk& chunk : work.chunks) {
    if (last.seq < chunk.first_seq || last.seq > chunk.last_seq) continue;
    --chunk.rows;
    return {};
  }
  return work.count_less.Bind(last.seq).Run();
}

Status Retention::WriteMerged(Burst& burst, Work& work) {
  if (!burst.changed) return {};
  burst.changed = false;
  RemovedChunk folded = std::exchange(burst.folded, {});
  if (auto written =
          folded.Write(writer_.database(), writer_.state().identity, burst.merged->seq, RemovedNumbersKept(max_bytes_));
      !written)
    return written;
  BindRow(MergedRow(*burst.merged, burst.merged_last_seq, burst.merged_last_utc_ns, writer_.state().identity),
          work.replace);
  if (auto run = work.replace.Run(); !run) return run;
  return work.widen.Bind(burst.merged_last_utc_ns).Bind(burst.merged_last_utc_ns).Bind(burst.merged->seq).Run();
}

Status Retention::WriteChunks(Work& work) {
  auto update = writer_.database().Prepare("UPDATE chunk SET rows=? WHERE first_seq=?");
  if (!update) return update.error();
  for (const Chunk& chunk : work.chunks)
    if (auto run = update->Bind(chunk.rows).Bind(chunk.first_seq).Run(); !run) return run;
  return {};
}

}  // namespace fsherald
