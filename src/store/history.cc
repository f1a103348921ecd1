// SPDX-License-Identifier: MIT
#include "store/history.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "store/chunk.h"
#include "store/dictionary.h"
#include "store/hotspots.h"
#include "store/migration.h"
#include "store/query.h"
#include "store/removed.h"
#include "store/row_format.h"
#include "store/row_scan.h"
#include "store/state.h"
#include "store/store.h"

namespace fsherald {
namespace {

// Where the chunks cannot be read no row is passed over; where there is an index it passes over more than they can.
std::vector<SeqRange> RangesFor(const RowFilter& filter, SeqRange all, Database& database) {
  if (!filter.Index().empty()) return {all};
  auto select = database.Prepare(
      std::string(kSelectChunk) +
      "WHERE first_seq >= coalesce((SELECT max(first_seq) FROM chunk WHERE first_seq <= ?), 0) ORDER BY first_seq");
  if (!select) return {all};
  select->Bind(all.first);
  RangesToRead ranges(all);
  while (true) {
    const auto row = select->Step();
    if (!row) return {all};
    if (!*row) return ranges.Take();
    ranges.Add({select->Uint(0), select->Uint(1)}, [&] { return filter.MayMatchChunk(*select); });
  }
}

Error NoHistory(const std::string& path) {
  return {"read " + path + " (there is no history yet: `fsherald daemon` writes it)", ENOENT};
}

}  // namespace

class HistoryImpl {
 public:
  HistoryImpl(Database database, uint64_t identity, StoredWords words, Statement one)
      : database_(std::move(database)), identity_(identity), words_(std::move(words)), one_(std::move(one)) {}

  Database& database() { return database_; }

  Status ForEach(const History::Query& query, const std::function<bool(const Entry&)>& each) {
    auto filter = RowFilter::For(query, database_, identity_);
    if (!filter) return filter.error();
    auto scan = RowScan::Open(database_, filter->Condition(), filter->Index());
    if (!scan) return scan.error();
    // Up to what is there now: so it ends, however fast the writer is.
    auto last = database_.Number("SELECT last_seq FROM state");
    if (!last) last = INT64_MAX;
    const uint64_t first = query.after_seq.value_or(0) + 1;
    if (first == 0) return {};
    std::vector<SeqRange> ranges = RangesFor(*filter, {first, static_cast<uint64_t>(*last)}, database_);
    if (query.newest_first) std::reverse(ranges.begin(), ranges.end());
    size_t told = 0;
    uint64_t damaged = 0;
    const auto look = [&](const Row& row) {
      if (!filter->Matches(row)) return true;
      const auto entry = UnpackRow(row, identity_, words_);
      if (!entry) ++damaged;
      if (!entry || !filter->MatchesTime(entry->notification.utc_ns, entry->last_utc_ns)) return true;
      return each(*entry) && ++told != query.limit;
    };
    for (const SeqRange& range : ranges) {
      const auto more = scan->Read(range, query.newest_first, look);
      if (!more) return more.error();
      if (!*more) break;
    }
    if (scan->holes() + damaged == 0) return {};
    return HistoryError(fmt::format("read {} in", scan->holes() > 0 ? "some parts of what is" : "some rows"),
                        database_.path(), EUCLEAN);
  }

  Result<std::optional<Entry>> Find(uint64_t seq) {
    const auto found = one_.Bind(seq).Step();
    if (!found) return found.error();
    if (!*found) {
      one_.Reset();
      return std::optional<Entry>();
    }
    const Row row = RowOf(one_);
    one_.Reset();
    auto entry = UnpackRow(row, identity_, words_);
    if (!entry) return HistoryError(fmt::format("read notification {} in", seq), database_.path(), EUCLEAN);
    return entry;
  }

