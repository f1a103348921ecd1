// SPDX-License-Identifier: MIT
#include "daemon/daemon_state.h"

#include <cerrno>
#include <utility>

#include "base/byte_writer.h"
#include "record/saved_parts.h"

namespace fsherald {
namespace {

constexpr uint32_t kVersion = 1;  // of the layout below; another one is not read

void Add(ByteWriter& out, const Producer::Progress& progress) {
  out.Add(progress.ring);
  out.AddList(progress.read.lanes, [&](uint64_t read) { out.Add(read); });
  out.Add(progress.read.counted);
  out.AddOptional(progress.read.cell_ticks);
}

Producer::Progress GetProgress(CheckedReader& in) {
  Producer::Progress progress{.ring = in.Get<uint64_t>(), .read = {}};
  in.GetList([&] { progress.read.lanes.push_back(in.Get<uint64_t>()); });
  progress.read.counted = in.Get<uint64_t>();
  progress.read.cell_ticks = in.GetOptional<uint64_t>();
  return progress;
}

}  // namespace

std::string Encode(const DaemonState& state, const Host& host) {
  ByteWriter out;
  out.Add(kVersion);
  out.Add(state.told);
  out.AddString(state.monitor);
  out.AddString(state.health);
  out.AddList(state.unreleased, [&](const Producer::Progress& progress) { Add(out, progress); });
  AddNotifications(out, state.unstored, host);
  return std::move(out.bytes());
}

Result<Committed> Commit(DaemonState state, SavedState monitor, const Host& host, Journal& journal) {
  state.monitor = Encode(monitor);
  Status committed = journal.Commit(Encode(state, host));
  if (committed) return Committed::kWhole;
  if (committed.error().code != ENOSPC || monitor.rest.empty()) return committed.error();
  CountRest(monitor, host);
  state.monitor = Encode(monitor);
  committed = journal.Commit(Encode(state, host));
  if (!committed) return committed.error();
  return Committed::kCounted;
}

std::optional<DaemonState> DecodeDaemonState(Bytes bytes) {
  CheckedReader in(bytes);
  if (in.Get<uint32_t>() != kVersion) return std::nullopt;
  DaemonState state;
  state.told = in.Get<uint64_t>();
  state.monitor = in.GetString();
  state.health = in.GetString();
  in.GetList([&] { state.unreleased.push_back(GetProgress(in)); });
  state.unstored = GetNotifications(in);
  if (in.has_failed() || !in.is_at_end()) return std::nullopt;
  return state;
}

}  // namespace fsherald
