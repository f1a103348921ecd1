// SPDX-License-Identifier: MIT
#include "cli/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

namespace fsherald {

Result<Fd> OpenEndingSignals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&set, signal);
  ::signal(SIGPIPE, SIG_IGN);
  if (::pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) return ErrnoError("block", "signals");
  Fd fd(::signalfd(-1, &set, SFD_CLOEXEC));
  if (!fd) return ErrnoError("signalfd", "");
  return fd;
}

int ReadSignal(int fd) {
  signalfd_siginfo info{};
  if (::read(fd, &info, sizeof info) != sizeof info) return 0;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace fsherald
