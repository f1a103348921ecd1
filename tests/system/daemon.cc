// SPDX-License-Identifier: MIT
#include "daemon.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <exception>

#include "sandbox.h"
#include "watcher.h"

namespace fsherald::system_test {
namespace {

constexpr std::chrono::seconds kPatience{10};

Command DaemonCommand(const std::vector<std::string>& arguments) {
  Command command{.arguments = {Program(), "daemon"}, .environment = {}, .directory = {}};
  const bool names_store = std::ranges::any_of(
      arguments, [](const std::string& a) { return a.starts_with("--store") || a == "--no-store"; });
  if (!names_store) command.arguments.push_back("--store=" + Daemon::StoreDirectory());
  command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
  return command;
}

}  // namespace

Daemon::Daemon(const std::vector<std::string>& arguments) : Daemon(DaemonCommand(arguments)) {}

Daemon::Daemon(const Command& command) : err_(MakePipe()), process_(Process::Start(command, {{2, err_.write.get()}})) {
  err_.write.Reset();
  WaitUntilReady(1);
}

// Where a test ends by an exception, what the daemon said may be why.
Daemon::~Daemon() {
  if (std::uncaught_exceptions() == 0 || process_.pid() <= 0) return;
  while (Read(After(std::chrono::milliseconds(100)))) {
  }
  std::fprintf(stderr, "the daemon %s said:\n%s\n", process_.HasEnded() ? "has ended, and" : "runs, and",
               talk_.c_str());
}

std::string Daemon::StoreDirectory() { return kSandbox + "/store"; }

void Daemon::WaitUntilReady(size_t times) {
  const Deadline deadline = After(kPatience);
  auto ready = [this] {
    size_t found = 0;
    for (size_t at = talk_.find("\nready\n"); at != std::string::npos; at = talk_.find("\nready\n", at + 1)) ++found;
    return found;
  };
  while (ready() < times)
    if (!Read(deadline)) Fail("the daemon is not ready: " + talk_);
  ready_ = times;
}

std::optional<pid_t> Daemon::KeptPid() const {
  const std::string pid = std::to_string(process_.pid());
  const std::string children = ReadFile("/proc/" + pid + "/task/" + pid + "/children");
  if (children.empty()) return std::nullopt;
  return std::stoi(children);
}

uint64_t Daemon::StatusBytes(const std::string& line) const {
  const std::string status = ReadFile("/proc/" + std::to_string(KeptPid().value_or(pid())) + "/status");
  const size_t at = status.find(line);
  return at == std::string::npos ? 0 : std::stoull(status.substr(at + line.size())) * 1024;
}

void Daemon::KillKept() {
  const std::optional<pid_t> kept = KeptPid();
  if (!kept) Fail("the keeper has no daemon: " + talk_);
  const auto begin = std::chrono::steady_clock::now();
  ::kill(*kept, SIGKILL);
  WaitUntilReady(ready_ + 1);
  last_restart_ = std::chrono::steady_clock::now() - begin;
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
