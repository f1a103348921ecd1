// SPDX-License-Identifier: MIT
// `fsherald explain`: what an errno, a kind, a function or a notification means, what may be the cause, what to do and what
// not. Only for a notification a history is needed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/terminal.h"

namespace fsherald {

struct ExplainOptions {
  std::string what;            // "EUCLEAN", "117", "-117", "writeback", "ext4_lookup"; a number that is no errno: an ID
  std::optional<uint64_t> id;  // of a notification; then `what` is empty
  std::string store;
  Color color = Color::kAuto;
};

// Returns the exit code: 1 nothing is known of it, 3 there is no history, 4 not permitted to read it.
int RunExplain(const ExplainOptions& options);

}  // namespace fsherald
