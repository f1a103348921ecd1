// SPDX-License-Identifier: MIT
// `fsherald show ID`: everything that is known of one notification, and what to do next.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/terminal.h"
#include "store/entry.h"

namespace fsherald {

struct ShowOptions {
  uint64_t id = 0;  // its seq
  std::string store;
  bool json = false;
  Color color = Color::kAuto;
};

// Returns the exit code: 1 there is none of this ID, 3 there is no history, 4 not permitted to read it.
int RunShow(const ShowOptions& options);

// The errors of a file system that followed each other closely, and what they led to.
struct IncidentSpan {
  uint64_t first_seq = 0;
  uint64_t last_seq = 0;
  int64_t first_utc_ns = 0;
  int64_t last_utc_ns = 0;
  uint64_t notifications = 0;
  uint64_t errors = 0;
};

// Adds one of its notifications.
void Extend(IncidentSpan& incident, const Entry& entry);

struct ShowLook {
  size_t width = 100;
  bool color = false;
  bool same_boot = false;                               // it was told in this boot
  std::optional<IncidentSpan> incident = std::nullopt;  // that it belongs to
};

// The whole record as text, then the next steps. Pure.
std::string ShowText(const Entry& entry, const ShowLook& look);

}  // namespace fsherald
