// SPDX-License-Identifier: MIT
#include "record/rfc.h"

#include <fsherald/record.h>

#include <algorithm>
#include <cstring>

namespace fsherald {
namespace {

constexpr size_t kMaxFunctionBytes = 511;  // the kernel's KSYM_NAME_LEN, less its NUL

template <typename T>
void Put(const T& value, std::string& out) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

constexpr size_t PaddedTo4(size_t bytes) { return (bytes + 3) & ~size_t{3}; }

// What statfs(2) gives for most file systems on a device: the kernel's u64_to_fsid(huge_encode_dev(dev)).
Fsid FsidOf(DeviceNumber dev) { return {(dev.minor & 0xffU) | dev.major << 8 | (dev.minor & ~0xffU) << 12, 0}; }

void AppendGeneric(const Notification& n, std::string& out) {
  const FilesystemInfo& filesystem = n.filesystem;
  const Fsid fsid = filesystem.fsid ? *filesystem.fsid : filesystem.dev ? FsidOf(*filesystem.dev) : Fsid();
  Put(rfc::Generic{.error = n.error.code.value_or(0), .fsid = {fsid.word0, fsid.word1}}, out);
}

void AppendLocation(const Location& location, std::string& out) {
  const std::string_view function = std::string_view(location.function).substr(0, kMaxFunctionBytes);
  const size_t name_bytes = PaddedTo4(function.size() + 1);
  Put(rfc::Location{.len = static_cast<uint16_t>(sizeof(rfc::Location) + name_bytes),
                    .line = static_cast<int32_t>(location.line.value_or(0))},
      out);
  out.append(function).append(name_bytes - function.size(), '\0');
}

std::optional<uint64_t> Field(const Specific& specific, std::string_view name) {
  for (const SpecificField& field : specific.fields) {
    const auto* number = std::get_if<uint64_t>(&field.value);
    if (number != nullptr && field.name == name) return *number;
  }
  return std::nullopt;
}

void AppendFsdata(std::string_view data, std::string& out) {
  const size_t padded = PaddedTo4(data.size());
  Put(fsherald_info{.type = rfc::kInfoFsdata, .pad = 0, .len = static_cast<uint16_t>(sizeof(fsherald_info) + padded)},
      out);
  out.append(data).append(padded - data.size(), '\0');
}

void AppendExt4(const Specific& specific, const std::optional<ObjectInfo>& object, std::string& out) {
  rfc::Ext4Data data;
  const std::optional<uint64_t> known = object ? object->inode : std::nullopt;
  data.inode = Field(specific, "inode").value_or(known.value_or(0));
  if (const auto block = Field(specific, "block")) data.block = *block;
  if (specific.message) {
    const size_t bytes = std::min(specific.message->size(), sizeof data.description - 1);
    std::memcpy(data.description, specific.message->data(), bytes);
  }
  AppendFsdata({reinterpret_cast<const char*>(&data), sizeof data}, out);
}

void AppendSpecific(const Notification& n, std::string& out) {
  const Specific& specific = *n.specific;
  if (n.origin == Origin::kKernel && specific.type == "ext4") AppendExt4(specific, n.object, out);
  if (n.origin == Origin::kUser && specific.blob && specific.blob->size() <= FSHERALD_MAX_NOTIFICATION_BYTES) {
    AppendFsdata(*specific.blob, out);
  }
}

}  // namespace

void AppendRfc(const Notification& n, std::string& out) {
  if (IsHealthyAgain(n) || n.kind == Kind::kHealth) return;
  const size_t start = out.size();
  const uint32_t pid = n.task ? n.task->pid.value_or(0) : 0;
  const bool is_gap = n.kind == Kind::kGap;
  fsherald_metadata metadata = {.event_len = 0,
                                .vers = 3,
                                .reserved = 0,
                                .metadata_len = sizeof metadata,
                                .mask = is_gap ? uint64_t{FSHERALD_MASK_OVERFLOW} : rfc::kFanError,
                                .fd = -1,
                                .pid = static_cast<int32_t>(std::min<uint32_t>(pid, INT32_MAX))};
  Put(metadata, out);
  if (!is_gap) {
    AppendGeneric(n, out);
    if (n.location) AppendLocation(*n.location, out);
    if (n.specific) AppendSpecific(n, out);
  }
  metadata.event_len = static_cast<uint32_t>(out.size() - start);
  std::memcpy(out.data() + start, &metadata, sizeof metadata);
}

}  // namespace fsherald
