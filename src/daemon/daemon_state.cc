// SPDX-License-Identifier: MIT
#include "daemon/daemon_state.h"

#include <span>
#include <utility>

#include "base/byte_writer.h"
#include "record/stream.h"

namespace fsherald {
namespace {

constexpr uint32_t kVersion = 1;  // of the layout below; another one is not read

void Add(ByteWriter& out, const Producer::Progress& progress) {
  out.Add(progress.ring);
  out.Add(static_cast<uint32_t>(progress.read.lanes.size()));
  for (uint64_t read : progress.read.lanes) out.Add(read);
  out.Add(progress.read.counted);
  out.AddOptional(progress.read.cell_ticks);
}

Producer::Progress GetProgress(CheckedReader& in) {
  Producer::Progress progress{.ring = in.Get<uint64_t>(), .read = {}};
  for (size_t left = in.GetCount(); left > 0 && !in.has_failed(); --left)
    progress.read.lanes.push_back(in.Get<uint64_t>());
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
  out.Add(static_cast<uint32_t>(state.unreleased.size()));
  for (const Producer::Progress& progress : state.unreleased) Add(out, progress);
  out.Add(static_cast<uint32_t>(state.unstored.size()));
  for (const Notification& gap : state.unstored) {
    std::string bytes;
    AppendStream(gap, host, bytes);
    out.AddString(bytes);
  }
  return std::move(out.bytes());
}

std::optional<DaemonState> DecodeDaemonState(Bytes bytes) {
  CheckedReader in(bytes);
  if (in.Get<uint32_t>() != kVersion) return std::nullopt;
  DaemonState state;
  state.told = in.Get<uint64_t>();
  state.monitor = in.GetString();
  state.health = in.GetString();
  for (size_t left = in.GetCount(); left > 0 && !in.has_failed(); --left) state.unreleased.push_back(GetProgress(in));
  for (size_t left = in.GetCount(); left > 0 && !in.has_failed(); --left) {
    const std::string stream = in.GetString();
    auto parsed = ParseStream(std::as_bytes(std::span(stream)));
    if (!parsed) return std::nullopt;
    state.unstored.push_back(std::move(parsed->notification));
  }
  if (in.has_failed() || !in.is_at_end()) return std::nullopt;
  return state;
}

}  // namespace fsherald
