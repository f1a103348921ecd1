// SPDX-License-Identifier: MIT
#include "store/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

#include "store/chunk.h"
#include "store/dictionary.h"
#include "store/migration.h"
#include "store/row_format.h"
#include "store/state.h"
#include "store/tally.h"

namespace fsherald {
namespace {

using std::chrono::steady_clock;

constexpr auto kMostTime = std::chrono::seconds(2);
constexpr size_t kMostProbes = 2000;           // a 2 GB file has some 1,500 pages that lead to others: each is met
constexpr int64_t kMostPagesOfCheck = 16'384;  // 64 MiB
constexpr int64_t kMostWords = 20'000;
constexpr int64_t kMostCounts = 2100;

// What is wrong, a sentence; empty: nothing.
using Fault = std::optional<std::string>;

class Check {
 public:
  explicit Check(Database& database) : database_(database) {}

  Result<Fault> Run() {
    using Step = Result<Fault> (Check::*)();
    for (const Step step :
         {&Check::State, &Check::Words, &Check::LastRow, &Check::SpreadRows, &Check::Counts, &Check::Structure}) {
      auto fault = (this->*step)();
      if (!fault || *fault) return fault;
    }
    return Fault();
  }

 private:
  Result<Fault> State() {
    auto state = LoadState(database_);
    if (!state) return state.error();
    if (!*state) return Fault("its state is missing or damaged");
    state_ = std::move(**state);
    return Fault();
  }

  // Of the generation that the next row will use, in both copies.
  Result<Fault> Words() {
    const auto first = database_.Number("SELECT first_id FROM generation ORDER BY first_seq DESC LIMIT 1");
    if (!first) return first.error();
    for (const char* table : {"dictionary", "dictionary_spare"}) {
      auto select = database_.Prepare(
          fmt::format("SELECT id, kind, value FROM {} WHERE id={} OR id>=? ORDER BY id LIMIT ?", table, kIdentityId));
      if (!select) return select.error();
      select->Bind(*first).Bind(kMostWords);
      bool has_identity = false;
      while (true) {
        const auto row = select->Step();
        if (!row) return row.error();
        if (!*row) break;
        const uint64_t id = select->Uint(0);
        const bool is_identity = id == kIdentityId;
        const auto value = UnsealWord(is_identity ? 0 : state_.identity, id, select->Int(1), select->Blob(2));
        if (!value) return Fault(fmt::format("entry {} of its {} is damaged", id, table));
        has_identity = has_identity || (is_identity && *value == IdentityBytes());
      }
      if (!has_identity) return Fault(fmt::format("its {} is that of another file", table));
    }
    return Fault();
  }

  Result<Fault> LastRow() {
    const auto last = database_.Number("SELECT max(seq) FROM notification");
    if (!last) return last.error();
    if (static_cast<uint64_t>(*last) > state_.last_seq)
      return Fault(fmt::format("it has rows up to {}, and its state knows of none above {}", *last, state_.last_seq));
    auto select = database_.Prepare(std::string(kSelectChunk) + "ORDER BY first_seq");
    if (!select) return select.error();
    while (true) {
      const auto row = select->Step();
      if (!row) return row.error();
      if (!*row) break;
      chunks_.push_back(ChunkOf(*select));
    }
    const uint64_t in_chunks = chunks_.empty() ? 0 : chunks_.back().last_seq;
    if (in_chunks != static_cast<uint64_t>(*last))
      return Fault(fmt::format("its rows end at {}, its chunks at {}", *last, in_chunks));
    return Fault();
  }

  // Every n-th chunk, from the last on: whether all its rows can be reached, and one of them is whole.
  Result<Fault> SpreadRows() {
    auto count = database_.Prepare("SELECT count(*) FROM notification WHERE seq BETWEEN ? AND ?");
    if (!count) return count.error();
    auto select = database_.Prepare(std::string(kSelectRow) + "WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT 1");
    if (!select) return select.error();
    const auto deadline = steady_clock::now() + kMostTime;
    const size_t step = std::max<size_t>(1, chunks_.size() / kMostProbes);
    for (size_t left = chunks_.size(); left > 0 && steady_clock::now() < deadline; left -= std::min(left, step)) {
      const Chunk& chunk = chunks_[left - 1];
      if (chunk.rows == 0) continue;  // merged into others
      const auto counted = count->Bind(chunk.first_seq).Bind(chunk.last_seq).Step();
      if (!counted) return counted.error();
      if (count->Uint(0) != chunk.rows)
        return Fault(fmt::format("of {} rows from {} to {} it has {}", chunk.rows, chunk.first_seq, chunk.last_seq,
                                 count->Uint(0)));
      count->Reset();
      const auto found = select->Bind(chunk.first_seq).Bind(chunk.last_seq).Step();
      if (!found) return found.error();
      if (!*found) return Fault(fmt::format("rows {} to {} are missing", chunk.first_seq, chunk.last_seq));
      const Row row = RowOf(*select);
      select->Reset();
      if (!IsWhole(row, state_.identity)) return Fault(fmt::format("row {} is damaged", row.seq));
    }
    return Fault();
  }

