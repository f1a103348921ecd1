// SPDX-License-Identifier: MIT
// Store: the writer of the history, one SQLite file (docs/store.md). What Append has taken survives kill -9 and the loss of
// power. One Store a directory: the directory is locked as long as it lives. One thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "record/notification.h"

namespace fsherald {

inline constexpr std::string_view kHistoryFileName = "history.db";

class StoreImpl;

class Store {
 public:
  struct Options {
    std::string directory;                   // made if its parent is there, 0750
    uint64_t max_bytes = uint64_t{1} << 30;  // of the file; its WAL may add some 20 MiB
    uint64_t max_age_s = uint64_t{400} * 24 * 3600;
    std::optional<gid_t> group;  // may read; empty: the process's own
    std::string vfs;             // SQLite's name of it, for tests; empty: the default
    std::string file_name = std::string(kHistoryFileName);
    bool is_suspect = false;  // an earlier Store could not write or sync it, even if it could not leave a mark of that
  };

  // What opening found.
  struct Opening {
    bool is_new = false;         // there was no file
    std::string set_aside;       // the path that a damaged file was moved to; empty: it was not damaged
    std::string why;             // what was wrong with it, a sentence
    std::string unsalvaged;      // why it cannot be salvaged yet: it stays where it is, and opening fails
    bool renewed = false;        // an earlier write or sync of it had failed: all of it was copied into a new file
    uint64_t salvaged = 0;       // rows of the damaged file that are in the new one
    uint64_t lost = 0;           // rows that were there and could not be read, as far as that is known
    bool group_refused = false;  // it could not be given to the group: we are not in it, and may not give it to others
  };

  // Whether there is one, or what is to take its place where that was not finished.
  static bool IsThere(const Options& options);

  // A damaged file is no error: it is set aside, what can be read of it is copied into a new one, and `found`, which may be null, tells it,
  // also where opening fails. Errors: the directory cannot be written to, there is no room for what can be salvaged (try again when there
  // is), another Store has it, or the file is of a newer fsherald.
  static Result<std::unique_ptr<Store>> Open(const Options& options, Opening* found);

  ~Store();

  // Stores all in one transaction; durable when it returns. `host` is what they all share. `cursors` are bytes of the
  // caller's, stored in the same transaction. A notification whose seq is not above last_seq() is skipped: it is there.
  //
  // On an error nothing of it is stored, and from then on this Store refuses everything with the same error: what
  // SQLite's memory and the disk hold after a failed write or sync, nobody knows. Destroy it, and open anew: that copies the
  // history into a new file where it is in doubt, and may find in it what was not stored here.
  // error().code: ENOSPC, EIO (of a failed sync always), EROFS, ...; EUCLEAN: the file is damaged, and opening anew will salvage it.
  Status Append(std::span<const Notification> notifications, const Host& host, std::string_view cursors);

  uint64_t last_seq() const;           // of the last notification that was ever stored; 0: none
  const std::string& cursors() const;  // as last stored

  // One step of retention, some milliseconds: first by age, then by size. True: more is to be done. `clock_age_s`: for how long
  // the clock has gone on without a jump; in its first week a clock that makes a leap of everything too old is not believed.
  // Fails as Append does.
  Result<bool> Retain(int64_t now_utc_s, int64_t clock_age_s = INT64_MAX);

 private:
  explicit Store(std::unique_ptr<StoreImpl> impl);
  std::unique_ptr<StoreImpl> impl_;
};

}  // namespace fsherald
