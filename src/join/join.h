// SPDX-License-Identifier: MIT
// The join: puts the signals of one error together into one notification. Pure: signals in, notifications out, the clock an
// argument; no I/O, no thread.
//
// What it relies on, all of it about the order in which the kernel speaks of one ext4 error (facts measured on 6.1, 6.18):
//   1. tracepoint, log line, FAN_FS_ERROR, (error handler's arguments,) counter: in this order, in one task.
//   2. The caller reads fanotify before it drains the tracing ring. So when a fanotify count is here, the trace signals and
//      the lines (by printk's tracepoint) of all errors in it are here too: what has no line then has none (rate limit).
//   3. The caller reads a counter before it drains the sources. So what a reading has and the sources have not told, no
//      source will tell.
//   4. Lines from /dev/kmsg come up to a timer tick late: only for these, and where nothing follows that could close a
//      notification, it waits for the window.
// Counts are exact by bookkeeping: each error is accounted once, by the signal that brought it first; a fanotify count that
// no trace signal explains becomes a notification of its own, and so does a counter's growth that nothing explains.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "join/causes.h"
#include "join/device_counts.h"
#include "join/episodes.h"
#include "source/signal.h"

namespace fsherald {

// Which sources see the errors of one file system: covered, not merely marked.
struct JoinCoverage {
  bool fanotify = false;
  uint64_t fanotify_since_ns = 0;  // when it was marked: of errors before, fanotify tells nothing
  // Errors told just before this mounting was known: the counter may tell them too, or not.
  uint64_t told_amid = 0;
  // The tasks that met errors which were told just before the mark (0: not known which): of each, fanotify may tell the last too.
  std::vector<uint32_t> amid_tasks;
  bool trace = false;
  bool detail = false;           // the error handler's arguments
  bool lines = false;            // the kernel's log, by either way
  bool lines_with_task = false;  // by printk's tracepoint, in order with the trace signals
  bool counters = false;
  bool health = false;  // the file system's own health monitor
  // Fanotify or the health monitor tell again what any of its reports have told: the file system has no books as ext4 has.
  bool echoed = false;
  bool server = false;  // the death of the process that serves it (source/fuse_servers.h)
  friend bool operator==(const JoinCoverage&, const JoinCoverage&) = default;
};

struct Joined {
  FilesystemKey filesystem;
  Notification notification;          // without file system, specific record, path and seq: the caller knows these
  std::optional<ErrorReport> report;  // what the line and the error handler said: the specific record is made of it
};

class Join {
 public:
  struct Options {
    uint64_t window_ns = 5'000'000;            // how long to wait for what may come
    uint64_t fanotify_window_ns = 50'000'000;  // for what will come, but only after a slow console has printed the line
    uint64_t amid_window_ns = kAmidNs;
    Episodes::Options episodes = {};
    Causes::Options causes = {};
  };
  // How long a task may take from an error's tracepoint to fanotify: a slow console stands between them, and it may be kept
  // from running.
  static constexpr uint64_t kAmidNs = 1'000'000'000;
  Join() : Join(Options{}) {}
  explicit Join(Options options) : options_(options), causes_(options.causes) {}

  // Starts a file system, or changes its coverage. `counter_base`: the counter when watching began; growth beyond it is
  // owed. Given again it starts the bookkeeping anew.
  void Open(FilesystemKey key, const JoinCoverage& coverage, std::optional<uint64_t> counter_base);
  // Where the file system counts by device: the counters when watching began, read just before `boottime_ns`.
  void CountDevices(FilesystemKey key, const CounterReading& base, uint64_t boottime_ns);
  // The file system is gone: what is pending leaves at the next Take, then it is forgotten.
  void Close(FilesystemKey key);

  void Add(Signal signal, uint64_t now_ns);

  // Whether a counter that stands at `errors` would tell nothing that the signals so far have not: then its CounterSignal,
  // which costs a dozen files to read, need not be made.
  bool Explains(FilesystemKey key, uint64_t errors);

  // What is complete, or has waited long enough. Equal errors of one Take are one notification with their count.
  // `lines_are_unfinished`: the rest of a line is still being printed; what waits for a line goes on waiting.
  std::vector<Joined> Take(uint64_t now_ns, bool lines_are_unfinished = false);

  // When Take has to be called again though nothing was added; empty: never.
  std::optional<uint64_t> deadline_ns() const;

