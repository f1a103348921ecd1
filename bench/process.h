// SPDX-License-Identifier: MIT
// The program under measurement as a process of its own, its output in memory that it shares with us.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"

namespace fsherald::bench {

// Benchmarks end where they cannot go on; what they made vanishes with them.
[[noreturn]] void Fail(const std::string& sentence);

uint64_t NowNs();  // CLOCK_MONOTONIC

std::vector<std::string> FsheraldWatch(const std::vector<std::string>& arguments);
std::vector<std::string> BareReader(const std::vector<std::string>& mounts);

// Destroying it kills it. Its output is seen as soon as write(2) has copied it: nobody has to be woken to look.
class Reader {
 public:
  // Starts it on a CPU (empty: on any) and waits until it has said "ready".
  explicit Reader(const std::vector<std::string>& argv, std::optional<int> cpu = std::nullopt);
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  double ready_after_ms() const { return ready_after_ms_; }  // from before the fork
  pid_t pid() const { return pid_; }

  // Waits, without sleeping, until a line has been written that was not there at the last Skip. Empty: not in time.
  // Returns the moment.
  std::optional<uint64_t> SpinForLine(uint64_t limit_ns);
  // Passes over what has been written so far; returns how many lines that was since the last Skip.
  size_t Skip();

  // Asks it to end, as Ctrl-C does, and waits for it; returns all that it wrote.
  std::string_view Stop();

  uint64_t PeakMemoryKib() const;             // VmHWM
  uint64_t VoluntarySwitches() const;         // of all its threads
  uint64_t CpuNs() const;                     // the processor time of all its threads
  std::string talk() const { return talk_; }  // stderr, up to "ready"

 private:
  size_t Written(size_t from) const;

  Fd output_;
  const char* text_ = nullptr;
  size_t seen_ = 0;
  Fd errors_;
  std::string talk_;
  pid_t pid_ = -1;
  double ready_after_ms_ = 0;
};

}  // namespace fsherald::bench
