// SPDX-License-Identifier: MIT
// WatchedFilesystems: which mountings are watched, from when on, and by which sources. A look at the mount table tells what has come
// and gone; each source, the join and what else keeps something of a file system is told so from here.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/poller.h"
#include "join/join.h"
#include "mount/mount_table.h"
#include "notify/collector.h"
#include "notify/coverage.h"
#include "notify/earlier.h"
#include "notify/observed.h"
#include "notify/saved_state.h"
#include "notify/sources.h"
#include "notify/state_watch.h"
#include "notify/traced_errors.h"
#include "notify/translator.h"
#include "notify/watched_filesystem.h"
#include "source/fuse_servers.h"
#include "source/xfs_health.h"

namespace fsherald {

// One thread. The parts must outlive it.
class WatchedFilesystems {
 public:
  struct Parts {
    Sources& sources;
    XfsHealthSource* health;  // null: it was not asked for
    FuseServers& servers;
    MountTable& mounts;
    Poller& poller;
    Collector& collector;
    Translator& translator;
    Join& join;
    Earlier& earlier;
    TracedErrors& traced_errors;
    StateWatch& states;
    Observed& observed;
  };
  struct Options {
    std::vector<std::string> paths;                // only the file systems that these lie on; empty: all
    std::function<void(FilesystemKey)> forgotten;  // nothing more can come of it; may be empty
    std::function<void()> looked;                  // at the mount table: what is complete is to be told
  };
  WatchedFilesystems(Parts parts, Options options);

  // Looks at the mount table. Once at a time: what is drained before an end may name a device that is in no mount table either.
  Status Refresh();
  // For what was there at that moment and is in no mount table. Where nothing has changed, what a look since then has not found is
  // mounted where we do not see it; and no more than so many looks between two NextRounds.
  void LookFor(uint64_t boottime_ns);
  void NextRound() { looks_this_round_ = 0; }

  // The mount table may have changed: asks those who read the sources, or the kernel (poll(2)). True until the next look.
  bool TakeHints();
  bool TakeChange();
  bool is_hinted() const { return is_hinted_; }

  // What ended amid a collection is closed when all of that is in the join.
  void CloseEnded();

  // Of a file system that is in no mount table, trace and log still belong together.
  void Meet(FilesystemKey key);
  void CloseUnwatched();

  bool IsWatched(FilesystemKey key) const { return watched_.contains(key); }
  bool IsMarked(FilesystemKey key) const;  // by fanotify
  // What happened before is of the past. Empty: it is not watched.
  std::optional<uint64_t> WatchedSinceNs(FilesystemKey key) const;
  std::optional<FilesystemKey> KeyOf(DeviceNumber dev) const;  // of one that any source covers
  // One that was saved, where it is mounted now; null: it is not.
  const Mounting* MountedAs(const FilesystemInfo& info) const;

  // Whether a path lies on a file system that nobody covers.
  Status CheckPaths() const;
  // What the mount options say by now.
  void LookAtOptions(uint64_t now_ns);

  std::vector<WatchedFilesystem> All() const;
  std::vector<SavedState::Filesystem> Save(const std::vector<Join::Account>& accounts) const;
  // Of the health monitor, which is found out only where an XFS is mounted.
  SourceReport HealthReport() const;

 private:
  struct Watched {
    JoinCoverage coverage;
    std::optional<CounterReading> past;
    std::string mark_refused;                  // why fanotify does not cover it, where it should
    std::string health_refused;                // the same of its health monitor
    uint64_t since_boottime_ns = 0;            // what happened before is the past
    MountState state = MountState::kWritable;  // as last seen
  };
  struct Gone {
    FilesystemKey key;
    uint64_t boottime_ns = 0;
  };

  Status Look();
  void Begin(const Mounting& mounting);
  void End(const Mounting& mounting);
  void Change(const Mounting& mounting);
  void Close(FilesystemKey key);
  void Forget(uint64_t before_boottime_ns);

  // Where the account of a file system begins.
  struct Past {
    std::optional<uint64_t> base;                 // its counter then; empty: not known
    std::optional<CounterReading> found;          // its counters but for what is new, which is told by itself
    std::optional<SavedState::Filesystem> saved;  // by an earlier monitor
    uint64_t told_ahead = 0;                      // by it: told already, and not counted yet
  };
  void ReadCounters(const Mounting& mounting, Watched& watched);
  Past PastOf(const Mounting& mounting, const Watched& watched);
  void CoverByLogAndTrace(const Mounting& mounting, Watched& watched);
  void Mark(const Mounting& mounting, Watched& watched);
  void AddHealth(const Mounting& mounting, Watched& watched);
  JoinCoverage CoverageAmid(const Mounting& mounting, const Watched& watched) const;
  uint64_t NewErrors(const Mounting& mounting, const CounterReading& reading);
  void LookAt(const Mounting& mounting, uint64_t now_ns);
  void PollCounters();
  void ForgetUnwatched();
  bool IsWanted(const Mounting& mounting) const;
  Sight SightOf(const std::string& type, const JoinCoverage& coverage) const;

  const Parts parts_;
  const Options options_;
  const std::string kernel_release_;
  std::map<FilesystemKey, Watched> watched_;
  std::set<FilesystemKey> unwatched_;  // that the join knows all the same
  std::vector<FilesystemKey> ended_;   // amid a collection
  std::deque<Gone> gone_;              // lately; the earliest first
  int64_t looked_utc_s_ = 0;
  uint64_t look_began_boottime_ns_ = 0;
  int looks_this_round_ = 0;  // because of a device that is in no mount table
  bool is_looking_ = false;
  bool is_hinted_ = false;
  bool is_armed_ = false;  // the first look is over
};

}  // namespace fsherald
