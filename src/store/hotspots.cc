// SPDX-License-Identifier: MIT
#include "store/hotspots.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <unordered_map>

#include "store/tally.h"

namespace fsherald {
namespace {

constexpr int64_t kMostHours = 31 * 24;

Dimension DimensionOf(History::By by) {
  switch (by) {
    case History::By::kLocation: return Dimension::kLocation;
    case History::By::kFilesystem: return Dimension::kFilesystem;
    case History::By::kDevice: return Dimension::kDevice;
    case History::By::kInode: return Dimension::kInode;
    case History::By::kKernel: return Dimension::kKernel;
  }
  return Dimension::kLocation;
}

// Hours or days, from the first to the last, both inclusive.
struct Span {
  TallyUnit unit = TallyUnit::kDay;
  int64_t first = 0;
  int64_t last = -1;
  int64_t ns() const { return unit == TallyUnit::kHour ? kHourNs : kDayNs; }
};

// Null: there is none.
Result<std::optional<int64_t>> Extreme(Database& database, std::string_view extreme, Dimension dimension,
                                       TallyUnit unit) {
  auto select = database.Prepare(fmt::format("SELECT {}(at) FROM tally WHERE dimension={} AND unit={}", extreme,
                                             static_cast<int>(dimension), static_cast<int>(unit)));
  if (!select) return select.error();
  const auto row = select->Step();
  if (!row) return row.error();
  if (!*row || select->IsNull(0)) return std::optional<int64_t>();
  return std::optional<int64_t>(select->Int(0));
}

// Days, or hours where the time is short and they are still kept. Empty: nothing has been counted.
Result<std::optional<Span>> SpanOf(Database& database, Dimension dimension, std::optional<int64_t> since,
                                   std::optional<int64_t> until) {
  const auto first_day = Extreme(database, "min", dimension, TallyUnit::kDay);
  if (!first_day) return first_day.error();
  const auto last_day = Extreme(database, "max", dimension, TallyUnit::kDay);
  if (!last_day) return last_day.error();
  const auto first_hour = Extreme(database, "min", dimension, TallyUnit::kHour);
  if (!first_hour) return first_hour.error();
  const auto last_hour = Extreme(database, "max", dimension, TallyUnit::kHour);
  if (!last_hour) return last_hour.error();
  if (!*first_day || !*last_day) return std::optional<Span>();
  Span days{TallyUnit::kDay, **first_day, **last_day};
  if (since) days.first = TallyTime(TallyUnit::kDay, *since);
  if (until) days.last = TallyTime(TallyUnit::kDay, *until);
  if (!*first_hour || !*last_hour) return std::optional<Span>(days);
  Span hours{TallyUnit::kHour, **first_hour, **last_hour};
  if (since) hours.first = TallyTime(TallyUnit::kHour, *since);
  if (until) hours.last = TallyTime(TallyUnit::kHour, *until);
  // Hours go by whole days.
  const bool are_kept = std::max(days.first, **first_day) * 24 + 23 >= **first_hour;
  return std::optional<Span>(are_kept && hours.last - hours.first < kMostHours ? hours : days);
}

// What is one thing of several keys: a file system with a uuid, on whichever device it was.
std::string IdentityOf(Dimension dimension, const TallyKey& key, std::string_view packed) {
  if (!key.uuid || (dimension != Dimension::kFilesystem && dimension != Dimension::kInode)) return std::string(packed);
  const uint64_t inode = key.inode.value_or(0);
  std::string identity(reinterpret_cast<const char*>(&inode), sizeof inode);
  identity.append(reinterpret_cast<const char*>(key.uuid->bytes.data()), key.uuid->bytes.size());
  return identity += key.type;
}

std::string WordsOf(const TallyKey& key) {
  std::string words = key.type;
  if (!key.device.empty()) words += (words.empty() ? "" : " ") + key.device;
  if (key.uuid) words += (words.empty() ? "" : " ") + ToString(*key.uuid);
  return words;
}

std::string WordsOf(Dimension dimension, const TallyKey& key) {
  switch (dimension) {
    case Dimension::kLocation: return key.line ? fmt::format("{}:{}", key.function, *key.line) : key.function;
    case Dimension::kFilesystem: return WordsOf(key);
    case Dimension::kDevice: return key.device;
    case Dimension::kInode: return fmt::format("{} of {}", key.inode.value_or(0), WordsOf(key));
    case Dimension::kKernel: return key.kernel;
  }
  return "";
}

struct Group {
  TallyKey key;  // of the latest
  bool is_rest = false;
  Count count;
  std::vector<uint64_t> over_time;
};
using Groups = std::unordered_map<std::string, Group>;

void AddTo(Group& group, TallyKey key, const Count& count) {
  if (group.count.notifications == 0 || count.last_utc_ns >= group.count.last_utc_ns) group.key = std::move(key);
  group.count.Add(count);
}

Result<Groups> ReadGroups(Database& database, Dimension dimension, const Span& span, size_t slices) {
  auto select = database.Prepare("SELECT at, key, " + std::string(kTallyColumns) +
                                 " FROM tally WHERE dimension=? AND unit=? AND at BETWEEN ? AND ?");
  if (!select) return select.error();
  select->Bind(static_cast<int>(dimension)).Bind(static_cast<int>(span.unit)).Bind(span.first).Bind(span.last);
  Groups groups;
  while (true) {
    const auto row = select->Step();
    if (!row) return row.error();
    if (!*row) return groups;
    const std::string_view packed = select->Blob(1);
    auto key = UnpackTallyKey(dimension, packed);
    if (!key) return HistoryError("read the counts in", database.path(), EUCLEAN);
    Group& group = groups[IdentityOf(dimension, *key, packed)];
    group.is_rest = packed.empty();
    const Count count = CountOf(*select, 2);
    AddTo(group, std::move(*key), count);
    if (slices == 0) continue;
    if (group.over_time.empty()) group.over_time.resize(slices);
    const auto slice =
        static_cast<uint64_t>(select->Int(0) - span.first) * slices / static_cast<uint64_t>(span.last - span.first + 1);
    uint64_t& errors = group.over_time[std::min<size_t>(slice, slices - 1)];
    errors = SaturatingSum(errors, count.errors);
  }
}

History::Hotspot SpotOf(Dimension dimension, Group group) {
  History::Hotspot spot;
  spot.is_rest = group.is_rest;
  if (!group.is_rest) spot.key = WordsOf(dimension, group.key);
  spot.function = std::move(group.key.function);
  spot.line = group.key.line;
  spot.type = std::move(group.key.type);
  spot.device = std::move(group.key.device);
  spot.uuid = group.key.uuid;
  spot.inode = group.key.inode;
  spot.kernel = std::move(group.key.kernel);
  spot.errors = group.count.errors;
  spot.notifications = group.count.notifications;
  spot.first_seq = group.count.first_seq;
  spot.last_seq = group.count.last_seq;
  spot.first_utc_ns = group.count.first_utc_ns;
  spot.last_utc_ns = group.count.last_utc_ns;
  spot.over_time = std::move(group.over_time);
  return spot;
}

// When an hour or a day begins; the first and the last that a time can be in begin and end beyond what can be said.
int64_t BeginOf(int64_t number, int64_t unit_ns) {
  int64_t ns = 0;
  if (!__builtin_mul_overflow(number, unit_ns, &ns)) return ns;
  return number < 0 ? INT64_MIN : INT64_MAX;
}

}  // namespace

Result<History::Hotspots> ReadHotspots(Database& database, History::By by, std::optional<int64_t> since_utc_ns,
                                       std::optional<int64_t> until_utc_ns, size_t limit, size_t slices) {
  // A day on either side is left for the widening.
  if (since_utc_ns) since_utc_ns = std::max(*since_utc_ns, INT64_MIN + kDayNs);
  if (until_utc_ns) until_utc_ns = std::min(*until_utc_ns, INT64_MAX - kDayNs);
  const Dimension dimension = DimensionOf(by);
  History::Hotspots hotspots;
  const auto span = SpanOf(database, dimension, since_utc_ns, until_utc_ns);
  if (!span) return span.error();
  if (!*span || (*span)->last < (*span)->first) return hotspots;
  hotspots.from_utc_ns = BeginOf((*span)->first, (*span)->ns());
  hotspots.to_utc_ns = BeginOf((*span)->last + 1, (*span)->ns());
  slices = std::min<size_t>(slices, static_cast<size_t>((*span)->last - (*span)->first + 1));
  auto groups = ReadGroups(database, dimension, **span, slices);
  if (!groups) return groups.error();
  std::vector<Groups::value_type*> order;
  for (auto& group : *groups) order.push_back(&group);
  const size_t wanted = limit == 0 ? order.size() : std::min(limit, order.size());
  std::partial_sort(
      order.begin(), order.begin() + static_cast<ptrdiff_t>(wanted), order.end(), [](const auto* a, const auto* b) {
        const Count& of_a = a->second.count;
        const Count& of_b = b->second.count;
        return std::tie(of_b.errors, of_b.last_utc_ns, a->first) < std::tie(of_a.errors, of_a.last_utc_ns, b->first);
      });
  for (size_t i = 0; i < wanted; ++i) hotspots.spots.push_back(SpotOf(dimension, std::move(order[i]->second)));
  return hotspots;
}

Result<std::vector<History::FilesystemSummary>> ReadFilesystems(Database& database) {
  auto groups = ReadGroups(database, Dimension::kFilesystem, {TallyUnit::kEver, 0, 0}, 0);
  if (!groups) return groups.error();
  std::vector<History::FilesystemSummary> summaries;
  for (auto& [identity, group] : *groups) {
    summaries.push_back({.type = std::move(group.key.type),
                         .device = std::move(group.key.device),
                         .uuid = group.key.uuid,
                         .errors = group.count.errors,
                         .notifications = group.count.notifications,
                         .first_seq = group.count.first_seq,
                         .last_seq = group.count.last_seq,
                         .first_utc_ns = group.count.first_utc_ns,
                         .last_utc_ns = group.count.last_utc_ns});
  }
  std::sort(summaries.begin(), summaries.end(),
            [](const auto& a, const auto& b) { return a.last_utc_ns > b.last_utc_ns; });
  return summaries;
}

}  // namespace fsherald
