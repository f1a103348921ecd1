// SPDX-License-Identifier: MIT
// DescriptorTable: which of the program's descriptors are groups of the RFC, or may become such. To learn of any other
// descriptor that it is neither takes one load: what is not ours passes through untouched.
#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "preload/rfc_group.h"
#include "preload/signals_blocked.h"

namespace fsherald::preload {

enum class DescriptorKind : uint8_t {
  kOther,     // passes through
  kMaybe,     // made with the RFC's flags, not marked yet: a group of the kernel's
  kGroup,     // an RfcGroup
  kOrphaned,  // was a kGroup in the process that this one was forked from
};

// Any thread, signal handlers too.
class DescriptorTable {
 public:
  struct Entry {
    std::shared_ptr<RfcGroup> group;
    std::map<int, epoll_event> awaited_in;  // of kMaybe: the epolls that it was added to
  };

  static constexpr int kMaxDescriptors = 1 << 20;  // those beyond are kOther

  DescriptorTable() = default;
  DescriptorTable(const DescriptorTable&) = delete;
  DescriptorTable& operator=(const DescriptorTable&) = delete;
  ~DescriptorTable();  // nobody uses it any more

  DescriptorKind KindOf(int fd) const {
    if (fd < 0 || fd >= kMaxDescriptors) return DescriptorKind::kOther;
    const Page* page = pages_[fd / kPageSize].load(std::memory_order_acquire);
    if (page == nullptr) return DescriptorKind::kOther;
    return page->kinds[fd % kPageSize].load(std::memory_order_relaxed);
  }

  void AddMaybe(int fd, std::shared_ptr<RfcGroup> group);
  // What epolls a kMaybe is in.
  std::map<int, epoll_event> AwaitedIn(int fd);
  // kMaybe becomes kGroup; what epolls it was in.
  std::map<int, epoll_event> MakeGroup(int fd);
  void AddGroup(int fd, std::shared_ptr<RfcGroup> group);
  // It is kOther from now on. The last owner of a group ends it: let the result go where that may take time.
  std::shared_ptr<RfcGroup> Remove(int fd);

  std::shared_ptr<RfcGroup> GroupOf(int fd);

  // What epoll_ctl(2) was told of a kMaybe: empty: it was taken out.
  void Await(int fd, int epoll, std::optional<epoll_event> event);

  // Around fork(2): nobody changes the table meanwhile. In the child each kGroup is orphaned, since its thread and its
  // monitor are the parent's; a kMaybe is one there as well.
  void LockForFork();
  void UnlockAfterFork();
  void OrphanAllAfterFork();

 private:
  static constexpr int kPageSize = 4096;
  struct Page {
    std::atomic<DescriptorKind> kinds[kPageSize] = {};
  };
  void SetKind(int fd, DescriptorKind kind);  // the lock is held

  std::atomic<Page*> pages_[kMaxDescriptors / kPageSize] = {};
  std::mutex mutex_;  // all signals blocked while it is held
  std::map<int, Entry> entries_;
  std::unique_ptr<SignalsBlocked> blocked_for_fork_;
};

}  // namespace fsherald::preload
