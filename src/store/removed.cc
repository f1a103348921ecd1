// SPDX-License-Identifier: MIT
#include "store/removed.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "store/checksum.h"
#include "store/pack.h"
#include "store/tally.h"

namespace fsherald {
namespace {

using Record = RemovedRecord;

constexpr std::string_view kSelectRecord =
    "SELECT last_seq, first_seq, burst, notifications, errors, counts, checksum FROM removed ";

int64_t ChecksumOf(uint64_t identity, const Record& record) {
  const uint64_t head[] = {identity,     record.last_seq,          record.first_seq,
                           record.burst, record.sum.notifications, record.sum.errors};
  return Crc32c(record.counts, Crc32c({reinterpret_cast<const char*>(head), sizeof head}));
}

// Empty: it is damaged.
std::optional<Record> RecordOf(uint64_t identity, const Statement& select) {
  Record record{.last_seq = select.Uint(0),
                .first_seq = select.Uint(1),
                .burst = select.Uint(2),
                .sum = {.notifications = select.Uint(3), .errors = select.Uint(4)},
                .counts = std::string(select.Blob(5))};
  if (ChecksumOf(identity, record) != select.Int(6)) return std::nullopt;
  return record;
}

Status Run(Statement& insert, uint64_t identity, const Record& record) {
  insert.Bind(record.last_seq).Bind(record.first_seq).Bind(record.burst);
  insert.Bind(record.sum.notifications).Bind(record.sum.errors).BindBlob(record.counts);
  return insert.Bind(ChecksumOf(identity, record)).Run();
}

Status Insert(Database& database, uint64_t identity, const Record& record) {
  auto insert = database.Prepare("INSERT OR REPLACE INTO removed VALUES(?,?,?,?,?,?,?)");
  if (!insert) return insert.error();
  return Run(*insert, identity, record);
}

void AddRows(History::Removed& sum, uint64_t rows, uint64_t errors, uint64_t times) {
  for (const auto& [to, each] : {std::pair(&sum.notifications, rows), std::pair(&sum.errors, errors)}) {
    uint64_t all = 0;
    if (__builtin_mul_overflow(each, times, &all)) all = UINT64_MAX;
    *to = SaturatingSum(*to, all);
  }
}

History::Removed Less(const History::Removed& sum, const History::Removed& part) {
  return {.notifications = sum.notifications - std::min(sum.notifications, part.notifications),
          .errors = sum.errors - std::min(sum.errors, part.errors)};
}

// Of the rows above `seq`. Empty: it is no such list.
std::optional<History::Removed> CountAfter(std::string_view packed, uint64_t first_seq, uint64_t seq) {
  Unpacker from(packed);
  History::Removed sum;
  uint64_t at = first_seq;
  for (bool is_first = true; !from.AtEnd(); is_first = false) {
    const uint64_t step = from.Number();
    const uint64_t rows = from.Number();
    const uint64_t errors = from.Number();
    const uint64_t length = from.Number();
    if (!from.ok() || length == 0 || (step == 0 && (!is_first || length > 1))) return std::nullopt;
    uint64_t way = 0;
    uint64_t end = 0;
    if (__builtin_mul_overflow(step, length, &way) || __builtin_add_overflow(at, way, &end)) return std::nullopt;
    uint64_t below = 0;
    if (step == 0) below = at <= seq ? 1 : 0;
    else if (seq > at) below = std::min(length, (seq - at) / step);
    AddRows(sum, rows, errors, length - below);
    at = end;
  }
  return sum;
}

// Of records that end up to `until` one is left, with the sum of what has gone. Those of bursts are only of use number by number.
Status SumUp(Database& database, uint64_t identity, uint64_t until) {
  auto select = database.Prepare(std::string(kSelectRecord) + "WHERE last_seq <= ? ORDER BY last_seq");
  if (!select) return select.error();
  select->Bind(until);
  Record all;
  bool is_new = false;
  while (true) {
    const auto row = select->Step();
    if (!row) return row.error();
    if (!*row) break;
    const auto record = RecordOf(identity, *select);
    is_new = is_new || !record || !record->counts.empty();
    if (!record || record->burst != 0) continue;
    if (all.last_seq == 0) all.first_seq = record->first_seq;
    all.last_seq = record->last_seq;
    AddRows(all.sum, record->sum.notifications, record->sum.errors, 1);
  }
  select->Reset();
  if (!is_new) return {};
  auto forget = database.Prepare("DELETE FROM removed WHERE last_seq <= ?");
  if (!forget) return forget.error();
  if (auto run = forget->Bind(until).Run(); !run) return run;
  return all.last_seq == 0 ? Status() : Insert(database, identity, all);
}

}  // namespace

void RemovedChunk::Add(uint64_t seq, uint64_t rows, uint64_t errors) {
  const bool is_first = sum_.notifications == 0;
  if (is_first) first_seq_ = last_seq_ = seq;
  const uint64_t step = seq - last_seq_;
  if (run_.length > 0 && run_.step == step && run_.rows == rows && run_.errors == errors) {
    ++run_.length;
  } else {
    EndRun();
    run_ = {.step = step, .rows = rows, .errors = errors, .length = 1};
  }
  last_seq_ = seq;
  AddRows(sum_, rows, errors, 1);
}

void RemovedChunk::EndRun() {
  if (run_.length == 0) return;
  Packer to(packed_);
  for (const uint64_t number : {run_.step, run_.rows, run_.errors, run_.length}) to.Number(number);
  run_ = {};
}

Status RemovedChunk::Write(Database& database, uint64_t identity, uint64_t burst, uint64_t kept) {
  if (sum_.notifications == 0) return {};
  EndRun();
  const Record record{
      .last_seq = last_seq_, .first_seq = first_seq_, .burst = burst, .sum = sum_, .counts = std::move(packed_)};
  if (auto written = Insert(database, identity, record); !written) return written;
  return last_seq_ > kept ? SumUp(database, identity, last_seq_ - kept) : Status();
}

Result<RemovedSalvage> RemovedSalvage::Open(Database& database, uint64_t identity) {
  auto insert = database.Prepare("INSERT OR IGNORE INTO removed VALUES(?,?,?,?,?,?,?)");
  if (!insert) return insert.error();
  return RemovedSalvage(database, identity, std::move(*insert));
}

Status RemovedSalvage::Add(const RemovedRecord& record, int64_t checksum) {
  if (ChecksumOf(identity_, record) != checksum) return {};
  if (record.burst == 0 && !record.counts.empty()) chunks_.emplace(record.last_seq, record.first_seq);
  return Run(insert_, identity_, record);
}

bool RemovedSalvage::HasGone(uint64_t seq) const {
  const auto chunk = chunks_.lower_bound(seq);
  return chunk != chunks_.end() && chunk->second <= seq;
}

Status RemovedSalvage::Finish() {
  return database_->Run(
      "DELETE FROM removed WHERE last_seq < "
      "(SELECT coalesce(max(last_seq), 0) FROM removed WHERE burst=0 AND length(counts)=0)");
}

Result<History::Removed> RemovedBetween(Database& database, uint64_t identity, uint64_t after, uint64_t until,
                                        uint64_t told_to) {
  constexpr uint64_t kLastSeq = INT64_MAX;  // that a row can have
  after = std::min(after, kLastSeq);
  until = std::min(until, kLastSeq);
  told_to = std::min(told_to, kLastSeq);
  auto select = database.Prepare(std::string(kSelectRecord) + "WHERE last_seq > ? AND first_seq <= ? AND burst <= ?");
  if (!select) return select.error();
  select->Bind(after).Bind(until).Bind(told_to);
  History::Removed all;
  while (true) {
    const auto row = select->Step();
    if (!row) return row.error();
    if (!*row) return all;
    const auto record = RecordOf(identity, *select);
    if (!record) continue;
    const auto& [last_seq, first_seq, burst, whole, counts] = *record;
    const bool is_part = first_seq <= after || last_seq > until;
    if (is_part && counts.empty()) continue;
    History::Removed sum = whole;
    if (first_seq <= after) sum = CountAfter(counts, first_seq, after).value_or(History::Removed());
    if (last_seq > until) sum = Less(sum, CountAfter(counts, first_seq, until).value_or(sum));
    AddRows(all, sum.notifications, sum.errors, 1);
  }
}

}  // namespace fsherald