  // The latest of each kind: those that the next row adds to.
  Result<Fault> Counts() {
    auto select = database_.Prepare("SELECT key FROM tally WHERE dimension=? AND unit=? ORDER BY at DESC LIMIT ?");
    if (!select) return select.error();
    for (int dimension = 1; dimension <= static_cast<int>(Dimension::kKernel); ++dimension) {
      for (int unit = 1; unit <= static_cast<int>(TallyUnit::kEver); ++unit) {
        select->Bind(dimension).Bind(unit).Bind(kMostCounts);
        while (true) {
          const auto row = select->Step();
          if (!row) return row.error();
          if (!*row) break;
          if (!UnpackTallyKey(static_cast<Dimension>(dimension), select->Blob(0)))
            return Fault("its counts are damaged");
        }
        select->Reset();
      }
    }
    return Fault();
  }

  // SQLite's own check, which misses nothing of the structure, where it does not take long: it cannot be told to end.
  Result<Fault> Structure() {
    const auto pages = database_.Number("PRAGMA page_count");
    if (!pages) return pages.error();
    if (*pages > kMostPagesOfCheck) return Fault();
    auto select = database_.Prepare("PRAGMA quick_check(1)");
    if (!select) return select.error();
    const auto row = select->Step();
    if (!row) return row.error();
    if (select->Blob(0) == "ok") return Fault();
    return Fault(std::string(select->Blob(0)));
  }

  std::string_view IdentityBytes() const {
    return {reinterpret_cast<const char*>(&state_.identity), sizeof state_.identity};
  }

  Database& database_;
  fsherald::State state_;
  std::vector<Chunk> chunks_;
};

// What is in the file, and not in what is around it. EINVAL: a table is missing, or another.
bool IsInTheFile(const Error& error) { return error.code == EUCLEAN || error.code == EINVAL; }

// A WAL that is not this file's, or is of long ago, SQLite would take for what has been written last. What the file alone
// says, as far as it can be read, shows it.
Fault FaultOfWal(Database& database, const std::string& vfs) {
  auto alone = Database::Open(database.path(), Database::Access::kReadFileAlone, vfs);
  if (!alone) return std::nullopt;
  const auto file_identity = ReadIdentity(*alone);
  const auto identity = ReadIdentity(database);
  if (!file_identity || !identity) return std::nullopt;
  if (*file_identity != *identity) return "its WAL is that of another history";
  const auto file_state = LoadState(*alone);
  const auto state = LoadState(database);
  if (file_state && *file_state && state && *state && (*file_state)->last_seq > (*state)->last_seq)
    return "its WAL is older than itself";
  return std::nullopt;
}

Result<Verdict> CheckOpened(Database& database, const std::string& vfs) {
  const auto version = database.Number("PRAGMA user_version");
  if (!version) return version.error();
  if (*version > kHistoryVersion)
    return Verdict{
        Verdict::Fitness::kNewer,
        fmt::format("{} is of a newer fsherald (version {} of the history, this one knows {}): use that one, or "
                    "move the file away",
                    database.path(), *version, kHistoryVersion)};
  if (*version <= 0) {
    const auto tables = database.Number("SELECT count(*) FROM sqlite_schema");
    if (!tables) return tables.error();
    if (*tables == 0 && *version == 0) return Verdict();  // was to be made when the machine went down
    return Verdict{Verdict::Fitness::kDamaged, "it is no history of fsherald"};
  }
  // Older ones are checked when they have become current.
  if (*version < kHistoryVersion) return Verdict();
  const auto words = database.Number("SELECT (SELECT count(*) FROM state) + (SELECT count(*) FROM dictionary)");
  if (!words) return words.error();
  if (*words == 0) return Verdict();  // likewise
  if (auto of_wal = FaultOfWal(database, vfs)) return Verdict{Verdict::Fitness::kDamaged, std::move(*of_wal)};
  auto fault = Check(database).Run();
  if (!fault) return fault.error();
  if (*fault) return Verdict{Verdict::Fitness::kDamaged, std::move(**fault)};
  return Verdict();
}

}  // namespace

Result<Verdict> CheckHistory(const std::string& path, const std::string& vfs) {
  auto database = Database::Open(path, Database::Access::kRead, vfs);
  auto verdict = database ? CheckOpened(*database, vfs) : Result<Verdict>(database.error());
  if (verdict || !IsInTheFile(verdict.error())) return verdict;
  return Verdict{Verdict::Fitness::kDamaged, verdict.error().what};
}

}  // namespace fsherald
