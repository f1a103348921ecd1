// SPDX-License-Identifier: MIT
// Groups: which group has marked which file system, and so who is given what. A file system that nobody has marked costs the
// test of one pointer.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
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

  bool IsMarked(FilesystemKey filesystem) const { return !of_all_.empty() || MembersOf(filesystem) != nullptr; }

  // Gives it to each group that marked one of `filesystems` (one file system may have several keys: its own, which is the first,
  // and that of all that bear its name), once; with none (a gap that concerns all): to each group with any mark. It is encoded
  // once, and only if somebody wants it. The groups that were given something are added to `given`.
  void Deliver(const Notification& notification, std::span<const FilesystemKey> filesystems,
               std::vector<Group*>& given);

 private:
  // A group that has any mark.
  struct Member {
    Group* group = nullptr;
    std::set<FilesystemKey> marks;
    bool is_of_all = false;
    uint64_t last_delivery = 0;  // so that several marks are one delivery
  };
  using Members = std::vector<Member*>;

  // Keys are numbers given one after the other from four beginnings (source/signal.h, notify/translator.h,
  // daemon/user_filesystems.h), which the two highest bits tell apart: so each beginning has a plain array.
  static size_t RangeOf(FilesystemKey key) { return key.value >> 30; }
  static size_t IndexOf(FilesystemKey key) { return key.value & ((1U << 30) - 1); }

  // Null: nobody.
  const Members* MembersOf(FilesystemKey key) const {
    const auto& range = by_key_[RangeOf(key)];
    return IndexOf(key) < range.size() ? range[IndexOf(key)].get() : nullptr;
  }
  Member& MemberOf(Group& group);
  Member* FindMember(Group& group);
  void Leave(Member& member, FilesystemKey key);
  void LeaveAll(Member& member);
  void DropIfUnmarked(Member& member);
  void Collect(const Members& members, std::vector<Member*>& wanting);

  Host host_;
  std::map<Group*, std::unique_ptr<Member>> members_;
  Members of_all_;
  std::array<std::vector<std::unique_ptr<Members>>, 4> by_key_;
  uint64_t deliveries_ = 0;
  std::vector<Member*> wanting_;  // these two: kept for their memory
  std::string encoded_;
};

}  // namespace fsherald
