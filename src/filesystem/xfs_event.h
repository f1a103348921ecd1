// SPDX-License-Identifier: MIT
// XFS's own tracepoints: a buffer that could not be read, written or believed, what it thereupon marks as sick, and the
// shutdown.
#pragma once

#include <optional>

#include "filesystem/filesystem.h"

namespace fsherald {

// Empty: it reminds of what was told, or follows from it.
std::optional<ErrorReport> ParseXfsEvent(const TraceEvent& event);

}  // namespace fsherald
