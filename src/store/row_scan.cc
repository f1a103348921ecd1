// SPDX-License-Identifier: MIT
#include "store/row_scan.h"

#include <string>

namespace fsherald {
namespace {

constexpr size_t kBatch = 512;
constexpr uint64_t kProbesByOne = 2048;
constexpr uint64_t kMostHoles = 1'000'000;  // a file has not as many pages that are worth it

}  // namespace

Result<RowScan> RowScan::Open(Database& database, const std::string& condition, const std::string& index) {
  auto scan = Prepare(database, condition, index);
  if (!scan || condition.empty()) return scan;
  auto unconditional = Prepare(database, "", "");
  if (!unconditional) return unconditional.error();
  scan->unconditional_ = std::make_unique<RowScan>(std::move(*unconditional));
  return scan;
}

Result<RowScan> RowScan::Prepare(Database& database, const std::string& condition, const std::string& index) {
  RowScan scan;
  const std::string between =
      std::string(kSelectRow) + index + "WHERE seq BETWEEN ? AND ? " + condition + "ORDER BY seq ";
  auto ascending = database.Prepare(between + "LIMIT ?");
  if (!ascending) return ascending.error();
  auto descending = database.Prepare(between + "DESC LIMIT ?");
  if (!descending) return descending.error();
  scan.ascending_ = std::move(*ascending);
  scan.descending_ = std::move(*descending);
  return scan;
}

Result<bool> RowScan::Read(SeqRange range, bool newest_first, const std::function<bool(const Row&)>& each) {
  if (range.first > range.last) return true;
  const uint64_t end = range.last - range.first + 1;
  uint64_t position = 0;
  while (position < end) {
    const Batch batch = ReadBatch(range, newest_first, position, kBatch);
    for (const Row& row : batch.rows)
      if (!each(row)) return false;
    if (!batch.error) {
      if (batch.rows.size() < kBatch) return true;
      position = batch.next;
      continue;
    }
    if (batch.error->code != EUCLEAN) return *batch.error;
    if (unconditional_) {
      // Where the next readable row is, only one who passes over none can find.
      const SeqRange rest = newest_first ? SeqRange{range.first, range.last - batch.next}
                                         : SeqRange{range.first + batch.next, range.last};
      return batch.next >= end ? Result<bool>(true) : unconditional_->Read(rest, newest_first, each);
    }
    if (!damage_) damage_ = batch.error;
    if (++holes_ > kMostHoles) return *damage_;
    const auto next = NextReadable(range, newest_first, batch.next);
    if (!next) return true;
    position = *next;
  }
  return true;
}

uint64_t RowScan::SeqAt(SeqRange range, bool newest_first, uint64_t position) {
  return newest_first ? range.last - position : range.first + position;
}

RowScan::Batch RowScan::ReadBatch(SeqRange range, bool newest_first, uint64_t position, size_t most) {
  Batch batch;
  batch.next = position;
  Statement& select = newest_first ? descending_ : ascending_;
  const uint64_t from = SeqAt(range, newest_first, position);
  select.Bind(newest_first ? range.first : from).Bind(newest_first ? from : range.last);
  select.Bind(static_cast<int64_t>(most));
  while (true) {
    const auto found = select.Step();
    if (!found) {
      batch.error = found.error();
      break;
    }
    if (!*found) break;
    Row row = RowOf(select);
    const uint64_t at = newest_first ? range.last - row.seq : row.seq - range.first;
    // In a damaged tree rows may come out of order: each step goes on, or it is damage.
    if (row.seq < range.first || row.seq > range.last || at < batch.next) {
      batch.error = Error{"rows are out of order", EUCLEAN};
      break;
    }
    batch.next = at + 1;
    batch.rows.push_back(std::move(row));
  }
  select.Reset();
  return batch;
}

std::optional<uint64_t> RowScan::NextReadable(SeqRange range, bool newest_first, uint64_t unreadable) {
  const uint64_t last = range.last - range.first;
  if (unreadable >= last) return std::nullopt;
  const auto is_readable = [&](uint64_t position) { return !ReadBatch(range, newest_first, position, 1).error; };
  uint64_t bad = unreadable;
  uint64_t good = unreadable;
  // One by one at first: behind a damaged page comes a sound one, and then perhaps a damaged one again.
  uint64_t probe = unreadable;
  for (uint64_t step = 1, probes = 0; good == unreadable; step *= ++probes < kProbesByOne ? 1 : 2) {
    probe = step > last - probe ? last : probe + step;
    if (is_readable(probe)) good = probe;
    else if (probe == last) return std::nullopt;
    else bad = probe;
  }
  while (good - bad > 1) {
    const uint64_t middle = bad + (good - bad) / 2;
    (is_readable(middle) ? good : bad) = middle;
  }
  return good;
}

}  // namespace fsherald