  Result<History::Extent> Covers() {
    const auto state = LoadState(database_);
    if (!state) return state.error();
    if (!*state) return HistoryError("read the state in", database_.path(), EUCLEAN);
    const auto first = database_.Number("SELECT min(seq) FROM notification");
    if (!first) return first.error();
    const auto pages = database_.Number("PRAGMA page_count");
    if (!pages) return pages.error();
    const auto page_bytes = database_.Number("PRAGMA page_size");
    if (!page_bytes) return page_bytes.error();
    return History::Extent{.first_seq = static_cast<uint64_t>(*first),
                           .last_seq = (*state)->last_seq,
                           .bytes = static_cast<uint64_t>(*pages * *page_bytes),
                           .removed_notifications = (*state)->removed_notifications,
                           .removed_errors = (*state)->removed_errors,
                           .removed_until_utc_ns = (*state)->removed_until_utc_ns,
                           .merged_notifications = (*state)->merged_notifications};
  }

  Result<History::Removed> RemovedBetween(uint64_t after, uint64_t until, uint64_t told_to) {
    return fsherald::RemovedBetween(database_, identity_, after, until, told_to);
  }
  Result<History::Removed> RemovedAfter(uint64_t seq) {
    if (seq != 0) return RemovedBetween(seq, UINT64_MAX, seq);
    const auto state = LoadState(database_);
    if (!state) return state.error();
    if (!*state) return HistoryError("read the state in", database_.path(), EUCLEAN);
    return History::Removed{.notifications = (*state)->removed_notifications, .errors = (*state)->removed_errors};
  }

 private:
  Database database_;  // the first: its statements go before it
  uint64_t identity_;
  StoredWords words_;
  Statement one_;
};

Result<std::unique_ptr<History>> History::Open(const std::string& directory) {
  const std::string path = directory + "/" + std::string(kHistoryFileName);
  if (::access(path.c_str(), R_OK) != 0) return errno == ENOENT ? NoHistory(path) : HistoryError("read", path, errno);
  auto database = Database::Open(path, Database::Access::kRead);
  if (!database) return database.error();
  const auto version = database->Number("PRAGMA user_version");
  if (!version) return version.error();
  if (*version == 0) return NoHistory(path);  // is being made
  if (*version > kHistoryVersion)
    return Error{
        fmt::format("{} is of a newer fsherald (version {} of the history, this one knows {}): read it with that one",
                    path, *version, kHistoryVersion)};
  if (*version < kHistoryVersion)
    return Error{fmt::format("{} is of an older fsherald: start `fsherald daemon`, which brings it up to date", path)};
  const auto identity = ReadIdentity(*database);
  if (!identity) {
    const auto words = database->Number("SELECT count(*) FROM dictionary");
    return words && *words == 0 ? NoHistory(path) : identity.error();  // is being made
  }
  auto words = StoredWords::Open(*database, *identity);
  if (!words) return words.error();
  auto one = database->Prepare(std::string(kSelectRow) + "WHERE seq=?");
  if (!one) return one.error();
  return std::unique_ptr<History>(
      new History(std::make_unique<HistoryImpl>(std::move(*database), *identity, std::move(*words), std::move(*one))));
}

History::History(std::unique_ptr<HistoryImpl> impl) : impl_(std::move(impl)) {}
History::~History() = default;

Status History::ForEach(const Query& query, const std::function<bool(const Entry&)>& each) {
  return impl_->ForEach(query, each);
}
Result<std::optional<Entry>> History::Find(uint64_t seq) { return impl_->Find(seq); }
Result<History::Hotspots> History::HotspotsBy(By by, std::optional<int64_t> since_utc_ns,
                                              std::optional<int64_t> until_utc_ns, size_t limit, size_t slices) {
  return ReadHotspots(impl_->database(), by, since_utc_ns, until_utc_ns, limit, slices);
}
Result<std::vector<History::FilesystemSummary>> History::Filesystems() { return ReadFilesystems(impl_->database()); }
Result<History::Extent> History::Covers() { return impl_->Covers(); }
Result<History::Removed> History::RemovedAfter(uint64_t seq) { return impl_->RemovedAfter(seq); }
Result<History::Removed> History::RemovedBetween(uint64_t after, uint64_t until, uint64_t told_to) {
  return impl_->RemovedBetween(after, until, told_to);
}

}  // namespace fsherald
