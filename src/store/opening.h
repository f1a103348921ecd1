// SPDX-License-Identifier: MIT
// The way from a directory to a writer, whatever is in the directory.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "store/store.h"
#include "store/writer.h"

namespace fsherald {

// The directory of a history, locked (flock) against other writers as long as this lives.
class HistoryDirectory {
 public:
  // What a name ends in.
  static constexpr char kSalvaging[] = ".salvaging";
  static constexpr char kRenewed[] = ".renewed";

  // Makes it if need be.
  static Result<HistoryDirectory> Open(const Store::Options& options);

  const std::string& file() const { return file_; }  // the path of the database
  std::string wal() const { return file_ + "-wal"; }
  std::string shm() const { return file_ + "-shm"; }
  std::string salvaging() const { return file_ + kSalvaging; }  // where a new file is made of a damaged one
  std::string renewed() const { return file_ + kRenewed; }      // and of one that is in doubt

  // An empty file where there is none, so that it never has another mode than 0640. True: it was made.
  Result<bool> MakeFile() const;
  // 0640, of the group that may read; the WAL and the shm as well, and the directory where it is the history's own. False: we may not
  // give them to it, and they stay in the group that they are in.
  Result<bool> Permit() const;
  Status Sync() const;  // the names in it

  // What a machine that went down has left of a transaction without a WAL, as there is but one: the first. It is undone.
  void RollBack(const std::string& vfs) const;

  // So that the next opening salvages what it could not see itself.
  void MarkDamaged(const std::string& why) const;
  std::string DamageMarked() const;  // why; empty: it is not

  // A write or sync of the file or its WAL has failed: nothing more is to be written to either (docs/store.md).
  void MarkSuspect(const std::string& why) const;
  bool IsSuspect() const;

  // An empty one, into which the file is copied.
  Status MakeRenewed() const;
  // Puts it in the place of the file, which goes with its WAL and its mark. It must be whole and synced.
  Status PutRenewed() const;

  // Renames the file and its WAL; the path that the file has then. Of those set aside the latest three are kept.
  Result<std::string> SetAside() const;
  // Puts what was salvaged in the place of the file.
  Status PutSalvaged() const;
  void DropUnfinished() const;  // what was being salvaged or renewed

 private:
  HistoryDirectory() = default;
  void DropOldest() const;
  Result<bool> PermitDirectory() const;
  std::string Mark() const { return file_ + ".is-damaged"; }
  std::string SuspectMark() const { return file_ + ".is-suspect"; }

  Fd fd_;
  std::string path_;
  std::string file_;
  gid_t group_ = 0;
};

Result<std::unique_ptr<Writer>> OpenHistory(const HistoryDirectory& directory, const Store::Options& options,
                                            Store::Opening* found);

}  // namespace fsherald
