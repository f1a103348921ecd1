// SPDX-License-Identifier: MIT
#include "store/tally.h"

#include <algorithm>
#include <array>

#include "store/pack.h"

namespace fsherald {
namespace {

constexpr size_t kMostPages = 64;

std::string LocationKey(const Location& location) {
  std::string key;
  Packer to(key);
  to.Text(location.function);
  to.Optional(location.line ? std::optional<uint64_t>(*location.line) : std::nullopt);
  return key;
}

// A file system is its uuid, where it has one; the device it is on is kept for who reads.
void PackFilesystemKey(const Notification& n, Packer& to) {
  to.Text(n.filesystem.type);
  to.Text(n.filesystem.device);
  to.Number(n.filesystem.uuid ? 1 : 0);
  if (n.filesystem.uuid)
    to.Raw({reinterpret_cast<const char*>(n.filesystem.uuid->bytes.data()), n.filesystem.uuid->bytes.size()});
}

std::string FilesystemKey(const Notification& n) {
  std::string key;
  Packer to(key);
  PackFilesystemKey(n, to);
  return key;
}

std::string InodeKey(const Notification& n) {
  std::string key;
  Packer to(key);
  to.Number(*n.object->inode);
  PackFilesystemKey(n, to);
  return key;
}

std::string TextKey(std::string_view text) {
  std::string key;
  Packer(key).Text(text);
  return key;
}

const std::string& DeviceOf(const Notification& n) {
  return n.device_error && !n.device_error->device.empty() ? n.device_error->device : n.filesystem.device;
}

int64_t FloorDiv(int64_t value, int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }

}  // namespace

size_t MostKeys(Dimension dimension, TallyUnit unit) {
  const size_t most = unit == TallyUnit::kHour ? 128 : unit == TallyUnit::kDay ? 512 : 2048;
  return dimension == Dimension::kInode ? most / 4 : most;
}

int64_t TallyTime(TallyUnit unit, int64_t utc_ns) {
  if (unit == TallyUnit::kEver) return 0;
  return FloorDiv(utc_ns, unit == TallyUnit::kHour ? kHourNs : kDayNs);
}

std::optional<TallyKey> UnpackTallyKey(Dimension dimension, std::string_view packed) {
  TallyKey key;
  if (packed.empty()) return key;
  Unpacker from(packed);
  if (dimension == Dimension::kLocation) {
    key.function = from.Text();
    if (const auto line = from.Optional()) key.line = static_cast<uint32_t>(*line);
  } else if (dimension == Dimension::kDevice) {
    key.device = from.Text();
  } else if (dimension == Dimension::kKernel) {
    key.kernel = from.Text();
  } else {
    if (dimension == Dimension::kInode) key.inode = from.Number();
    key.type = from.Text();
    key.device = from.Text();
    if (from.NumberUpTo(1) != 0) {
      key.uuid.emplace();
      from.Raw(key.uuid->bytes.size()).copy(reinterpret_cast<char*>(key.uuid->bytes.data()), key.uuid->bytes.size());
    }
  }
  if (!from.ok() || !from.AtEnd()) return std::nullopt;
  return key;
}

uint64_t SaturatingSum(uint64_t a, uint64_t b) {
  uint64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

void Count::Add(const Count& other) {
  if (other.notifications == 0) return;
  if (notifications == 0 || other.first_utc_ns < first_utc_ns) first_utc_ns = other.first_utc_ns;
  if (notifications == 0 || other.first_seq < first_seq) first_seq = other.first_seq;
  if (notifications == 0 || other.last_utc_ns > last_utc_ns) last_utc_ns = other.last_utc_ns;
  last_seq = std::max(last_seq, other.last_seq);
  errors = SaturatingSum(errors, other.errors);
  notifications = SaturatingSum(notifications, other.notifications);
}

Count CountOf(const Statement& select, int first_column) {
  return {.errors = select.Uint(first_column),
          .notifications = select.Uint(first_column + 1),
          .first_seq = select.Uint(first_column + 2),
          .last_seq = select.Uint(first_column + 3),
          .first_utc_ns = select.Int(first_column + 4),
          .last_utc_ns = select.Int(first_column + 5)};
}

Result<Tallies> Tallies::Open(Database& database) {
  Tallies tallies;
  auto select = database.Prepare("SELECT key, " + std::string(kTallyColumns) +
                                 " FROM tally WHERE dimension=? AND unit=? AND at=? LIMIT ?");
  if (!select) return select.error();
  auto replace = database.Prepare("INSERT OR REPLACE INTO tally VALUES(?,?,?,?,?,?,?,?,?,?)");
  if (!replace) return replace.error();
  tallies.select_ = std::move(*select);
  tallies.replace_ = std::move(*replace);
  return tallies;
}

void Tallies::Add(const EntryView& entry) {
  const Notification& n = entry.notification;
  const uint64_t errors = ErrorCount(n);
  if (errors == 0) return;
  const Count count = {.errors = errors,
                       .notifications = entry.rows,
                       .first_seq = n.seq,
                       .last_seq = entry.last_seq,
                       .first_utc_ns = n.utc_ns,
                       .last_utc_ns = entry.last_utc_ns};
  // What is not known of an error is no key: it is not counted there.
  if (n.location) Grow(Dimension::kLocation, LocationKey(*n.location), count);
  Grow(Dimension::kFilesystem, FilesystemKey(n), count);
  if (const std::string& device = DeviceOf(n); !device.empty()) Grow(Dimension::kDevice, TextKey(device), count);
  if (n.object && n.object->inode) Grow(Dimension::kInode, InodeKey(n), count);
  if (!entry.host.kernel_release.empty()) Grow(Dimension::kKernel, TextKey(entry.host.kernel_release), count);
}

void Tallies::Grow(Dimension dimension, std::string key, const Count& count) {
  std::string of_hour;
  Packer to(of_hour);
  to.Number(static_cast<uint64_t>(dimension));
  to.Signed(TallyTime(TallyUnit::kHour, count.first_utc_ns));
  to.Raw(key);
  const auto [known, is_new] = growth_of_.try_emplace(std::move(of_hour), growths_.size());
  if (is_new) growths_.push_back({dimension, std::move(key), {}});
  growths_[known->second].count.Add(count);
}

Status Tallies::AddToPages(const Growth& growth) {
  for (const TallyUnit unit : {TallyUnit::kHour, TallyUnit::kDay, TallyUnit::kEver}) {
    if (unit == TallyUnit::kEver && growth.dimension != Dimension::kFilesystem) continue;
    const auto page = PageOf({growth.dimension, unit, TallyTime(unit, growth.count.first_utc_ns)});
    if (!page) return page.error();
    auto& [id, keys] = **page;
    auto kept = keys.find(growth.key);
    if (kept == keys.end())
      kept = keys.try_emplace(keys.size() < MostKeys(growth.dimension, unit) ? growth.key : std::string()).first;
    kept->second.count.Add(growth.count);
    if (!kept->second.changed) changes_.push_back({&id, &*kept});
    kept->second.changed = true;
  }
  return {};
}

Result<std::pair<const Tallies::PageId, Tallies::Page>*> Tallies::PageOf(const PageId& id) {
  if (const auto known = pages_.find(id); known != pages_.end()) return &*known;
  if (pages_.size() >= kMostPages) {
    if (auto written = WriteChanges(); !written) return written.error();
    pages_.clear();
  }
  const auto made = pages_.try_emplace(id).first;
  const auto& [dimension, unit, at] = id;
  select_.Bind(static_cast<int>(dimension)).Bind(static_cast<int>(unit)).Bind(at);
  select_.Bind(static_cast<int64_t>(MostKeys(dimension, unit) + 1));
  while (true) {
    const auto row = select_.Step();
    if (!row) return row.error();
    if (!*row) break;
    made->second[std::string(select_.Blob(0))].count = CountOf(select_, 1);
  }
  select_.Reset();
  return &*made;
}

Status Tallies::Flush() {
  for (const Growth& growth : growths_)
    if (auto added = AddToPages(growth); !added) return added;
  growths_.clear();
  growth_of_.clear();
  return WriteChanges();
}

Status Tallies::WriteChanges() {
  for (const Change& change : changes_) {
    const auto& [dimension, unit, at] = *change.page;
    auto& [key, kept] = *change.kept;
    const Count& count = kept.count;
    replace_.Bind(static_cast<int>(dimension)).Bind(static_cast<int>(unit)).Bind(at).BindBlob(key);
    replace_.Bind(count.errors).Bind(count.notifications).Bind(count.first_seq).Bind(count.last_seq);
    if (auto run = replace_.Bind(count.first_utc_ns).Bind(count.last_utc_ns).Run(); !run) return run;
    kept.changed = false;
  }
  changes_.clear();
  return {};
}

}  // namespace fsherald
