// SPDX-License-Identifier: MIT
// fserror_report (fs/fserror.c, from Linux 7.0): the one function by which file systems hand an error to fanotify. It may
// find no memory for that, and then says so in the log:
//
//   D: lost file I/O error report for ino I type T pos 0xP len 0xL error E
//   D: lost filesystem error report for type T error E
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "filesystem/filesystem.h"

namespace fsherald {

std::span<const std::string_view> FserrorPrefixes();

// Pure; the line may be anything.
std::optional<ErrorReport> ParseFserrorLine(std::string_view line);

// A call of the function, as TracePoint::kFserror: it tells again what the file system has said, if it has said anything.
std::optional<ErrorReport> ParseFserrorEvent(const TraceEvent& event);

bool IsFserrorHelper(std::string_view function);

}  // namespace fsherald
