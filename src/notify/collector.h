// SPDX-License-Identifier: MIT
// Collector: takes what all sources have, in the order that the join relies on (join/join.h): counters, fanotify, then what the kernel
// says before both. What is drained may name a device that is in no mount table; the look at it that follows comes amid a collection.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/poller.h"
#include "join/join.h"
#include "notify/counter_reads.h"
#include "notify/observed.h"
#include "notify/sources.h"
#include "notify/translator.h"
#include "source/raw_reads.h"
#include "source/signal.h"
#include "source/xfs_health.h"

namespace fsherald {

// One thread. The parts must outlive it.
class Collector {
 public:
  struct Parts {
    Sources& sources;
    XfsHealthSource* health;  // null: it was not asked for
    RawReads* reads;          // null: what was taken goes back to the kernel at once
    Poller& poller;
    Translator& translator;
    Join& join;  // which readings of counters need no signal
    Observed& observed;
  };
  struct Handlers {
    std::function<void(Signal&&, uint64_t now_ns)> add;
    // Whether fanotify wakes us for each error of that file system which it tells.
    std::function<bool(FilesystemKey)> is_marked;
  };
  Collector(Parts parts, Handlers handlers) : parts_(parts), handlers_(std::move(handlers)) {}

  // Where an earlier one had come to whose programs are ours now.
  void GoOnFrom(const TraceSource::Losses& losses) { losses_ = losses; }

  // A file system's counter is there, and tells of its rise or not; or it is there no more.
  void Begin(FilesystemKey key);
  void End(FilesystemKey key);
  // Its counter is read with the next collection, though it has told of no rise.
  void Read(FilesystemKey key) { unread_.insert(key); }
  // It is no longer marked: its records wake us again.
  void Unmark(FilesystemKey key);
  // A signal of it was added.
  void Told(FilesystemKey key, uint64_t now_ns) { counter_reads_.Told(key, now_ns); }

  // The counters among these descriptors.
  std::vector<CounterSource::Event> Risen(const std::vector<int>& ready) const;
  void Collect(const std::vector<CounterSource::Event>& risen, uint64_t now_ns);
  // With all counters, whether they have risen or not.
  void CollectAll(uint64_t now_ns);
  // The same, and lines whose rest has not come: nothing more will.
  void CollectLast(uint64_t now_ns);
  void ReadKmsg(uint64_t now_ns);

  bool is_collecting() const { return is_collecting_; }
  // What was said of a file system before it went belongs to it. Amid a collection it is added at its end: read later, it would be of
  // the next mounting, or of nobody.
  void CollectBeforeEnd();

  // Whether something was unmounted, as a health monitor says; asking forgets it.
  bool TakeMountHint() { return std::exchange(mount_hint_, false); }
  const TraceSource::Losses& losses() const { return losses_; }
  uint64_t refused() const { return refused_; }
  // When to collect though no descriptor is ready; empty: never.
  std::optional<uint64_t> due_ns(uint64_t now_ns) const;

 private:
  // A counter as it stood before the sources were drained.
  struct ErrorCount {
    FilesystemKey key;
    uint64_t boottime_ns = 0;
    uint64_t errors = 0;
  };

  std::vector<ErrorCount> ReadCounts(const std::vector<CounterSource::Event>& risen);
  bool ReadCount(FilesystemKey key, std::vector<ErrorCount>& counts);
  std::vector<Signal> ReadSilent(uint64_t now_ns);
  void DrainTrace(uint64_t now_ns);
  void Hush(uint32_t cell, FilesystemKey key);
  void AddLosses(uint64_t now_ns);
  void AddFanotify(const FanotifyEvents& events, uint64_t now_ns);
  void AddCounters(const std::vector<ErrorCount>& counts, uint64_t now_ns);

  const Parts parts_;
  const Handlers handlers_;
  CounterReads counter_reads_;
  std::set<FilesystemKey> unread_;
  std::map<uint32_t, FilesystemKey> hushed_;  // cells that wake us by fanotify alone
  TraceSource::Losses losses_;
  uint64_t drained_boottime_ns_ = BoottimeNowNs();
  std::vector<FanotifyEvents> early_;  // taken amid this collection
  bool is_collecting_ = false;
  bool mount_hint_ = false;
  uint64_t refused_ = 0;  // fanotify's records, and the health monitors'
};

}  // namespace fsherald
