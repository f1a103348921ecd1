// SPDX-License-Identifier: MIT
// A group in this process, given by the kernel's sources in this process.
#include <sys/epoll.h>

#include "base/poller.h"
#include "client/readable_flag.h"
#include "client/subscription.h"
#include "mount/descriptor_mount.h"
#include "notify/coverage_words.h"
#include "notify/groups.h"
#include "notify/host.h"
#include "notify/monitor.h"

namespace fsherald {
namespace {

Error NeedsDaemon() { return Error{"user-space file systems need the daemon (fsherald daemon)", EOPNOTSUPP}; }

class LocalSubscription final : public Subscription {
 public:
  LocalSubscription(Poller poller, ReadableFlag unread_flag)
      : poller_(std::move(poller)), unread_flag_(std::move(unread_flag)), groups_(ReadHost()) {}

  Status Open();

  Status Mark(const MarkRequest& request) override;
  int fd() const override { return poller_.fd(); }
  Result<size_t> Read(std::span<std::byte> to, size_t most) override;
  Status Acknowledge(uint64_t) override { return {}; }
  void Close() override {}
  std::string Describe() const override { return CoverageWords(*monitor_); }
  bool has_daemon() const override { return false; }

 private:
  Status Pump();
  Result<FilesystemKey> KeyOf(int fd);
  Status ChangeMarks(const MarkRequest& request);
  void Deliver(const Notification& notification, FilesystemKey key);

  Poller poller_;  // of the monitor, and of unread_flag_
  ReadableFlag unread_flag_;
  Groups groups_;
  Group group_;
  std::vector<Group*> given_;
  std::unique_ptr<Monitor> monitor_;  // last: it delivers to the others
};

Status LocalSubscription::Open() {
  auto monitor =
      Monitor::Open({.forgotten = [this](FilesystemKey key) { groups_.Forget(key); }},
                    [this](const Notification& notification, FilesystemKey key) { Deliver(notification, key); });
  if (!monitor) return monitor.error();
  monitor_ = std::move(*monitor);
  for (int fd : {monitor_->fd(), unread_flag_.fd()})
    if (Status added = poller_.Add(fd, EPOLLIN); !added) return added;
  return {};
}

void LocalSubscription::Deliver(const Notification& notification, FilesystemKey key) {
  given_.clear();
  groups_.Deliver(notification, key.value == 0 ? std::span<const FilesystemKey>() : std::span(&key, 1), given_);
}

Status LocalSubscription::Pump() {
  Status pumped = monitor_->Pump();
  unread_flag_.Set(group_.has_unread());
  return pumped;
}

// What happened before a mark is not told because of it: the sources are emptied first.
Status LocalSubscription::Mark(const MarkRequest& request) {
  if (Status pumped = Pump(); !pumped) return pumped;
  return ChangeMarks(request);
}

Status LocalSubscription::ChangeMarks(const MarkRequest& request) {
  if (request.op == protocol::kFlush) {
    groups_.Flush(group_);
    return {};
  }
  const bool is_add = request.op == protocol::kAdd;
  if (request.target == protocol::kOnName) return NeedsDaemon();
  if (request.target == protocol::kOnAll) {
    if (!is_add) return groups_.UnmarkAll(group_);
    groups_.MarkAll(group_);
    return {};
  }
  Result<FilesystemKey> key = KeyOf(request.fd);
  if (!key) return key.error();
  return is_add ? groups_.Mark(group_, *key) : groups_.Unmark(group_, *key);
}

Result<FilesystemKey> LocalSubscription::KeyOf(int fd) {
  Result<DescriptorMount> mount = FindMountOf(fd, std::nullopt);
  if (!mount) return Error{mount.error().what, mount.error().code == 0 ? EOPNOTSUPP : mount.error().code};
  if (std::optional<FilesystemKey> key = monitor_->KeyOf(mount->dev)) return *key;
  if (mount->is_fuse()) return NeedsDaemon();
  return Error{"no source that is there covers " + mount->type + " (see: fsherald doctor)", EOPNOTSUPP};
}

Result<size_t> LocalSubscription::Read(std::span<std::byte> to, size_t most) {
  Status pumped = Pump();
  const size_t bytes = group_.Read(to, most);
  group_.AcknowledgeAll();
  const bool has_more = group_.has_unread();
  unread_flag_.Set(has_more);
  if (bytes > 0) return bytes;
  if (has_more) return Error{"the buffer has no room for a notification", EINVAL};
  if (!pumped) return pumped.error();
  return Error{"there is nothing to read", EAGAIN};
}

}  // namespace

Result<std::unique_ptr<Subscription>> SubscribeLocally() {
  Result<Poller> poller = Poller::Open();
  if (!poller) return poller.error();
  Result<ReadableFlag> flag = ReadableFlag::Open();
  if (!flag) return flag.error();
  auto subscription = std::make_unique<LocalSubscription>(std::move(*poller), std::move(*flag));
  if (Status opened = subscription->Open(); !opened) return opened.error();
  return subscription;
}

}  // namespace fsherald
