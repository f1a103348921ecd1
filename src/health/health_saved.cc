// SPDX-License-Identifier: MIT
// A HealthBook as bytes, and back. Another version's bytes are not read: the states begin anew.
#include "base/byte_writer.h"
#include "health/health_book.h"
#include "record/saved_parts.h"

namespace fsherald {
namespace {

constexpr uint32_t kVersion = 1;

void Put(ByteWriter& out, const HealthTime& time) {
  out.Add(time.boottime_ns);
  out.Add(time.utc_ns);
}

HealthTime GetTime(CheckedReader& in) {
  HealthTime time;
  time.boottime_ns = in.Get<uint64_t>();
  time.utc_ns = in.Get<int64_t>();
  return time;
}

void Put(ByteWriter& out, const HealthBook::Incident& incident) {
  out.Add(incident.first_seq);
  Put(out, incident.first);
  Put(out, incident.last);
  out.Add(incident.notifications);
  out.Add(incident.errors);
  out.Add(static_cast<uint8_t>(incident.is_over));
}

HealthBook::Incident GetIncident(CheckedReader& in) {
  HealthBook::Incident incident;
  incident.first_seq = in.Get<uint64_t>();
  incident.first = GetTime(in);
  incident.last = GetTime(in);
  incident.notifications = in.Get<uint64_t>();
  incident.errors = in.Get<uint64_t>();
  incident.is_over = in.Get<uint8_t>() != 0;
  return incident;
}

}  // namespace

std::string HealthBook::Save(std::string_view boot_id) const {
  ByteWriter out;
  out.Add(kVersion);
  out.AddString(boot_id);
  for (const Filesystem& fs : filesystems_) {
    if (fs.what == Class::kUnmounted || (fs.state == HealthState::kWell && fs.cleared_at == 0)) continue;
    out.Add(uint8_t{1});  // one more
    AddIdentity(out, fs.info);
    out.Add(static_cast<uint8_t>(fs.what));
    out.Add(static_cast<uint8_t>(fs.state));
    out.AddOptional(fs.since_utc_ns);
    out.Add(fs.errors);
    out.AddOptional(fs.counted);
    out.Add(fs.cleared_at);
    out.Add(static_cast<uint8_t>(fs.has_other_errors));
    out.Add(static_cast<uint8_t>(fs.has_counted_errors));
    out.AddList(fs.damaged, [&](const std::string& structure) { out.AddString(structure); });
    out.AddList(fs.info.mounts, [&](const std::string& mount) { out.AddString(mount); });
    out.Add(static_cast<uint8_t>(fs.incident.has_value()));
    if (fs.incident) Put(out, *fs.incident);
    out.Add(static_cast<uint8_t>(fs.is_of_earlier_boot));
  }
  out.Add(uint8_t{0});
  return std::move(out.bytes());
}

bool HealthBook::Restore(Bytes bytes, std::string_view boot_id) {
  CheckedReader in(bytes);
  bool is_good = in.Get<uint32_t>() == kVersion;
  const bool is_this_boot = in.GetString() == boot_id;
  while (is_good && in.Get<uint8_t>() == 1 && !in.has_failed()) {
    const FilesystemInfo info = GetIdentity(in);
    const auto what = in.Get<uint8_t>();
    const auto state = in.Get<uint8_t>();
    is_good = what < static_cast<uint8_t>(Class::kUnmounted) && state > 0 && state < kHealthStateCount;
    Filesystem* fs = is_good ? Make(info, static_cast<Class>(what)) : nullptr;
    if (fs == nullptr) {
      is_good = false;
      break;
    }
    fs->state = static_cast<HealthState>(state);
    fs->since_utc_ns = in.GetOptional<int64_t>();
    fs->errors = in.Get<uint64_t>();
    fs->counted = in.GetOptional<uint64_t>();
    fs->cleared_at = in.Get<uint64_t>();
    fs->has_other_errors = in.Get<uint8_t>() != 0;
    fs->has_counted_errors = in.Get<uint8_t>() != 0;
    in.GetList([&] { fs->damaged.insert(in.GetString()); });
    in.GetList([&] { fs->info.mounts.push_back(in.GetString()); });
    if (in.Get<uint8_t>() != 0) fs->incident = GetIncident(in);
    fs->is_of_earlier_boot = in.Get<uint8_t>() != 0 || !is_this_boot;
    if (fs->is_of_earlier_boot && fs->incident) fs->incident->is_over = true;
    fs->is_restored = true;
  }
  if (is_good && !in.has_failed() && in.is_at_end()) return true;
  *this = HealthBook(options_);
  return false;
}

}  // namespace fsherald
