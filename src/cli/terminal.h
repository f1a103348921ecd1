// SPDX-License-Identifier: MIT
// What the command line knows of its streams: which are terminals, which are open, whether colour is wanted.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "notify/host.h"

namespace fsherald {

enum class Color { kAuto, kAlways, kNever };

// kAuto: a terminal, and neither NO_COLOR nor TERM=dumb is set.
bool UseColor(Color color, int fd);

// How wide the terminal is, between 40 and 120 columns; 100 where it is none.
size_t TerminalColumns(int fd);

// Whether it is a terminal that shows UTF-8, by the locale in the environment.
bool IsUtf8Terminal(int fd);

// Puts /dev/null in the place of a standard stream that is closed, lest a file that is opened later take its number.
// Error: stdout was closed, so nothing could be told.
Status CheckStandardStreams();

// All of it. Errors: as write(2) gives them.
Status WriteAll(int fd, std::string_view text);

// Talk: whole lines on stderr. That nobody listens is no error.
void Say(std::string_view lines);

// "fsherald: SENTENCE" on stderr, control bytes escaped.
void Complain(std::string_view sentence);

}  // namespace fsherald
