// SPDX-License-Identifier: MIT
#include "cli/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <initializer_list>

namespace fsherald {

namespace {

Result<Fd> OpenSignals(std::initializer_list<int> signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (int signal : signals) ::sigaddset(&set, signal);
  ::signal(SIGPIPE, SIG_IGN);
  if (::pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) return ErrnoError("block", "signals");
  Fd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return ErrnoError("signalfd", "");
  return fd;
}

}  // namespace

Result<Fd> OpenEndingSignals() { return OpenSignals({SIGINT, SIGTERM, SIGHUP}); }
Result<Fd> OpenKeeperSignals() { return OpenSignals({SIGINT, SIGTERM, SIGHUP, SIGCHLD}); }

int ReadSignal(int fd) {
  signalfd_siginfo info{};
  if (::read(fd, &info, sizeof info) != sizeof info) return 0;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace fsherald
