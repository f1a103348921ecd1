// SPDX-License-Identifier: MIT
#include "notify/groups.h"

#include <algorithm>

#include "record/stream.h"

namespace fsherald {
namespace {

Error NoSuchMark() { return Error{"there is no such mark", ENOENT}; }

}  // namespace

Status Groups::Mark(Group& group, FilesystemKey filesystem) {
  Member& member = MemberOf(group);
  if (member.marks.contains(filesystem)) return {};
  if (member.marks.size() >= kMaxMarks) return Error{"a group has at most 8192 marks", ENOSPC};
  auto& range = by_key_[RangeOf(filesystem)];
  const size_t index = IndexOf(filesystem);
  if (index >= range.size()) range.resize(index + 1);
  if (!range[index]) range[index] = std::make_unique<Members>();
  range[index]->push_back(&member);
  member.marks.insert(filesystem);
  return {};
}

Status Groups::Unmark(Group& group, FilesystemKey filesystem) {
  Member* member = FindMember(group);
  if (member == nullptr || member->marks.erase(filesystem) == 0) return NoSuchMark();
  Leave(*member, filesystem);
  DropIfUnmarked(*member);
  return {};
}

void Groups::MarkAll(Group& group) {
  Member& member = MemberOf(group);
  if (member.is_of_all) return;
  member.is_of_all = true;
  of_all_.push_back(&member);
}

Status Groups::UnmarkAll(Group& group) {
  Member* member = FindMember(group);
  if (member == nullptr || !member->is_of_all) return NoSuchMark();
  LeaveAll(*member);
  DropIfUnmarked(*member);
  return {};
}

void Groups::Flush(Group& group) {
  Member* member = FindMember(group);
  if (member == nullptr) return;
  for (FilesystemKey key : member->marks) Leave(*member, key);
  if (member->is_of_all) LeaveAll(*member);
  members_.erase(&group);
}

void Groups::Forget(FilesystemKey filesystem) {
  if (MembersOf(filesystem) == nullptr) return;
  const std::unique_ptr<Members> members = std::move(by_key_[RangeOf(filesystem)][IndexOf(filesystem)]);
  for (Member* member : *members) {
    member->marks.erase(filesystem);
    DropIfUnmarked(*member);
  }
}

void Groups::Deliver(const Notification& notification, std::span<const FilesystemKey> filesystems,
                     std::vector<Group*>& given) {
  ++deliveries_;
  wanting_.clear();
  if (filesystems.empty()) {
    for (const auto& [group, member] : members_) wanting_.push_back(member.get());
  } else {
    Collect(of_all_, wanting_);
  }
  for (FilesystemKey key : filesystems)
    if (const Members* members = MembersOf(key)) Collect(*members, wanting_);
  if (wanting_.empty()) return;

  encoded_.clear();
  AppendStream(notification, host_, encoded_);
  const std::optional<Gap>& gap = notification.gap;
  const Delivery delivery{.notification = std::as_bytes(std::span(encoded_)),
                          .seq = notification.seq,
                          .filesystem = filesystems.empty() ? FilesystemKey{} : filesystems.front(),
                          .errors = gap ? gap->count.value_or(0) : notification.error.count,
                          .exact = !gap || (gap->exact && gap->count),
                          .utc_ns = notification.utc_ns};
  for (Member* member : wanting_) {
    member->group->Add(delivery);
    given.push_back(member->group);
  }
}

// Adds those that this delivery has not met yet.
void Groups::Collect(const Members& members, std::vector<Member*>& wanting) {
  for (Member* member : members) {
    if (member->last_delivery == deliveries_) continue;
    member->last_delivery = deliveries_;
    wanting.push_back(member);
  }
}

Groups::Member& Groups::MemberOf(Group& group) {
  std::unique_ptr<Member>& member = members_[&group];
  if (!member) member = std::make_unique<Member>(Member{.group = &group});
  return *member;
}

Groups::Member* Groups::FindMember(Group& group) {
  auto found = members_.find(&group);
  return found == members_.end() ? nullptr : found->second.get();
}

// The pointer of a key that nobody marks is null.
void Groups::Leave(Member& member, FilesystemKey key) {
  std::unique_ptr<Members>& members = by_key_[RangeOf(key)][IndexOf(key)];
  std::erase(*members, &member);
  if (members->empty()) members.reset();
}

void Groups::LeaveAll(Member& member) {
  std::erase(of_all_, &member);
  member.is_of_all = false;
}

void Groups::DropIfUnmarked(Member& member) {
  if (member.marks.empty() && !member.is_of_all) members_.erase(member.group);
}

}  // namespace fsherald
