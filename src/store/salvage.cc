// SPDX-License-Identifier: MIT
#include "store/salvage.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "store/page_file.h"
#include "store/removed.h"
#include "store/row_format.h"
#include "store/row_scan.h"
#include "store/writer.h"

namespace fsherald {
namespace {

constexpr uint64_t kRowsOfTransaction = 50'000;

// The new file is nobody's before it is whole: nothing has to be undone, and it is synced once, at the end.
constexpr char kFast[] = "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF";

// The tables by the number of their columns.
constexpr size_t kWordColumns = 3;
constexpr size_t kRemovedColumns = 7;
constexpr size_t kRowColumns = 9;
constexpr size_t kStateColumns = 11;

int64_t IntAt(const SqliteRow& row, size_t column) {
  const auto* value = std::get_if<int64_t>(&row.columns[column]);
  return value != nullptr ? *value : 0;
}
std::string BlobAt(const SqliteRow& row, size_t column) {
  const auto* value = std::get_if<std::string>(&row.columns[column]);
  return value != nullptr ? *value : std::string();
}

Row NotificationOf(const SqliteRow& from) {
  Row row;
  row.seq = static_cast<uint64_t>(from.rowid);
  row.utc_ns = IntAt(from, 1);
  row.kind = IntAt(from, 2);
  row.filesystem = static_cast<uint64_t>(IntAt(from, 3));
  row.location = static_cast<uint64_t>(IntAt(from, 4));
  if (std::holds_alternative<int64_t>(from.columns[5])) row.code = IntAt(from, 5);
  row.errors = static_cast<uint64_t>(IntAt(from, 6));
  row.rows = static_cast<uint64_t>(IntAt(from, 7));
  row.detail = BlobAt(from, 8);
  return row;
}

// But for the last column, the checksum.
RemovedRecord RemovedOf(const SqliteRow& from) {
  return {
      .last_seq = static_cast<uint64_t>(from.rowid),
      .first_seq = static_cast<uint64_t>(IntAt(from, 1)),
      .burst = static_cast<uint64_t>(IntAt(from, 2)),
      .sum = {.notifications = static_cast<uint64_t>(IntAt(from, 3)), .errors = static_cast<uint64_t>(IntAt(from, 4))},
      .counts = BlobAt(from, 5)};
}

std::optional<State> StateOf(const SqliteRow& from) {
  State state;
  state.identity = static_cast<uint64_t>(IntAt(from, 1));
  state.last_seq = static_cast<uint64_t>(IntAt(from, 2));
  state.cursors = BlobAt(from, 3);
  state.rows = static_cast<uint64_t>(IntAt(from, 4));
  state.merged_to = static_cast<uint64_t>(IntAt(from, 5));
  state.merged_notifications = static_cast<uint64_t>(IntAt(from, 6));
  state.removed_notifications = static_cast<uint64_t>(IntAt(from, 7));
  state.removed_errors = static_cast<uint64_t>(IntAt(from, 8));
  state.removed_until_utc_ns = IntAt(from, 9);
  if (StateChecksum(state) != IntAt(from, 10)) return std::nullopt;
  return state;
}

// Of the packed part of a notification: the most of what it takes.
uint64_t DetailBytes(const SqliteRow& row) {
  const auto* detail = row.columns.size() == kRowColumns ? std::get_if<std::string>(&row.columns.back()) : nullptr;
  return detail != nullptr ? std::min(detail->size(), kPageBytes) : 0;
}

// Else the salvage would fill the disk before it fails, at each try: others write there too.
Status CheckRoom(const std::string& into, uint64_t bytes) {
  struct statvfs filesystem {};
  const std::string directory = into.substr(0, into.rfind('/') + 1);
  // Some file systems do not tell.
  if (::statvfs(directory.c_str(), &filesystem) != 0 || filesystem.f_blocks == 0) return {};
  const uint64_t free_bytes = uint64_t{filesystem.f_bfree} * filesystem.f_frsize;
  if (free_bytes >= bytes) return {};
  return HistoryError("make", into, ENOSPC,
                      "it needs more than " + std::to_string(bytes >> 10) + " KiB, and " +
                          std::to_string(free_bytes >> 10) + " KiB are free");
}

struct Word {
  int64_t kind = 0;
  std::string sealed;
};

// What the pages say of the whole file.
class Findings {
 public:
  void Look(const SqliteRow& row) {
    if (row.columns.size() == kStateColumns) LookAtState(row);
    if (row.columns.size() != kWordColumns) return;
    const auto id = static_cast<uint64_t>(row.rowid);
    words_.insert({id, IntAt(row, 1), BlobAt(row, 2)});
    if (id == kIdentityId && !identity_) LookAtIdentity(row);
  }

