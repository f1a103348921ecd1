// SPDX-License-Identifier: MIT
// Groups: which group has marked which file system, and so who is given what. A file system that nobody has marked costs the
// test of one pointer.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <vector>

#include "base/result.h"
#include "notify/group.h"
#include "record/notification.h"
#include "source/signal.h"

namespace fsherald {

// One thread. The groups are the caller's; each must be Removed before it ends.
class Groups {
 public:
  explicit Groups(Host host) : host_(std::move(host)) {}

  static constexpr size_t kMaxMarks = 8192;  // of one group

  // Errors: ENOSPC: too many marks. Marking twice is marking once.
  Status Mark(Group& group, FilesystemKey filesystem);
  // Errors: ENOENT: there is no such mark.
  Status Unmark(Group& group, FilesystemKey filesystem);
  // All file systems, those to come included.
  void MarkAll(Group& group);
  Status UnmarkAll(Group& group);  // ENOENT
  // Ends all marks of a group.
  void Flush(Group& group);
  void Remove(Group& group) { Flush(group); }

  // A file system is gone, nothing comes of it any more.
  void Forget(FilesystemKey filesystem);

  bool IsMarked(FilesystemKey filesystem) const;

  // Gives it to each group that marked one of `filesystems` (one file system may have several keys: its own, and that of all that
  // bear its name), once; with none (a gap that concerns all): to each group with any mark. It is encoded once, and only if somebody
  // wants it. The groups that were given something are added to `given`.
  void Deliver(const Notification& notification, std::span<const FilesystemKey> filesystems, std::vector<Group*>& given);

 private:
  Host host_;
};

}  // namespace fsherald
