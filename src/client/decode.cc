// SPDX-License-Identifier: MIT
#include "client/decode.h"

#include <utility>

namespace fsherald {
namespace {

// For texts that are empty where they are not known.
const char* FilledOrNull(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

const char* TextOrNull(const std::optional<std::string>& text) { return text ? text->c_str() : nullptr; }

void FillList(const std::vector<std::string>& texts, std::vector<const char*>& list) {
  list.clear();
  for (const std::string& text : texts) list.push_back(text.c_str());
  list.push_back(nullptr);
}

uint32_t Bits(SourceSet sources) {
  uint32_t bits = 0;
  for (int i = 0; i < kSourceCount; ++i) bits |= sources.Has(static_cast<SourceId>(i)) ? 1U << i : 0;
  return bits;
}

}  // namespace

bool DecodedNotification::Decode(Bytes bytes) {
  auto parsed = ParseStream(bytes);
  if (!parsed) return false;
  from_ = std::move(*parsed);
  bytes_.assign(reinterpret_cast<const char*>(bytes.data()), from_.bytes);
  c_ = {};
  c_.size = sizeof c_;
  c_.bytes = bytes_.data();
  c_.bytes_len = bytes_.size();
  FillError();
  FillPlace();
  FillObject();
  FillDeviceError();
  FillWords();
  FillGap();
  FillHealth();
  return true;
}

void DecodedNotification::FillError() {
  const Notification& n = from_.notification;
  c_.seq = n.seq;
  c_.filesystem_seq = n.filesystem_seq;
  c_.utc_ns = n.utc_ns;
  c_.boottime_ns = n.boottime_ns.value_or(0);
  c_.kind = static_cast<uint32_t>(n.kind);
  c_.origin = static_cast<uint32_t>(n.origin);
  c_.sources = Bits(n.sources);
  c_.error = n.error.code.value_or(0);
  c_.count = ErrorCount(n);
  c_.corrected = n.corrected ? 1 : 0;
  c_.untrusted = n.trusted ? 0 : 1;
}

void DecodedNotification::FillPlace() {
  const Notification& n = from_.notification;
  c_.type = FilledOrNull(n.filesystem.type);
  c_.device = FilledOrNull(n.filesystem.device);
  FillList(n.filesystem.mounts, mounts_);
  c_.mounts = mounts_.data();
  FillList({}, stack_);
  if (n.location) FillList(n.location->stack, stack_);
  c_.stack = stack_.data();
  if (!n.location) return;
  c_.function = FilledOrNull(n.location->function);
  c_.line = n.location->line.value_or(0);
  c_.file = FilledOrNull(n.location->file);
}

void DecodedNotification::FillObject() {
  const Notification& n = from_.notification;
  if (n.object) {
    if (n.object->inode) c_.flags |= FSHERALD_REPORT_HAS_INODE;
    if (n.object->generation) c_.flags |= FSHERALD_REPORT_HAS_GENERATION;
    c_.inode = n.object->inode.value_or(0);
    c_.generation = n.object->generation.value_or(0);
    c_.path = TextOrNull(n.object->path);
  }
  if (n.range) {
    c_.flags |= FSHERALD_REPORT_HAS_RANGE;
    if (n.range->length_bytes) c_.flags |= FSHERALD_REPORT_HAS_LENGTH;
    c_.offset_bytes = n.range->offset_bytes;
    c_.length_bytes = n.range->length_bytes.value_or(0);
  }
  if (n.task) {
    c_.pid = n.task->pid.value_or(0);
    c_.comm = FilledOrNull(n.task->comm);
  }
}

void DecodedNotification::FillDeviceError() {
  const std::optional<DeviceError>& error = from_.notification.device_error;
  if (!error) return;
  c_.flags |= FSHERALD_NOTIFICATION_HAS_DEVICE_ERROR;
  if (error->dev) c_.flags |= FSHERALD_NOTIFICATION_HAS_DEVICE_ERROR_DEV;
  if (error->sector) c_.flags |= FSHERALD_NOTIFICATION_HAS_DEVICE_ERROR_SECTOR;
  if (error->sectors) c_.flags |= FSHERALD_NOTIFICATION_HAS_DEVICE_ERROR_SECTORS;
  const DeviceNumber dev = error->dev.value_or(DeviceNumber());
  c_.device_error_device = FilledOrNull(error->device);
  c_.device_error_major = dev.major;
  c_.device_error_minor = dev.minor;
  c_.device_error_operation = static_cast<uint32_t>(error->operation);
  c_.device_error_code = error->code.value_or(0);
  c_.device_error_sector = error->sector.value_or(0);
  c_.device_error_sectors = error->sectors.value_or(0);
  c_.device_error_count = error->count;
}

void DecodedNotification::FillWords() {
  const std::optional<Specific>& specific = from_.notification.specific;
  if (!specific) return;
  c_.message = TextOrNull(specific->message);
  if (!specific->blob) return;
  c_.blob = specific->blob->data();
  c_.blob_len = specific->blob->size();
}

void DecodedNotification::FillGap() {
  const Notification& n = from_.notification;
  if (n.kind != Kind::kGap) return;
  c_.gap_certainty = FSHERALD_UNKNOWN;
  if (!n.gap) return;
  c_.gap_source = static_cast<uint32_t>(n.gap->source);
  if (!n.gap->count) return;
  c_.gap_count = *n.gap->count;
  c_.gap_certainty = n.gap->exact ? FSHERALD_EXACT : FSHERALD_AT_LEAST;
}

void DecodedNotification::FillHealth() {
  c_.incident = from_.notification.incident.value_or(0);
  const std::optional<HealthChange>& change = from_.notification.health;
  if (!change) return;
  c_.flags |= FSHERALD_NOTIFICATION_HAS_HEALTH;
  if (change->uid) c_.flags |= FSHERALD_NOTIFICATION_HAS_HEALTH_UID;
  c_.health_from = static_cast<uint32_t>(change->from);
  c_.health_to = static_cast<uint32_t>(change->to);
  c_.health_rule = static_cast<uint32_t>(change->rule);
  c_.health_uid = change->uid.value_or(0);
  c_.health_reason = TextOrNull(change->reason);
  c_.health_since_utc_ns = change->since_utc_ns.value_or(0);
  c_.health_errors = change->errors;
}

}  // namespace fsherald