  std::optional<uint64_t> identity() const {
    if (identity_) return identity_;
    return state_ ? std::optional(state_->identity) : std::nullopt;
  }
  // The latest of this identity.
  const std::optional<State>& state() const { return state_; }
  // Those that are whole.
  std::map<uint64_t, Word> Words() const {
    std::map<uint64_t, Word> whole;
    for (const auto& [id, kind, sealed] : words_)
      if (UnsealWord(*identity(), id, kind, sealed)) whole.emplace(id, Word{kind, sealed});
    return whole;
  }

 private:
  void LookAtState(const SqliteRow& row) {
    auto state = StateOf(row);
    if (!state || (identity_ && state->identity != *identity_)) return;
    if (!state_ || state->last_seq >= state_->last_seq) state_ = std::move(state);
  }
  void LookAtIdentity(const SqliteRow& row) {
    const std::string sealed = BlobAt(row, 2);
    const auto value = UnsealWord(0, kIdentityId, IntAt(row, 1), sealed);
    uint64_t identity = 0;
    if (IntAt(row, 1) != static_cast<int64_t>(WordKind::kIdentity) || !value || value->size() != sizeof identity)
      return;
    std::memcpy(&identity, value->data(), sizeof identity);
    identity_ = identity;
    if (state_ && state_->identity != identity) state_.reset();
  }

  std::optional<uint64_t> identity_;
  std::optional<State> state_;
  std::set<std::tuple<uint64_t, int64_t, std::string>> words_;  // id, kind, sealed: copies may differ in any of them
};

// The order in which images of pages are looked at: what comes first counts.
class DamagedFile {
 public:
  static Result<DamagedFile> Open(const std::string& path) {
    auto pages = PageFile::Open(path);
    if (!pages) return pages.error();
    return DamagedFile(std::move(*pages));
  }

  Findings Look() {
    Findings in_file;
    ForEachRowOfFile(false, [&](const SqliteRow& row) {
      in_file.Look(row);
      row_bytes_ += DetailBytes(row);
    });
    Findings findings = in_file;
    Findings in_wal;
    ForEachRowOfWal([&](const SqliteRow& row) {
      findings.Look(row);
      in_wal.Look(row);
    });
    ForEachDoubtfulRow([&](const SqliteRow& row) { findings.Look(row); });
    // A WAL of another file, or of this one long ago, does not stand for the file's pages.
    const auto& before = in_file.state();
    const auto& after = in_wal.state();
    const auto identity = findings.identity();
    const bool is_ours = after && identity && after->identity == *identity;
    wal_is_newer_ = is_ours && (!before || after->last_seq >= before->last_seq);
    return findings;
  }

  // After Look. What the new file takes at the very least, never more than this one has.
  uint64_t row_bytes() const { return std::min(row_bytes_, uint64_t{pages_.page_count()} * kPageBytes); }
  // Likewise. As of one moment, as far as its pages are whole.
  void ForEachCurrentRow(const std::function<void(const SqliteRow&)>& each) const {
    if (wal_is_newer_) ForEachRowOfWal(each);
    ForEachRowOfFile(wal_is_newer_, each);
  }
  // Likewise. What else there are images of.
  void ForEachOtherRow(const std::function<void(const SqliteRow&)>& each) const {
    if (!wal_is_newer_) ForEachRowOfWal(each);
    ForEachDoubtfulRow(each);
  }

