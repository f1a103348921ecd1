// SPDX-License-Identifier: MIT
#include "daemon.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "watcher.h"

namespace fsherald::system_test {
namespace {

constexpr std::chrono::seconds kPatience{10};

Command DaemonCommand(const std::vector<std::string>& arguments) {
  Command command{.arguments = {Program(), "daemon"}, .environment = {}, .directory = {}};
  command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
  return command;
}

}  // namespace

Daemon::Daemon(const std::vector<std::string>& arguments) : Daemon(DaemonCommand(arguments)) {}

Daemon::Daemon(const Command& command) : err_(MakePipe()), process_(Process::Start(command, {{2, err_.write.get()}})) {
  err_.write.Reset();
  if (!WaitUntilItSays("ready\n", After(kPatience))) Fail("the daemon is not ready: " + talk_);
}

bool Daemon::WaitUntilItSays(const std::string& words, Deadline deadline) {
  while (talk_.find(words) == std::string::npos)
    if (!Read(deadline)) return false;
  return true;
}

bool Daemon::Read(Deadline deadline) {
  pollfd readable{.fd = err_.read.get(), .events = POLLIN, .revents = 0};
  return poll(&readable, 1, MillisecondsUntil(deadline)) == 1 && ReadSome(err_.read.get(), talk_);
}

int Daemon::Stop() {
  process_.Signal(SIGTERM);
  const Deadline deadline = After(kPatience);
  while (Read(deadline)) {
  }
  const int status = process_.Wait(deadline);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void Daemon::Kill() {
  process_.Signal(SIGKILL);
  process_.Wait(After(kPatience));
}

}  // namespace fsherald::system_test
