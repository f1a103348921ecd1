// SPDX-License-Identifier: MIT
// Recorder: brings what the journal holds into the store, on a thread of its own, so that a disk that is slow, full or frozen
// delays nobody. Where the store cannot be written to, a second one in memory (in /run) takes its place until it can, and is
// merged into it then.
//
//   committed ──► [journal] ──► store          while it works
//                     └───────► second store   while it does not: the disk is full, read-only, gone, or has not answered
//                                    └─────► store, once it works again
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "daemon/journal.h"
#include "store/store.h"

namespace fsherald {

class Recorder {
 public:
  struct Options {
    Store::Options store;
    Store::Options second;  // in memory
    Host host;
    uint64_t group_ns = 5'000'000;           // how long the first of a transaction waits for others
    size_t group_size = 256;                 // so many do not wait
    uint64_t patience_ns = 2'000'000'000;    // of a store that does not answer
    uint64_t retry_ns = 1'000'000'000;       // the first; each next one is twice as late, up to
    uint64_t max_retry_ns = 60'000'000'000;  // this
  };

  // What an earlier process had left in the second store is merged first, if the store works. Waits for the store no longer than
  // `patience_ns`. Errors: no thread can be made.
  static Result<std::unique_ptr<Recorder>> Start(Options options, std::shared_ptr<Journal> journal);
  ~Recorder();

  // What was there when it started: of the store, or of the second one where that is ahead. Empty: nobody could tell, as the
  // store could not be read; it may have any number.
  std::optional<uint64_t> last_seq() const { return last_seq_; }
  const std::string& cursors() const { return cursors_; }

  // Something was committed to the journal. Never waits.
  void Committed(size_t notifications);

  // Sentences for the operator: what has become of the store. poll(2) says POLLIN on fd() when there are some.
  int fd() const;
  std::vector<std::string> TakeWords();

  // Stores what waits, for as long as `most_ns`. False: something is left in the journal.
  bool Finish(uint64_t most_ns);

  // Of the store, and who may read it (Store::Options), from now on.
  void SetLimits(uint64_t max_bytes, uint64_t max_age_s, std::optional<gid_t> group);

 private:
  class Impl;
  Recorder() = default;
  std::shared_ptr<Impl> impl_;  // its threads' too: one that hangs in the kernel may outlive us
  std::optional<uint64_t> last_seq_;
  std::string cursors_;
};

}  // namespace fsherald