  // Where the bookkeeping of a file system stands.
  struct Account {
    FilesystemKey filesystem;
    std::optional<uint64_t> counted;     // its counter, as far as its errors were told; empty: it has none
    uint64_t fanotify_debt = 0;          // errors told that fanotify has yet to tell
    std::vector<DeviceCounter> devices;  // where it counts by device
  };
  // What would be told if nothing more came, and the accounts when that has been told: so another join can go on from here. It
  // changes nothing.
  struct Rest {
    std::vector<Joined> joined;
    std::vector<Account> accounts;
  };
  Rest Settle(uint64_t now_ns) const;
  // A Take at this moment takes all.
  static constexpr uint64_t AfterAllWindowsNs(uint64_t now_ns) { return now_ns + 10'000'000'000; }
  // After Open, which takes `counted`; fanotify has the same queue as the join that the account is of.
  void Owe(FilesystemKey key, uint64_t fanotify_debt) { At(key).fanotify_debt = fanotify_debt; }

  // Whether an error of this file system is still being told, in several reports: to close it now would cut that short.
  bool IsBeingTold(FilesystemKey key) const {
    auto it = filesystems_.find(key);
    return it != filesystems_.end() && !it->second.episodes.open().empty();
  }

  // Whether anything of this file system is still to be taken.
  bool Knows(FilesystemKey key) const { return filesystems_.contains(key); }

 private:
  struct Pending {
    uint64_t number = 0;  // of the file system's, in the order of their coming
    Notification told;
    std::optional<ErrorReport> report;
    uint64_t deadline_ns = 0;
    uint64_t fanotify_deadline_ns = 0;
    uint64_t awaits_fanotify = 0;  // errors of it that fanotify has not told yet
    bool awaits_line = false;
    bool awaits_detail = false;
    bool traced = false;
    bool counted = true;
    bool taken = false;
  };
  // A fanotify record, as far as no pending error explains it.
  struct Credit {
    FanotifySignal signal;
    uint64_t left = 0;
    bool described = false;  // its first error, the described one, has been matched
    std::string function;    // where that one was reported
    std::optional<uint32_t> line;
    uint64_t deadline_ns = 0;
  };
  struct Filesystem {
    explicit Filesystem(Episodes::Options options) : episodes(options) {}
    JoinCoverage coverage;
    bool closed = false;
    std::deque<Pending> pending;  // by number
    uint64_t next_number = 0;
    std::map<uint32_t, uint64_t> awaiting_lines;  // by task: its last error of which a line may come
    std::deque<Credit> credits;
    Episodes episodes;           // errors whose reports are told apart by what they are about, not by ext4's order
    uint64_t fanotify_debt = 0;  // errors told before fanotify told them
    // Errors so shortly before the mark that fanotify may tell them, or not: of each task one, for a task tells fanotify of an
    // error before it meets the next.
    uint64_t marked_amid = 0;
    std::set<uint32_t> amid_tasks;
    uint64_t shutdown_told_until_ns = 0;  // by its tracepoint; from Linux 7.0 fanotify tells it too, a moment later
    std::set<std::pair<std::string, uint32_t>> traced_points;
    std::optional<uint64_t> counter_base;
    uint64_t last_count = 0;  // the counter when it was read last
    uint64_t accounted = 0;   // errors since counter_base that were told or are pending
    std::optional<CounterReading> reading;
    std::optional<uint64_t> reading_due_ns;  // when the reading may be held against `accounted`; empty: it has been
    DeviceCounts devices;
    std::deque<CounterSignal> device_readings;  // not yet held against what was told
    std::vector<GapSignal> gaps;
  };

  static void EndLineOf(Filesystem& fs, uint32_t tid);
  void AddTrace(Filesystem& fs, TraceSignal&& signal, uint64_t now_ns);
  void AddDetail(Filesystem& fs, const DetailSignal& signal, uint64_t now_ns);
  void AddLine(Filesystem& fs, LogSignal&& signal, uint64_t now_ns);
  void AddReport(FilesystemKey key, Filesystem& fs, LogSignal&& signal, uint64_t now_ns);
  static void AddDeviceCounters(Filesystem& fs, LogSignal&& signal, uint64_t now_ns);
  void AddForged(FilesystemKey key, LogSignal&& signal);
  void AddEvent(FilesystemKey key, Filesystem& fs, EventSignal&& signal, uint64_t now_ns);
  void AddFanotify(Filesystem& fs, const FanotifySignal& signal, uint64_t now_ns);
  void AddCounter(Filesystem& fs, const CounterSignal& signal, uint64_t now_ns);
  static void MetAmid(Filesystem& fs, uint32_t tid);
  // Fanotify tells, or may tell, of so many errors of it.
  void AwaitFanotify(Filesystem& fs, Pending& pending, uint64_t count) const;
  Pending& NewPending(Filesystem& fs, uint64_t boottime_ns, const Task* task, SourceId source, uint64_t now_ns);

  static void NoticeCleared(Filesystem& fs, uint64_t errors);
  static Pending* FindForLine(Filesystem& fs, const LogSignal& signal);
  static Pending* FindForDetail(Filesystem& fs, const DetailSignal& signal);
  static Pending* FindForFanotify(Filesystem& fs, const FanotifySignal& signal);
  void MatchFanotify(Filesystem& fs, uint64_t now_ns) const;
  void Assign(Filesystem& fs, Credit& credit, Pending& pending, uint64_t now_ns) const;

  bool IsQuiet() const;
  std::vector<Account> Accounts() const;
  bool Done(const Pending& pending, const Filesystem& fs, uint64_t now_ns) const;
  void TakePending(FilesystemKey key, Filesystem& fs, uint64_t now_ns, std::vector<Joined>& out);
  void TakeEpisodes(FilesystemKey key, Filesystem& fs, uint64_t now_ns, std::vector<Joined>& out);
  static void TakeCauses(std::vector<Causes::Cause> causes, std::vector<Joined>& out);
  void TakeCredits(FilesystemKey key, Filesystem& fs, uint64_t now_ns, std::vector<Joined>& out) const;
  Joined ToldByCounter(FilesystemKey key, const DeviceCounts::Growth& growth);
  void SettleDevices(FilesystemKey key, Filesystem& fs, std::vector<Joined>& out);
  static void SettleCounter(FilesystemKey key, Filesystem& fs, uint64_t now_ns, std::vector<Joined>& out);

  Filesystem& At(FilesystemKey key) { return filesystems_.try_emplace(key, options_.episodes).first->second; }

  Options options_;
  Causes causes_;
  bool lines_are_unfinished_ = false;
  static constexpr size_t kMaxForged = 1024;  // between two Takes
  std::vector<Joined> forged_;                // lines that user space wrote to the log
  std::optional<GapSignal> forged_lost_;
  std::map<FilesystemKey, Filesystem> filesystems_;
};

}  // namespace fsherald
