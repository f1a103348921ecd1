// SPDX-License-Identifier: MIT
#include "notify/group.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "record/stream.h"

namespace fsherald {
namespace {

std::string_view AsText(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

// A gap of the file system that `first` names, or of no single one.
std::string EncodeGap(const Gap& gap, std::string_view first, bool is_of_one) {
  std::optional<StreamNotification> parsed = ParseStream(std::as_bytes(std::span(first)));
  Notification notification;
  Host host;
  if (parsed) {
    if (is_of_one) notification.filesystem = std::move(parsed->notification.filesystem);
    host = std::move(parsed->host);
  }
  notification.kind = Kind::kGap;
  notification.error = {.code = std::nullopt, .count = 0};
  notification.utc_ns = gap.to_utc_ns;
  notification.gap = gap;
  if (!gap.exact && gap.count == 0) notification.gap->count.reset();
  std::string out;
  AppendStream(notification, host, out);
  return out;
}

}  // namespace

void Group::Add(const Delivery& delivery) {
  if (!open_.empty()) {
    if (auto open = open_.find(delivery.filesystem); open != open_.end()) return Count(*open->second, delivery);
  }
  if (!ring_.Put(delivery.seq, delivery.notification)) Keep(delivery);
}

void Group::Keep(const Delivery& delivery) {
  FilesystemKey filesystem = delivery.filesystem;
  if (cells_.size() >= kMaxCells) {
    filesystem = {};
    if (auto open = open_.find(filesystem); open != open_.end()) return Count(*open->second, delivery);
  }
  Cell& cell = cells_.emplace_back();
  cell.after = ring_.written();
  cell.filesystem = filesystem;
  cell.seq = delivery.seq;
  cell.first = AsText(delivery.notification);
  cell.gap = {.source = SourceId::kGroup, .count = 0};
  open_.emplace(filesystem, &cell);
}

void Group::Count(Cell& cell, const Delivery& delivery) {
  const bool is_first = cell.counted++ == 0;
  cell.gap.from_utc_ns = is_first ? delivery.utc_ns : std::min(cell.gap.from_utc_ns, delivery.utc_ns);
  cell.gap.to_utc_ns = is_first ? delivery.utc_ns : std::max(cell.gap.to_utc_ns, delivery.utc_ns);
  *cell.gap.count += delivery.errors;
  cell.gap.exact = cell.gap.exact && delivery.exact;
}

size_t Group::Read(std::span<std::byte> to, size_t most) {
  size_t bytes = 0;
  std::string gap;
  for (size_t i = 0; i < most; ++i) {
    const std::string_view next = Next(gap);
    if (next.empty() || next.size() > to.size() - bytes) break;
    std::memcpy(to.data() + bytes, next.data(), next.size());
    bytes += next.size();
    Skip(gap);
  }
  return bytes;
}

// The next to be read; empty: there is none. A gap that counts on stands in `gap`.
std::string_view Group::Next(std::string& gap) {
  if (WaitsForAcknowledgement()) return {};
  if (!IsCellNext()) {
    const std::optional<RecordRing::Record> record = ring_.Next();
    return record ? AsText(record->payload) : std::string_view();
  }
  const Cell& cell = cells_[next_cell_];
  if (cell.read == 0) return cell.first;
  if (!cell.is_open) return cell.told;
  return gap = EncodeGap(cell.gap, cell.first, cell.filesystem.value != 0);
}

// Past what Next has returned.
void Group::Skip(std::string& gap) {
  if (!IsCellNext()) return ring_.Skip();
  Cell& cell = cells_[next_cell_];
  ++cell.read;
  if (cell.read == 1 && (cell.is_open ? cell.counted > 0 : !cell.told.empty())) return;
  if (cell.is_open) {
    cell.told = std::move(gap);
    cell.is_open = false;
    open_.erase(cell.filesystem);
  }
  ++next_cell_;
}

bool Group::has_unread() const {
  if (WaitsForAcknowledgement()) return false;
  return next_cell_ < cells_.size() || ring_.read() != ring_.written();
}

void Group::Acknowledge(uint64_t seq) {
  while (AcknowledgeOldest(seq)) {
  }
}

// False: what is oldest was not read, or is later than `seq`.
bool Group::AcknowledgeOldest(uint64_t seq) {
  if (!cells_.empty() && cells_.front().after <= ring_.given_back()) return AcknowledgeCell(seq);
  const std::optional<RecordRing::Record> oldest = ring_.Oldest();
  if (!oldest || oldest->tag > seq) return false;
  ring_.GiveBack();
  return true;
}

bool Group::AcknowledgeCell(uint64_t seq) {
  Cell& cell = cells_.front();
  if (cell.read == 0 || cell.seq > seq) return false;
  cell.acknowledged = cell.read;
  if (next_cell_ == 0) return false;  // its gap was not read
  cells_.pop_front();
  --next_cell_;
  return true;
}

void Group::Rewind() {
  ring_.Rewind();
  next_cell_ = 0;
  for (Cell& cell : cells_) cell.read = cell.acknowledged;
}

}  // namespace fsherald