 private:
  explicit DamagedFile(PageFile pages) : pages_(std::move(pages)) {}

  bool ReadLatest(uint32_t page, std::string& bytes) const {
    const auto in_wal = pages_.committed().find(page);
    return in_wal != pages_.committed().end() ? pages_.ReadWal(in_wal->second, bytes) : pages_.ReadFile(page, bytes);
  }
  void ForEachRowOfFile(bool without_those_of_wal, const std::function<void(const SqliteRow&)>& each) const {
    std::string bytes;
    const auto overflow = [&](uint32_t page, std::string& of_it) {
      return without_those_of_wal ? ReadLatest(page, of_it) : pages_.ReadFile(page, of_it);
    };
    for (uint32_t page = 1; page <= pages_.page_count(); ++page) {
      if (without_those_of_wal && pages_.committed().contains(page)) continue;
      if (pages_.ReadFile(page, bytes)) fsherald::ForEachRow(bytes, page, overflow, each);
    }
  }
  void ForEachRowOfWal(const std::function<void(const SqliteRow&)>& each) const {
    std::string bytes;
    for (const auto& [page, offset] : pages_.committed())
      if (pages_.ReadWal(offset, bytes)) ForEachRowOfImage(bytes, page, each);
  }
  void ForEachDoubtfulRow(const std::function<void(const SqliteRow&)>& each) const {
    std::string bytes;
    // The latest first. Which pages they are of is not known for certain; the first has a header that others have not.
    for (auto offset = pages_.doubtful().rbegin(); offset != pages_.doubtful().rend(); ++offset)
      if (pages_.ReadWal(*offset, bytes)) ForEachRowOfImage(bytes, 2, each);
  }
  void ForEachRowOfImage(const std::string& bytes, uint32_t page,
                         const std::function<void(const SqliteRow&)>& each) const {
    fsherald::ForEachRow(
        bytes, page, [&](uint32_t other, std::string& of_it) { return ReadLatest(other, of_it); }, each);
  }

  PageFile pages_;
  bool wal_is_newer_ = false;
  uint64_t row_bytes_ = 0;
};

Status InsertWords(Database& database, const std::map<uint64_t, Word>& words) {
  for (const char* table : {"dictionary", "dictionary_spare"}) {
    auto insert = database.Prepare(std::string("INSERT OR IGNORE INTO ") + table + " VALUES(?,?,?)");
    if (!insert) return insert.error();
    for (const auto& [id, word] : words)
      if (auto run = insert->Bind(id).Bind(word.kind).BindBlob(word.sealed).Run(); !run) return run;
  }
  return {};
}

// In whatever order they come; the same row may come often. The first failure is the last thing that it does.
class NewRows {
 public:
  NewRows(Database& database, uint64_t identity, Statement insert)
      : database_(database), identity_(identity), insert_(std::move(insert)) {}

  void Insert(const SqliteRow& from) {
    if (!status_ || from.columns.size() != kRowColumns) return;
    const Row row = NotificationOf(from);
    if (row.seq == 0 || from.rowid < 0 || !IsWhole(row, identity_)) return;
    BindRow(row, insert_);
    status_ = insert_.Run();
    if (!status_ || ++in_transaction_ % kRowsOfTransaction != 0) return;
    status_ = database_.Run("COMMIT; BEGIN");
  }
  Status& status() { return status_; }

