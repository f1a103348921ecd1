// SPDX-License-Identifier: MIT
#include "preload/descriptor_table.h"

#include <utility>

namespace fsherald::preload {

DescriptorTable::~DescriptorTable() {
  for (const std::atomic<Page*>& page : pages_) delete page.load(std::memory_order_relaxed);
}

void DescriptorTable::SetKind(int fd, DescriptorKind kind) {
  std::atomic<Page*>& page = pages_[fd / kPageSize];
  // Partner: the acquire load in KindOf: the page's zeros are there before it is seen. It lives as long as the table.
  if (page.load(std::memory_order_relaxed) == nullptr) page.store(new Page, std::memory_order_release);
  page.load(std::memory_order_relaxed)->kinds[fd % kPageSize].store(kind, std::memory_order_relaxed);
}

void DescriptorTable::AddMaybe(int fd, std::shared_ptr<RfcGroup> group) {
  if (fd < 0 || fd >= kMaxDescriptors) return;
  Remove(fd);  // of a descriptor that was closed unseen
  const SignalsBlocked blocked;
  const std::lock_guard lock(mutex_);
  entries_[fd] = {.group = std::move(group), .awaited_in = {}};
  SetKind(fd, DescriptorKind::kMaybe);
}

std::map<int, epoll_event> DescriptorTable::AwaitedIn(int fd) {
  const SignalsBlocked blocked;
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(fd);
  return entry == entries_.end() ? std::map<int, epoll_event>() : entry->second.awaited_in;
}

std::map<int, epoll_event> DescriptorTable::MakeGroup(int fd) {
  const SignalsBlocked blocked;
  const std::lock_guard lock(mutex_);
  SetKind(fd, DescriptorKind::kGroup);
  return std::exchange(entries_[fd].awaited_in, {});
}

void DescriptorTable::AddGroup(int fd, std::shared_ptr<RfcGroup> group) {
  AddMaybe(fd, std::move(group));
  MakeGroup(fd);
}

std::shared_ptr<RfcGroup> DescriptorTable::Remove(int fd) {
  if (KindOf(fd) == DescriptorKind::kOther) return nullptr;
  const SignalsBlocked blocked;
  const std::lock_guard lock(mutex_);
  SetKind(fd, DescriptorKind::kOther);
  const auto node = entries_.extract(fd);
  return node.empty() ? nullptr : std::move(node.mapped().group);
}

std::shared_ptr<RfcGroup> DescriptorTable::GroupOf(int fd) {
  const SignalsBlocked blocked;
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(fd);
  return entry == entries_.end() ? nullptr : entry->second.group;
}

void DescriptorTable::Await(int fd, int epoll, std::optional<epoll_event> event) {
  const SignalsBlocked blocked;
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(fd);
  if (entry == entries_.end()) return;
  if (event) entry->second.awaited_in[epoll] = *event;
  else entry->second.awaited_in.erase(epoll);
}

void DescriptorTable::LockForFork() {
  auto blocked = std::make_unique<SignalsBlocked>();
  mutex_.lock();
  blocked_for_fork_ = std::move(blocked);
}

void DescriptorTable::UnlockAfterFork() {
  const std::unique_ptr<SignalsBlocked> blocked = std::move(blocked_for_fork_);
  mutex_.unlock();
}

void DescriptorTable::OrphanAllAfterFork() {
  // The parent's entries stay as they are, for good: to destroy them would be to end what is the parent's.
  const auto& parents = *new std::map<int, Entry>(std::move(entries_));
  entries_.clear();
  for (const auto& [fd, entry] : parents) {
    if (KindOf(fd) == DescriptorKind::kGroup) {
      SetKind(fd, DescriptorKind::kOrphaned);
    } else {
      entries_[fd] = {.group = std::make_shared<RfcGroup>(entry.group->init_flags(), true),
                      .awaited_in = entry.awaited_in};
    }
  }
  UnlockAfterFork();
}

}  // namespace fsherald::preload
