// SPDX-License-Identifier: MIT
// Programs that the tests run, by posix_spawn and without a shell.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "base/fd.h"

namespace fsherald::system_test {

using Deadline = std::chrono::steady_clock::time_point;
inline Deadline After(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }
// What is left until the deadline, for poll(2); never negative.
int MillisecondsUntil(Deadline deadline);

// The harness fails by throwing: GoogleTest makes a failed test of it, and every owner cleans up on the way.
[[noreturn]] void Fail(const std::string& what);                           // a whole sentence
[[noreturn]] void FailErrno(const std::string& action, int code = errno);  // "mount /mnt/a"

struct Command {
  std::vector<std::string> arguments;              // the first is looked up in PATH
  std::map<std::string, std::string> environment;  // beside our own
  std::string directory;                           // empty: ours
};

// A child process. Destroying it kills it.
class Process {
 public:
  // `keep`: descriptors of ours that become descriptors of the child: {child's, ours}. Those of 0, 1 and 2 that are not
  // named are /dev/null.
  static Process Start(const Command& command, const std::map<int, int>& keep);
  Process(Process&& other) noexcept : pid_(std::exchange(other.pid_, -1)), pidfd_(std::move(other.pidfd_)) {}
  ~Process();

  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_.get(); }
  void Signal(int signal) const;
  bool HasEnded() const;
  // The wait status, as waitpid(2) gives it; fails when the process has not ended by the deadline.
  int Wait(Deadline deadline);

 private:
  Process(pid_t pid, Fd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  pid_t pid_ = -1;
  Fd pidfd_;
};

struct Finished {
  pid_t pid = 0;
  int exit_code = -1;  // -1: killed by a signal
  std::string output;  // stdout and stderr, as they came
};

// Runs a command to its end, for half a minute at the longest.
Finished RunToEnd(const Command& command);
// The same for a command that has to succeed; returns its output.
std::string RunOrFail(const Command& command);

// Reads what is there (the descriptor may block) and appends it; false at the end of the file.
bool ReadSome(int fd, std::string& text);
std::string ReadFile(const std::string& path);
void WriteFile(const std::string& path, const std::string& text);

struct Pipe {
  Fd read;
  Fd write;
};
Pipe MakePipe();

}  // namespace fsherald::system_test
