// SPDX-License-Identifier: MIT
// A notification as a block of lines for people: what, where, which file, by whom, how often.
#pragma once

#include <string>
#include <string_view>

#include "record/notification.h"

namespace fsherald {

struct TextOptions {
  bool color = false;        // ANSI escape sequences; not for a pipe
  bool stack = true;         // the innermost frames of the call stack
  bool dated = false;        // with the date and the number (seq) before it: of what is not just now
  bool whole_stack = false;  // all frames
};

// Appends a block of lines, each ended by a newline, an empty line at the end. Times are local (TZ). Control bytes in
// names and messages are escaped (base/text.h).
void AppendText(const Notification& notification, const Host& host, const TextOptions& options, std::string& out);

// Why a state has changed: "cleared by the operator (uid 0): disk replaced". Control bytes are escaped.
std::string WhyWords(const HealthChange& change);

// "fanotify, trace", with ", " `between` them.
std::string SourceNames(SourceSet sources, std::string_view between);

}  // namespace fsherald