 private:
  Database& database_;
  uint64_t identity_;
  Statement insert_;
  Status status_;
  uint64_t in_transaction_ = 0;
};

// Rows, and what is known of those that are gone. That is taken as of one moment alone: in an older image there can be the very
// records that were summed up since, and rows that have gone since.
Status InsertRows(Database& database, const DamagedFile& file, uint64_t identity) {
  auto insert = database.Prepare(kInsertRowIfNew);
  if (!insert) return insert.error();
  auto removed = RemovedSalvage::Open(database, identity);
  if (!removed) return removed.error();
  NewRows rows(database, identity, std::move(*insert));
  file.ForEachCurrentRow([&](const SqliteRow& from) {
    rows.Insert(from);
    if (rows.status() && from.columns.size() == kRemovedColumns)
      rows.status() = removed->Add(RemovedOf(from), IntAt(from, 6));
  });
  file.ForEachOtherRow([&](const SqliteRow& from) {
    if (!removed->HasGone(static_cast<uint64_t>(from.rowid))) rows.Insert(from);
  });
  return rows.status() ? removed->Finish() : rows.status();
}

Status DeleteRows(Database& database, const std::vector<uint64_t>& seqs) {
  auto remove = database.Prepare("DELETE FROM notification WHERE seq=?");
  if (!remove) return remove.error();
  for (const uint64_t seq : seqs)
    if (auto run = remove->Bind(seq).Run(); !run) return run;
  return {};
}

// Chunks, tallies and the state, from the rows that are there. Rows whose words are lost go.
Status Index(Writer& writer, Salvaged& salvaged) {
  const uint64_t identity = writer.state().identity;
  auto words = StoredWords::Open(writer.database(), identity);
  if (!words) return words.error();
  auto scan = RowScan::Open(writer.database());
  if (!scan) return scan.error();
  std::vector<uint64_t> without_words;
  Status status;
  const auto read = scan->Read({1, static_cast<uint64_t>(INT64_MAX)}, false, [&](const Row& row) {
    const auto entry = UnpackRow(row, identity, *words);
    if (!entry) {
      without_words.push_back(row.seq);
      return true;
    }
    if (salvaged.rows++ == 0) status = writer.dictionary().BeginGeneration(row.seq, kIdentityId + 1);
    if (status) status = writer.Index(*entry, row);
    // What has been counted is not kept in memory for ever.
    if (status && salvaged.rows % kRowsOfTransaction == 0) status = writer.tallies().Flush();
    return status.has_value();
  });
  if (!read) return read.error();
  if (!status) return status;
  writer.state().rows = salvaged.rows;
  return DeleteRows(writer.database(), without_words);
}

Status SyncFile(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return HistoryError("sync", path, errno);
  return {};
}

}  // namespace

Result<Salvaged> Salvage(const std::string& damaged, const std::string& into, const std::string& vfs) {
  auto file = DamagedFile::Open(damaged);
  if (!file) return file.error();
  const Findings findings = file->Look();
  if (auto room = CheckRoom(into, file->row_bytes()); !room) return room.error();
  Salvaged salvaged;
  {
    Writer::Options options{.vfs = vfs, .settings = kFast};
    options.first_state = findings.state().value_or(State());
    options.first_state.identity = findings.identity().value_or(0);
    auto writer = Writer::Open(into, options);
    if (!writer) return writer.error();
    Writer& to = **writer;
    if (findings.identity()) {
      if (auto begun = to.Begin(); !begun) return begun.error();
      if (auto inserted = InsertWords(to.database(), findings.Words()); !inserted) return inserted.error();
      if (auto inserted = InsertRows(to.database(), *file, *findings.identity()); !inserted) return inserted.error();
      if (auto indexed = Index(to, salvaged); !indexed) return indexed.error();
      if (auto committed = to.Commit(); !committed) return committed.error();
    }
  }
  if (findings.state() && findings.state()->rows > salvaged.rows)
    salvaged.lost = findings.state()->rows - salvaged.rows;
  if (auto synced = SyncFile(into); !synced) return synced.error();
  return salvaged;
}

}  // namespace fsherald
