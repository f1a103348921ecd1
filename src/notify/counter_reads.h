// SPDX-License-Identifier: MIT
// CounterReads: when the counters that tell of no rise are read: once lines have come of their file system and no more are coming,
// and from time to time without any line.
//
// Pure: the clock is an argument.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "source/signal.h"

namespace fsherald {

class CounterReads {
 public:
  // A silent one is watched from now on, or is no more.
  void Begin(FilesystemKey key, uint64_t now_ns);
  void End(FilesystemKey key);

  // A line came of it, or another signal. Nothing of one that is not silent.
  void Told(FilesystemKey key, uint64_t now_ns);
  // All are due now.
  void Hurry(uint64_t now_ns);

  // Those that are to be read now, once.
  std::vector<FilesystemKey> Take(uint64_t now_ns);
  // When Take has any; empty: there is none.
  std::optional<uint64_t> due_ns() const;

 private:
  std::map<FilesystemKey, std::optional<uint64_t>> silent_;  // when it is quiet; empty: nothing came of it
  std::optional<uint64_t> all_due_ns_;
};

}  // namespace fsherald
