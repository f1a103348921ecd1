// SPDX-License-Identifier: MIT
// `fsherald daemon`, run as a user would; its sockets are in the sandbox ($FSHERALD_RUNTIME_DIR).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "process.h"

namespace fsherald::system_test {

// Destroying it kills it.
class Daemon {
 public:
  // Where its history is, in the sandbox.
  static std::string StoreDirectory();

  // Starts it and waits until it says that it is ready. `arguments` follow `daemon`.
  explicit Daemon(const std::vector<std::string>& arguments = {});
  // The same of a whole command line, whose program becomes the daemon.
  explicit Daemon(const Command& command);
  ~Daemon();

  // Reads what it says until it has said `words`; false: not before the deadline, or it has ended.
  bool WaitUntilItSays(const std::string& words, Deadline deadline);
  void Signal(int signal) const { process_.Signal(signal); }
  // Asks it to end, reads what it still says; its exit code.
  int Stop();
  void Kill();

  // With --keep: kills the daemon that the keeper has started, and waits until the next one is ready.
  void KillKept();

  // How long from the last KillKept until the next daemon was ready.
  std::chrono::nanoseconds last_restart() const { return last_restart_; }
  const std::string& talk() const { return talk_; }  // stderr
  pid_t pid() const { return process_.pid(); }
  // Of the daemon itself, also below a keeper: what it has in memory, and the most that it had so far.
  uint64_t MemoryBytes() const { return StatusBytes("VmRSS:"); }
  uint64_t PeakMemoryBytes() const { return StatusBytes("VmHWM:"); }

 private:
  bool Read(Deadline deadline);
  void WaitUntilReady(size_t times);
  std::optional<pid_t> KeptPid() const;
  uint64_t StatusBytes(const std::string& line) const;

  Pipe err_;
  std::string talk_;
  size_t ready_ = 0;
  std::chrono::nanoseconds last_restart_{0};
  Process process_;
};

}  // namespace fsherald::system_test
