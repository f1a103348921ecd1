// SPDX-License-Identifier: MIT
#include "cli/terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>

#include "base/text.h"

namespace fsherald {

bool UseColor(Color color, int fd) {
  if (color != Color::kAuto) return color == Color::kAlways;
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  if (no_color != nullptr && *no_color != '\0') return false;
  return ::isatty(fd) == 1 && !(term != nullptr && std::string_view(term) == "dumb");
}

size_t TerminalColumns(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 100;
  return std::clamp<size_t>(size.ws_col, 40, 120);
}

bool IsUtf8Terminal(int fd) {
  if (::isatty(fd) != 1) return false;
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    std::string codeset(value);
    std::ranges::transform(codeset, codeset.begin(), [](unsigned char c) { return std::tolower(c); });
    return codeset.find("utf-8") != std::string::npos || codeset.find("utf8") != std::string::npos;
  }
  return false;
}

Status CheckStandardStreams() {
  bool stdout_open = ::fcntl(STDOUT_FILENO, F_GETFD) >= 0;
  // Each open takes the lowest free number: 0, 1, 2 until none of them is free.
  for (int fd = 0; fd >= 0 && fd <= STDERR_FILENO;) {
    fd = ::open("/dev/null", O_RDWR);
    if (fd > STDERR_FILENO) ::close(fd);
  }
  if (!stdout_open) return Error{"standard output is closed: there is nowhere to write to", 0};
  return {};
}

Status WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoError("write", "standard output");
    text.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

void Say(std::string_view lines) {
  while (!lines.empty()) {
    ssize_t written = ::write(STDERR_FILENO, lines.data(), lines.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return;
    lines.remove_prefix(static_cast<size_t>(written));
  }
}

void Complain(std::string_view sentence) {
  std::string line = "fsherald: ";
  AppendForTerminal(sentence, line);
  line += '\n';
  Say(line);
}

}  // namespace fsherald
