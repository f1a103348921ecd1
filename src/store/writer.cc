// SPDX-License-Identifier: MIT
#include "store/writer.h"

#include <sys/random.h>

#include "store/migration.h"
#include "store/row_format.h"

namespace fsherald {
namespace {

constexpr int kCheckpointPages = 2048;  // 8 MiB

// secure_delete: what is gone must not come back when a damaged file is salvaged.
constexpr char kSettings[] = "PRAGMA page_size=4096; PRAGMA secure_delete=ON; PRAGMA cache_size=-8192";

}  // namespace

const char Writer::kDurable[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA journal_size_limit=16777216";

Result<std::unique_ptr<Writer>> Writer::Open(const std::string& path, const Options& options) {
  auto database = Database::Open(path, Database::Access::kCreate, options.vfs);
  if (!database) return database.error();
  std::unique_ptr<Writer> writer(new Writer(std::move(*database)));
  if (auto set = writer->database_.Run(kSettings); !set) return set.error();
  if (auto set = writer->database_.Run(options.settings); !set) return set.error();
  if (auto current = MakeCurrent(writer->database_); !current) return current.error();
  if (auto loaded = writer->Load(options.first_state); !loaded) return loaded.error();
  return writer;
}

Status Writer::Load(const State& first_state) {
  const auto rows = database_.Number("SELECT count(*) FROM state");
  if (!rows) return rows.error();
  if (*rows == 0)
    if (auto made = MakeState(first_state); !made) return made;
  auto state = LoadState(database_);
  if (!state) return state.error();
  if (!*state) return HistoryError("read the state in", database_.path(), EUCLEAN);
  state_ = std::move(**state);
  return PrepareStatements();
}

// In one transaction: a file has its identity in three places, or none.
Status Writer::MakeState(State state) {
  while (state.identity == 0)
    if (::getrandom(&state.identity, sizeof state.identity, 0) < 0) return ErrnoError("getrandom", "");
  const std::string_view bytes(reinterpret_cast<const char*>(&state.identity), sizeof state.identity);
  const std::string sealed = SealWord(0, kIdentityId, WordKind::kIdentity, bytes);
  if (auto begun = database_.Run("BEGIN IMMEDIATE"); !begun) return begun;
  auto replace = database_.Prepare(kReplaceState);
  if (!replace) return replace.error();
  BindState(state, *replace);
  if (auto run = replace->Run(); !run) return run;
  for (const char* table : {"dictionary", "dictionary_spare"}) {
    auto insert = database_.Prepare(std::string("INSERT INTO ") + table + " VALUES(?,?,?)");
    if (!insert) return insert.error();
    insert->Bind(kIdentityId).Bind(static_cast<int>(WordKind::kIdentity)).BindBlob(sealed);
    if (auto run = insert->Run(); !run) return run;
  }
  return database_.Run("COMMIT");
}

Status Writer::PrepareStatements() {
  auto dictionary = Dictionary::Open(database_, state_.identity);
  if (!dictionary) return dictionary.error();
  dictionary_.emplace(std::move(*dictionary));
  auto chunks = Chunks::Open(database_);
  if (!chunks) return chunks.error();
  chunks_.emplace(std::move(*chunks));
  auto tallies = Tallies::Open(database_);
  if (!tallies) return tallies.error();
  tallies_.emplace(std::move(*tallies));
  for (const auto& [statement, sql] :
       {std::pair(&insert_row_, kInsertRow), std::pair(&replace_state_, kReplaceState),
        std::pair(&begin_, std::string_view("BEGIN IMMEDIATE")), std::pair(&commit_, std::string_view("COMMIT"))}) {
    auto prepared = database_.Prepare(sql);
    if (!prepared) return prepared.error();
    *statement = std::move(*prepared);
  }
  return {};
}

Status Writer::Begin() { return begin_.Run(); }

Status Writer::Add(const EntryView& entry) {
  if (auto begun = dictionary_->BeginRow(entry.notification.seq); !begun) return begun;
  const Row row = PackRow(entry, state_.identity, *dictionary_);
  if (auto failure = dictionary_->TakeFailure(); !failure) return failure;
  BindRow(row, insert_row_);
  if (auto run = insert_row_.Run(); !run) return run;
  ++state_.rows;
  return Index(entry, row);
}

Status Writer::Index(const EntryView& entry, const Row& row) {
  if (auto added = chunks_->Add(row, entry.last_utc_ns); !added) return added;
  state_.last_seq = entry.last_seq > state_.last_seq ? entry.last_seq : state_.last_seq;
  tallies_->Add(entry);
  return {};
}

Status Writer::Commit() {
  if (auto flushed = chunks_->Flush(); !flushed) return flushed;
  if (auto flushed = tallies_->Flush(); !flushed) return flushed;
  BindState(state_, replace_state_);
  if (auto run = replace_state_.Run(); !run) return run;
  return commit_.Run();
}

Status Writer::CheckpointIfGrown() {
  if (database_.WalPages() < kCheckpointPages) return {};
  return database_.Checkpoint();
}

}  // namespace fsherald
