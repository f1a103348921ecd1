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
//   5. An episode is complete when nothing has joined it for as long as its last report said (`more`), and fanotify has had the
//      time to tell it, where it will.
//   6. What tells an error again by another interface (ErrorReport::echo) joins it, or is dropped if it has been told; if it
//      is of none, it is an error by itself (echoes.h).
//
// Pure, like the join that owns it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "join/echoes.h"
#include "source/signal.h"

namespace fsherald {

class Episodes {
 public:
  struct Options {
    uint64_t window_ns = 5'000'000;                // after a report that nothing need follow
    uint64_t slow_window_ns = 100'000'000;         // after one that more will follow, each behind a slow console
    uint64_t speculative_window_ns = 200'000'000;  // for who wanted what was read ahead
    uint64_t echo_window_ns = 50'000'000;          // for fanotify's record, which a worker of the kernel makes
    uint64_t remembered_ns = 1'000'000'000;        // how late it may be
  };

  // What tells this file system's errors again.
  struct Expected {
    bool fanotify = false;
    bool of_any = false;        // of any error that it reports; false: of what is marked alone (told_by_fanotify)
    bool before_lines = false;  // an error's lines may come after its record
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
    EchoBooks books;
    bool is_echo = false;  // only echoes have told it so far
    bool kind_is_known = true;
    bool is_folded = false;
    uint64_t echo_deadline_ns = 0;
    uint64_t due_ns() const { return std::max(deadline_ns, echo_deadline_ns); }
  };

  explicit Episodes(Options options) : options_(options) {}

  void Expect(const Expected& expected) { expected_ = expected; }

  void Add(LogSignal signal, uint64_t now_ns);
  void Add(EventSignal signal, uint64_t now_ns);
  // A record of fanotify, of a file system whose errors are all told here.
  void AddRecord(const FanotifySignal& record, uint64_t now_ns);

  // Of a file system that has books of its own: whether the record describes an error that is told here, and owes it.
  bool TakeDescribed(const FanotifySignal& record, uint64_t now_ns);
  // How many of `count` errors that nothing describes are owed here.
  uint64_t TakeOwed(uint64_t count, uint64_t now_ns);

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

  // An error that was told, and may be told again.
  struct Past {
    EchoTarget target;
    uint64_t until_ns = 0;
  };
  static EchoTarget TargetOf(const Episode& episode);
  std::vector<EchoTarget> Targets(uint64_t now_ns);
  void AddEcho(Said said, uint64_t now_ns);
  void TakeEcho(size_t target, ErrorReport::Echo echo, uint64_t count);
  Episode& BeginEcho(const Said& said, uint64_t count);
  Episode* FindEchoOf(const Said& said);
  bool IsEchoOf(const Episode& echo, const Said& said) const;
  Episode& TakeOver(Episode& echo, const Said& said);
  void AwaitEcho(Episode& episode, uint64_t now_ns) const;
  void Remember(const Episode& episode, uint64_t now_ns);

  static constexpr size_t kMaxOpen = 1024;  // beyond it the oldest are taken as complete

  static constexpr size_t kMaxPast = 1024;

  Options options_;
  Expected expected_;
  std::deque<Episode> episodes_;
  std::deque<Past> past_;
};

}  // namespace fsherald
