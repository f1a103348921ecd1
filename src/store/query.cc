// SPDX-License-Identifier: MIT
#include "store/query.h"

#include <fmt/format.h>

#include <algorithm>

namespace fsherald {
namespace {

bool IsNamed(const FilesystemInfo& filesystem, std::string_view name) {
  if (filesystem.type == name || (filesystem.uuid && ToString(*filesystem.uuid) == name)) return true;
  if (std::find(filesystem.mounts.begin(), filesystem.mounts.end(), name) != filesystem.mounts.end()) return true;
  if (name.starts_with("/dev/")) name.remove_prefix(5);
  return !filesystem.device.empty() && filesystem.device == name;
}

// Calls `each` with the id and value of all words of a kind; of both copies, so damage of one hides none.
template <typename Each>
void ForEachWord(Database& database, uint64_t identity, WordKind kind, const Each& each) {
  for (const char* table : {"dictionary", "dictionary_spare"}) {
    auto select = database.Prepare(std::string("SELECT id, kind, value FROM ") + table + " WHERE kind=?");
    if (!select) continue;
    select->Bind(static_cast<int>(kind));
    bool whole = true;
    while (true) {
      const auto row = select->Step();
      if (!row || !*row) {
        whole = whole && row.has_value();
        break;
      }
      const auto value = UnsealWord(identity, select->Uint(0), select->Int(1), select->Blob(2));
      if (value) each(select->Uint(0), *value);
      else whole = false;
    }
    if (whole) return;
  }
}

}  // namespace

Result<RowFilter> RowFilter::For(const History::Query& query, Database& database, uint64_t identity) {
  RowFilter filter;
  filter.since_ = query.since_utc_ns.value_or(INT64_MIN);
  filter.until_ = query.until_utc_ns.value_or(INT64_MAX);
  if (query.kind) filter.kind_ = static_cast<int64_t>(*query.kind);
  if (!query.filesystem.empty()) {
    filter.filesystems_.emplace();
    ForEachWord(database, identity, WordKind::kFilesystem, [&](uint64_t id, std::string_view value) {
      const auto filesystem = UnpackFilesystem(value);
      if (filesystem && IsNamed(*filesystem, query.filesystem)) filter.filesystems_->insert(id);
    });
  }
  if (!query.function.empty()) {
    filter.locations_.emplace();
    ForEachWord(database, identity, WordKind::kLocation, [&](uint64_t id, std::string_view value) {
      const auto location = UnpackLocation(value);
      if (location && location->function == query.function) filter.locations_->insert(id);
    });
  }
  return filter;
}

bool RowFilter::MayMatchChunk(const Statement& select) const {
  return select.Int(4) >= since_ && select.Int(3) <= until_ && (!kind_ || (select.Uint(5) & KindBit(*kind_)) != 0) &&
         (!filesystems_ || MayHaveOneOf(select.Blob(6), *filesystems_)) &&
         (!locations_ || MayHaveOneOf(select.Blob(7), *locations_));
}

std::string RowFilter::Condition() const {
  constexpr size_t kMostIds = 64;  // of more, a set is faster
  std::string condition;
  for (const auto& [column, ids] : {std::pair("filesystem", &filesystems_), std::pair("location", &locations_)}) {
    if (!*ids || (*ids)->empty() || (*ids)->size() > kMostIds) continue;
    std::string list;
    for (const uint64_t id : **ids) list += (list.empty() ? "" : ",") + std::to_string(static_cast<int64_t>(id));
    condition += std::string("AND ") + column + " IN (" + list + ") ";
  }
  if (!Index().empty()) condition += fmt::format("AND kind={} ", *kind_);
  return condition;
}

std::string RowFilter::Index() const {
  return kind_ == static_cast<int64_t>(Kind::kHealth) ? "INDEXED BY health_change " : "";
}

bool RowFilter::MatchesTime(int64_t first_utc_ns, int64_t last_utc_ns) const {
  return std::max(first_utc_ns, last_utc_ns) >= since_ && std::min(first_utc_ns, last_utc_ns) <= until_;
}

bool RowFilter::Matches(const Row& row) const {
  // When a burst ends only its detail tells.
  if (row.rows <= 1 && !MatchesTime(row.utc_ns, row.utc_ns)) return false;
  return (!kind_ || row.kind == *kind_) && (!filesystems_ || filesystems_->contains(row.filesystem)) &&
         (!locations_ || locations_->contains(row.location));
}

}  // namespace fsherald
