// SPDX-License-Identifier: MIT
// DaemonState: what one daemon leaves to the next, beside the notifications: in the journal with each commit, and in the store
// with the notifications that it belongs to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "daemon/journal.h"
#include "daemon/producer.h"
#include "notify/saved_state.h"
#include "record/notification.h"

namespace fsherald {

struct DaemonState {
  uint64_t told = 0;    // the last number that was given
  std::string monitor;  // notify/saved_state.h
  std::string health;   // health/
  // Of the reporter that is being read, and of one that the daemon before was reading and that has not come again.
  std::vector<Producer::Progress> unreleased;
  std::vector<Notification> unstored;  // gaps: what the journal had no room for, with the numbers of the first
};

// Commits it with what the monitor is saved as. Where the journal has no room for all of that, what was still being put together
// is in it by its counts alone. Errors: as Journal::Commit; nothing has changed.
enum class Committed { kWhole, kCounted };
Result<Committed> Commit(DaemonState state, SavedState monitor, const Host& host, Journal& journal);

std::string Encode(const DaemonState& state, const Host& host);
// Empty: these are not the bytes of a state, or of another version's.
std::optional<DaemonState> DecodeDaemonState(Bytes bytes);

}  // namespace fsherald
