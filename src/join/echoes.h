// SPDX-License-Identifier: MIT
// Echoes: what another interface tells again of an error that its own reports have told, a moment later and in other words. From
// Linux 7.0 a mark of what is sick in XFS is an event of the trace, then a call of fserror_report, then, by a worker of the
// kernel, a record of fanotify and one of the file system's health monitor.
//
//   1. An echo goes to the error that it fits: the same inode or group first; else one that owes an echo; else the only one that
//      it can be of. Where several could be meant it is an error by itself.
//   2. An error takes as many echoes of each interface as it has marks, at least one. So the count of fanotify is never told
//      twice, and what is beyond it is told.
//   3. An error that has been told is remembered for a second: an echo that comes later still is no news.
//
// Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "filesystem/filesystem.h"

namespace fsherald {

// What an error has had of its echoes.
class EchoBooks {
 public:
  using Echo = ErrorReport::Echo;

  // That many reports of which each is told again by all interfaces.
  void Mark(uint64_t count) { marks_ += count; }
  void Take(Echo echo, uint64_t count) { taken_[Index(echo)] += count; }

  uint64_t taken(Echo echo) const { return taken_[Index(echo)]; }
  // How many records of fanotify are certain to come.
  uint64_t owed() const;
  // How many more echoes of this interface it can have. `count`: of the error's own.
  uint64_t Room(Echo echo, uint64_t count) const;

 private:
  static size_t Index(Echo echo) { return static_cast<size_t>(echo); }
  uint64_t marks_ = 0;
  std::array<uint64_t, 4> taken_{};
};

// An error, as far as an echo can be held against it.
struct EchoTarget {
  Kind kind = Kind::kMetadata;
  bool kind_is_known = true;
  bool is_folded = false;  // errors of one point that were only counted: nothing is known of any
  std::optional<int> code;
  std::optional<uint64_t> inode;
  std::optional<uint64_t> group;
  uint64_t count = 1;  // 0: it is healthy again
  EchoBooks books;
};

// Which of the targets, the oldest first, the echo is of. Empty: none, or any of several.
std::optional<size_t> FindEchoed(const ErrorReport& echo, std::span<const EchoTarget> targets);

// Whether an echo that came first can be of the error that this report tells.
bool CanBeOf(const ErrorReport& report, const EchoTarget& echo);

}  // namespace fsherald
