// SPDX-License-Identifier: MIT
#include "notify/saved_state.h"

#include <utility>

#include "base/byte_writer.h"
#include "record/stream.h"

namespace fsherald {
namespace {

constexpr uint32_t kVersion = 1;  // of the layout below; another one is not read

void Add(ByteWriter& out, const FilesystemInfo& info) {
  out.AddString(info.type);
  out.AddString(info.device);
  out.AddOptional(info.dev);
  out.AddOptional(info.uuid);
  out.AddOptional(info.fsid);
}

FilesystemInfo GetInfo(CheckedReader& in) {
  FilesystemInfo info;
  info.type = in.GetString();
  info.device = in.GetString();
  info.dev = in.GetOptional<DeviceNumber>();
  info.uuid = in.GetOptional<Uuid>();
  info.fsid = in.GetOptional<Fsid>();
  return info;
}

void Add(ByteWriter& out, const DeviceCounter& counter) {
  out.AddOptional(counter.id);
  out.AddString(counter.device);
  out.AddString(counter.name);
  out.Add(counter.value);
  out.Add(static_cast<uint8_t>(counter.kind));
  out.Add(static_cast<uint8_t>(counter.operation));
}

DeviceCounter GetCounter(CheckedReader& in) {
  DeviceCounter counter;
  counter.id = in.GetOptional<uint64_t>();
  counter.device = in.GetString();
  counter.name = in.GetString();
  counter.value = in.Get<uint64_t>();
  counter.kind = static_cast<Kind>(in.Get<uint8_t>());
  counter.operation = static_cast<DeviceError::Operation>(in.Get<uint8_t>());
  return counter;
}

void Add(ByteWriter& out, const std::optional<TraceSource::Position>& position) {
  out.Add(static_cast<uint8_t>(position.has_value()));
  if (!position) return;
  out.Add(position->ring);
  out.Add(static_cast<uint32_t>(position->folded.size()));
  for (const auto& [cell, folded] : position->folded) {
    out.Add(cell);
    out.Add(folded);
  }
}

std::optional<TraceSource::Position> GetPosition(CheckedReader& in) {
  if (in.Get<uint8_t>() == 0) return std::nullopt;
  TraceSource::Position position{.ring = in.Get<uint64_t>(), .folded = {}};
  for (size_t left = in.GetCount(); left > 0 && !in.has_failed(); --left) {
    const auto cell = in.Get<uint32_t>();
    position.folded.emplace_back(cell, in.Get<uint64_t>());
  }
  return position;
}

void Add(ByteWriter& out, const SavedState::Filesystem& filesystem) {
  Add(out, filesystem.info);
  out.AddOptional(filesystem.counted);
  out.Add(filesystem.fanotify_debt);
  out.Add(static_cast<uint32_t>(filesystem.devices.size()));
  for (const DeviceCounter& counter : filesystem.devices) Add(out, counter);
}

SavedState::Filesystem GetFilesystem(CheckedReader& in) {
  SavedState::Filesystem filesystem;
  filesystem.info = GetInfo(in);
  filesystem.counted = in.GetOptional<uint64_t>();
  filesystem.fanotify_debt = in.Get<uint64_t>();
  for (size_t left = in.GetCount(); left > 0 && !in.has_failed(); --left) filesystem.devices.push_back(GetCounter(in));
  return filesystem;
}

}  // namespace

std::string Encode(const SavedState& state, const Host& host) {
  ByteWriter out;
  out.Add(kVersion);
  out.AddString(state.boot_id);
  out.Add(state.utc_s);
  Add(out, state.trace);
  out.Add(state.losses);
  out.AddOptional(state.kmsg_next);
  out.Add(state.reads_next);
  out.Add(static_cast<uint32_t>(state.places.size()));
  for (const FanotifySource::Place& place : state.places) out.Add(place);
  out.Add(static_cast<uint32_t>(state.filesystems.size()));
  for (const SavedState::Filesystem& filesystem : state.filesystems) Add(out, filesystem);
  out.Add(static_cast<uint32_t>(state.rest.size()));
  for (const Notification& notification : state.rest) {
    std::string bytes;
    AppendStream(notification, host, bytes);
    out.AddString(bytes);
  }
  return std::move(out.bytes());
}

std::optional<SavedState> DecodeSavedState(Bytes bytes) {
  CheckedReader in(bytes);
  if (in.Get<uint32_t>() != kVersion) return std::nullopt;
  SavedState state;
  state.boot_id = in.GetString();
  state.utc_s = in.Get<int64_t>();
  state.trace = GetPosition(in);
  state.losses = in.Get<TraceSource::Losses>();
  state.kmsg_next = in.GetOptional<uint64_t>();
  state.reads_next = in.Get<uint64_t>();
  for (size_t left = in.GetCount(); left > 0 && !in.has_failed(); --left)
    state.places.push_back(in.Get<FanotifySource::Place>());
  for (size_t left = in.GetCount(); left > 0 && !in.has_failed(); --left)
    state.filesystems.push_back(GetFilesystem(in));
  for (size_t left = in.GetCount(); left > 0 && !in.has_failed(); --left) {
    const std::string stream = in.GetString();
    auto parsed = ParseStream(std::as_bytes(std::span(stream)));
    if (!parsed) return std::nullopt;
    state.rest.push_back(std::move(parsed->notification));
  }
  if (in.has_failed() || !in.is_at_end()) return std::nullopt;
  return state;
}

bool IsSame(const FilesystemInfo& saved, const FilesystemInfo& found) {
  if (saved.type != found.type) return false;
  if (saved.uuid || found.uuid) return saved.uuid == found.uuid;
  return saved.dev == found.dev && saved.fsid == found.fsid;
}

}  // namespace fsherald
