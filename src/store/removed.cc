// SPDX-License-Identifier: MIT
#include "store/removed.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "store/checksum.h"
#include "store/pack.h"
#include "store/tally.h"

namespace fsherald {
namespace {

int64_t ChecksumOf(uint64_t identity, uint64_t last_seq, uint64_t first_seq, uint64_t burst,
                   const History::Removed& sum, std::string_view counts) {
  const uint64_t head[] = {identity, last_seq, first_seq, burst, sum.notifications, sum.errors};
  return Crc32c(counts, Crc32c({reinterpret_cast<const char*>(head), sizeof head}));
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

Status RemovedChunk::Write(Database& database, uint64_t identity, uint64_t burst) {
  if (sum_.notifications == 0) return {};
  auto insert = database.Prepare("INSERT OR REPLACE INTO removed VALUES(?,?,?,?,?,?,?)");
  if (!insert) return insert.error();
  EndRun();
  insert->Bind(last_seq_).Bind(first_seq_).Bind(burst).Bind(sum_.notifications).Bind(sum_.errors).BindBlob(packed_);
  insert->Bind(ChecksumOf(identity, last_seq_, first_seq_, burst, sum_, packed_));
  if (auto run = insert->Run(); !run) return run;
  if (last_seq_ <= kRemovedNumbersKept) return {};
  auto forget = database.Prepare("DELETE FROM removed WHERE last_seq <= ?");
  if (!forget) return forget.error();
  return forget->Bind(last_seq_ - kRemovedNumbersKept).Run();
}

Result<History::Removed> RemovedBetween(Database& database, uint64_t identity, uint64_t after, uint64_t until,
                                        uint64_t told_to) {
  constexpr uint64_t kLastSeq = INT64_MAX;  // that a row can have
  after = std::min(after, kLastSeq);
  until = std::min(until, kLastSeq);
  told_to = std::min(told_to, kLastSeq);
  auto select = database.Prepare(
      "SELECT last_seq, first_seq, notifications, errors, counts, checksum, burst FROM removed "
      "WHERE last_seq > ? AND first_seq <= ? AND burst <= ?");
  if (!select) return select.error();
  select->Bind(after).Bind(until).Bind(told_to);
  History::Removed all;
  while (true) {
    const auto row = select->Step();
    if (!row) return row.error();
    if (!*row) return all;
    const uint64_t last_seq = select->Uint(0);
    const uint64_t first_seq = select->Uint(1);
    History::Removed sum{.notifications = select->Uint(2), .errors = select->Uint(3)};
    const std::string_view counts = select->Blob(4);
    if (ChecksumOf(identity, last_seq, first_seq, select->Uint(6), sum, counts) != select->Int(5)) continue;
    if (first_seq <= after) sum = CountAfter(counts, first_seq, after).value_or(History::Removed());
    if (last_seq > until) sum = Less(sum, CountAfter(counts, first_seq, until).value_or(sum));
    AddRows(all, sum.notifications, sum.errors, 1);
  }
}

}  // namespace fsherald
