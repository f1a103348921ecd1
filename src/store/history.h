// SPDX-License-Identifier: MIT
// History: reads what a Store has written; while one writes, and while none does. Any number of them in any number of
// processes; read-only, also for a user who may only read the files. One thread each.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/entry.h"

namespace fsherald {

class HistoryImpl;

class History {
 public:
  // error().code == ENOENT: there is no history (no daemon has run yet). EACCES: this user may not read it.
  static Result<std::unique_ptr<History>> Open(const std::string& directory);

  ~History();

  // Empty or zero: all. Times are of the notification itself, both ends inclusive.
  struct Query {
    std::optional<int64_t> since_utc_ns;
    std::optional<int64_t> until_utc_ns;
    std::optional<uint64_t> after_seq;  // only those above it
    std::string filesystem;             // the name of a device, a uuid, a type, or a mount point
    std::optional<Kind> kind;
    std::string function;
    bool newest_first = false;  // else in the order told
    size_t limit = 0;
  };

  // Calls `each` for each row that matches, until it returns false. What damage hides is gone around, and then told by an
  // error of code EUCLEAN after the rest.
  Status ForEach(const Query& query, const std::function<bool(const Entry&)>& each);

  // Empty: there is none, or retention has removed it, or merged it into a row of its burst.
  Result<std::optional<Entry>> Find(uint64_t seq);

  enum class By { kLocation, kFilesystem, kDevice, kInode, kKernel };

  // What errors have in common, and how many they are. Of the parts those that `by` names are there.
  struct Hotspot {
    std::string key;       // for people: "ext4_lookup:1855", "ext4 8cd4...", "loop0", ...; empty: see `is_rest`
    bool is_rest = false;  // those beyond what an hour or a day keeps apart (docs/store.md)
    std::string function;
    std::optional<uint32_t> line;
    std::string type;
    std::string device;
    std::optional<Uuid> uuid;
    std::optional<uint64_t> inode;
    std::string kernel;
    uint64_t errors = 0;
    uint64_t notifications = 0;
    uint64_t first_seq = 0;
    uint64_t last_seq = 0;
    int64_t first_utc_ns = 0;
    int64_t last_utc_ns = 0;
    std::vector<uint64_t> over_time;  // errors, in equal slices of the time of the answer: never more than it has hours
                                      // (days)
  };
  struct Hotspots {
    int64_t from_utc_ns =
        0;                  // the time that was counted: the asked one widened to whole hours, beyond 31 days to whole
    int64_t to_utc_ns = 0;  // days (UTC); where no time was asked, from the first that is there to the last; exclusive
    std::vector<Hotspot> spots;  // those with most errors first
  };
  // Without `since` from the first on, without `until` up to the last. Retention does not take from these counts before the
  // greatest age of the store.
  Result<Hotspots> HotspotsBy(By by, std::optional<int64_t> since_utc_ns, std::optional<int64_t> until_utc_ns,
                              size_t limit, size_t slices);

  struct FilesystemSummary {
    std::string type;
    std::string device;  // where the last one was told of
    std::optional<Uuid> uuid;
    uint64_t errors = 0;
    uint64_t notifications = 0;
    uint64_t first_seq = 0;
    uint64_t last_seq = 0;
    int64_t first_utc_ns = 0;
    int64_t last_utc_ns = 0;
  };
  // Of each file system that an error was told of, the latest first.
  Result<std::vector<FilesystemSummary>> Filesystems();

  // What retention has taken so far, and what is there.
  struct Extent {
    uint64_t first_seq = 0;              // of the oldest row; 0: there is none
    uint64_t last_seq = 0;               // of the last notification that was stored
    uint64_t bytes = 0;                  // of the file
    uint64_t removed_notifications = 0;  // gone
    uint64_t removed_errors = 0;
    int64_t removed_until_utc_ns = 0;   // the latest time of those
    uint64_t merged_notifications = 0;  // those that other rows stand for
  };
  Result<Extent> Covers();

  // What retention has taken of the numbers above `seq`, as far as is known: all of it for 0, else of the last two million numbers
  // that went, those too that are in the row of a burst which is not above `seq`. The row of a burst that has gone is at its first
  // number, with all that it stands for. Whether it is all of them the numbers tell that are missing.
  struct Removed {
    uint64_t notifications = 0;
    uint64_t errors = 0;
    friend bool operator==(const Removed&, const Removed&) = default;
  };
  Result<Removed> RemovedAfter(uint64_t seq);
  // Above `after`, up to `until`, for whoever has all rows up to `told_to`.
  Result<Removed> RemovedBetween(uint64_t after, uint64_t until, uint64_t told_to);

 private:
  explicit History(std::unique_ptr<HistoryImpl> impl);
  std::unique_ptr<HistoryImpl> impl_;
};

}  // namespace fsherald
