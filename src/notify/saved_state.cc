// SPDX-License-Identifier: MIT
#include "notify/saved_state.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/byte_writer.h"
#include "record/gap.h"
#include "record/saved_parts.h"
#include "record/stream.h"

namespace fsherald {
namespace {

constexpr uint32_t kVersion = 1;  // of the layout below; another one is not read

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
  out.AddList(position->folded, [&](const auto& folded) {
    out.Add(folded.first);
    out.Add(folded.second);
  });
}

std::optional<TraceSource::Position> GetPosition(CheckedReader& in) {
  if (in.Get<uint8_t>() == 0) return std::nullopt;
  TraceSource::Position position{.ring = in.Get<uint64_t>(), .folded = {}};
  in.GetList([&] {
    const auto cell = in.Get<uint32_t>();
    position.folded.emplace_back(cell, in.Get<uint64_t>());
  });
  return position;
}

void Add(ByteWriter& out, const SavedState::Filesystem& filesystem) {
  AddIdentity(out, filesystem.info);
  out.AddOptional(filesystem.counted);
  out.Add(filesystem.fanotify_debt);
  out.AddList(filesystem.devices, [&](const DeviceCounter& counter) { Add(out, counter); });
}

SavedState::Filesystem GetFilesystem(CheckedReader& in) {
  SavedState::Filesystem filesystem;
  filesystem.info = GetIdentity(in);
  filesystem.counted = in.GetOptional<uint64_t>();
  filesystem.fanotify_debt = in.Get<uint64_t>();
  in.GetList([&] { filesystem.devices.push_back(GetCounter(in)); });
  return filesystem;
}

}  // namespace

std::string Encode(const SavedState& state) {
  ByteWriter out;
  out.Add(kVersion);
  out.AddString(state.boot_id);
  out.Add(state.utc_s);
  Add(out, state.trace);
  out.Add(state.losses);
  out.AddOptional(state.kmsg_next);
  out.Add(state.reads_next);
  out.AddList(state.places, [&](const FanotifySource::Place& place) { out.Add(place); });
  out.AddList(state.filesystems, [&](const SavedState::Filesystem& filesystem) { Add(out, filesystem); });
  out.AddList(state.rest, [&](const std::string& stream) { out.AddString(stream); });
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
  in.GetList([&] { state.places.push_back(in.Get<FanotifySource::Place>()); });
  in.GetList([&] { state.filesystems.push_back(GetFilesystem(in)); });
  in.GetList([&] {
    state.rest.push_back(in.GetString());
    if (!ParseStream(std::as_bytes(std::span(state.rest.back())))) in.Fail();
  });
  if (in.has_failed() || !in.is_at_end()) return std::nullopt;
  return state;
}

namespace {

constexpr size_t kMostGaps = 256;  // file systems: the last one is then for all that are left

SourceId FirstSource(const Notification& notification) {
  if (notification.gap) return notification.gap->source;
  for (int i = 0; i < kSourceCount; ++i)
    if (notification.sources.Has(static_cast<SourceId>(i))) return static_cast<SourceId>(i);
  return SourceId::kTrace;
}

}  // namespace

void CountRest(SavedState& state, const Host& host) {
  std::vector<Notification> gaps;
  for (const std::string& stream : std::exchange(state.rest, {})) {
    const auto parsed = ParseStream(std::as_bytes(std::span(stream)));
    if (!parsed) continue;
    const Notification& one = parsed->notification;
    auto found = std::ranges::find_if(gaps, [&](const Notification& gap) {
      return gap.filesystem.dev == one.filesystem.dev && IsSame(gap.filesystem, one.filesystem);
    });
    if (found == gaps.end() && gaps.size() < kMostGaps) {
      gaps.push_back(GapFor(one, FirstSource(one)));
      gaps.back().filesystem.mounts.clear();
      found = gaps.end() - 1;
    } else if (found == gaps.end()) {
      found = gaps.end() - 1;  // it is of no single one from here on
      found->filesystem = {};
    }
    AddTo(*found->gap, one);
  }
  for (const Notification& gap : gaps) AppendStream(gap, host, state.rest.emplace_back());
}

bool IsSame(const FilesystemInfo& saved, const FilesystemInfo& found) {
  if (saved.type != found.type) return false;
  if (saved.uuid || found.uuid) return saved.uuid == found.uuid;
  return saved.dev == found.dev && saved.fsid == found.fsid;
}

}  // namespace fsherald
