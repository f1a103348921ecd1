// SPDX-License-Identifier: MIT
// Replays: subscribers that want what was told before they came, each from a number of its own on. A replay is read from the
// store by pieces, then from what the journal's memory has, which is all that was appended last: so where it comes to the end, it
// has come to the last number told, in that turn of the main thread, and its subscriber is live.
//
//   1 ─────────── store ───────────┐
//                 └─ kept_after_seq ┴── journal's memory ── told ──► live
//
// The two overlap: what leaves the memory was stored before, and a piece of the store is asked for again until it has been.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "daemon/history_reader.h"
#include "daemon/journal.h"
#include "daemon/replay_line.h"
#include "record/notification.h"

namespace fsherald {

// Of one subscriber.
class Replay {
 public:
  virtual ~Replay() = default;
  enum class Came {
    kSome,   // and there may be more
    kLater,  // nothing now: a piece is being read
    kAll,    // with what came now all is told that has a number: from here on it is live
  };
  // Appends whole notifications, `most` bytes at the most: at least FSHERALD_MAX_NOTIFICATION_BYTES * 2.
  virtual Came Read(size_t most, std::string& out) = 0;
};

// One thread.
class Replays {
 public:
  struct Options {
    std::string store;   // directories
    std::string second;  // of what stands in for the store
    Host host;
    uint64_t begun_seq = 0;  // up to here nothing is in the journal, whatever it says
    std::function<uint64_t()> told;
    // Gaps that count what was told and found no room in the journal, by rising numbers; they are in the store later.
    std::function<std::vector<const Notification*>()> unstored;
  };
  // Errors: as HistoryReader::Start.
  static Result<std::unique_ptr<Replays>> Start(Options options, std::shared_ptr<Journal> journal);
  ~Replays();

  // Of all above `since`; must not outlive this.
  std::unique_ptr<Replay> Begin(uint64_t since);

  // poll(2) says POLLIN when a piece has come: Pump, then those that were told kLater may Read again.
  int fd() const;
  void Pump();

 private:
  class One;
  Replays(Options options, std::shared_ptr<Journal> journal, std::unique_ptr<HistoryReader> reader);

  Options options_;
  std::shared_ptr<Journal> journal_;
  std::unique_ptr<HistoryReader> reader_;
  std::map<uint64_t, One*> all_;
  uint64_t begun_ = 0;
};

}  // namespace fsherald
