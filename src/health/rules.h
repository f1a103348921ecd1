// SPDX-License-Identifier: MIT
// The rules of health: which state what happens leads to, and by which rule. The table is data: docs/health.md shows it, and the
// test compares the two.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "record/notification.h"

namespace fsherald {

// What can happen to a file system, as far as its state goes.
enum class HealthEvent {
  // A notification of it:
  kError,         // an error, not corrected, and to be trusted
  kMadeReadOnly,  // kind read_only
  kShutdown,      // kind shutdown
  kCorrected,     // an error that has been put right
  kUntrusted,     // anything that only user space has said
  kGap,           // a counted loss
  kHealthy,       // all that it had marked as damaged is healthy, and no other error is known of it
  // What it was seen to do:
  kCountersReset,  // its own counters are lower than they were
  kScrubbed,       // a scrub of all its devices has ended, and no error was told from its beginning on
  kRemounted,      // writable, after it had made itself read-only
  kEnded,          // its last mount is gone
  // What it is found to be when it is looked at for the first time: at the start of the daemon, or when it has been mounted:
  kFoundWell,   // nothing shows an error, or nothing is kept that would
  kFoundReset,  // its own counters know of no error, and they did
  kFoundPast,   // they know of errors of before this boot, or of a time that is not kept
  kFoundErrors,
  kFoundReadOnly,
  kFoundShutDown,
  // The operator:
  kCleared,
};
inline constexpr int kHealthEventCount = 18;

// The event in the words of docs/health.md.
std::string_view Words(HealthEvent event);

struct HealthStep {
  HealthState to = HealthState::kWell;
  HealthRule rule = HealthRule::kErrors;
  friend bool operator==(const HealthStep&, const HealthStep&) = default;
};

// Empty: it stays as it is.
std::optional<HealthStep> Next(HealthState from, HealthEvent event);

// The states of the table, in the order of its columns: all that a watched file system can be in.
std::span<const HealthState> HealthStates();

// The table as docs/health.md has it: in Markdown, a line an event.
std::string HealthTable();

}  // namespace fsherald
