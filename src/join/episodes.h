// SPDX-License-Identifier: MIT
// Episodes: errors of one file system that are told in several reports. A verifier of XFS speaks in an event, three lines and
// another event; a bad checksum of btrfs in two lines of a worker; a lost page in an event and a line of an interrupt. What
// belongs together, the file system's own module says (ErrorReport: topic, follows, part); this only keeps to it.
//
//   1. A report joins the latest open episode of its topic, and if it follows, else the latest of its task and kind that is
//      not another inode's. Two tasks' reports, each of its own error, are two errors.
//   2. An episode takes each part once: the same part again is the next error.
//   3. What is found by a read-ahead, and then again, is one error: of who wanted it.
//   4. What is counted, but not itself known as an error, goes to what its task has found by the same counter (scrub).
//   5. An episode is complete when nothing has joined it for as long as its last report said (`more`).
//
// Pure, like the join that owns it.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "source/signal.h"

namespace fsherald {

class Episodes {
 public:
  struct Options {
    uint64_t window_ns = 5'000'000;                // after a report that nothing need follow
    uint64_t slow_window_ns = 100'000'000;         // after one that more will follow, each behind a slow console
    uint64_t speculative_window_ns = 200'000'000;  // for who wanted what was read ahead
  };

  // One error, as far as it has been told.
  struct Episode {
    Notification told;   // without what is of the report below
    ErrorReport report;  // what all its reports said
    uint64_t counted = 0;
    uint64_t corrections = 0;  // of its errors, one by one
    uint64_t last_boottime_ns = 0;
    uint64_t deadline_ns = 0;
    uint32_t parts = 0;
    bool stack_is_any = false;  // of who reported for others (ErrorReport::task_is_any)
  };

  explicit Episodes(Options options) : options_(options) {}

  void Add(LogSignal signal, uint64_t now_ns);
  void Add(EventSignal signal, uint64_t now_ns);

  // `count` more errors that the latest episode of this topic stands for. False: there is none.
  bool Count(const std::string& topic, uint64_t count);

  // Those that are complete, or all, oldest first.
  std::vector<Episode> Take(uint64_t now_ns, bool all);

  // When Take has to be called; empty: never.
  std::optional<uint64_t> deadline_ns() const;
  const std::deque<Episode>& open() const { return episodes_; }

 private:
  struct Said {
    uint64_t boottime_ns = 0;
    std::optional<Task> task;
    std::vector<std::string> stack;
    ErrorReport report;
    uint64_t folded = 0;
    SourceSet sources = {};
  };
  void Add(Said said, uint64_t now_ns);
  Episode* Find(const Said& said);
  Episode* FindByTopic(const Said& said);
  Episode* FindByTask(const Said& said);
  Episode* FindCorrected(const Said& said);
  static bool IsOfTask(const Episode& episode, const Said& said);
  template <typename Fits>
  Episode* Latest(const Said& said, Fits fits);
  bool IsNear(const Episode& episode, const Said& said) const;
  Episode& Begin(const Said& said);
  static bool IsToldAgain(const Episode& episode, const ErrorReport& report);
  static void Rewind(Episode& episode, bool speculative);
  static void Merge(Said said, Episode& episode);
  uint64_t WindowNs(const ErrorReport& report) const;

  static constexpr size_t kMaxOpen = 1024;  // beyond it the oldest are taken as complete

  Options options_;
  std::deque<Episode> episodes_;
};

}  // namespace fsherald
