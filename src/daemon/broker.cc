// SPDX-License-Identifier: MIT
#include "daemon/broker.h"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

#include "mount/descriptor_mount.h"
#include "notify/coverage_words.h"
#include "protocol/messages.h"

namespace fsherald {

Result<std::unique_ptr<Broker>> Broker::Open(Options options) {
  std::unique_ptr<Broker> broker(new Broker);
  auto runtime_dir = RuntimeDir::Take(options.runtime_dir);
  if (!runtime_dir) return runtime_dir.error();
  broker->runtime_dir_.emplace(std::move(*runtime_dir));
  if (Status opened = broker->OpenMonitor(options); !opened) return opened.error();
  if (Status opened = broker->OpenSockets(options); !opened) return opened.error();
  return broker;
}

Status Broker::OpenMonitor(const Options& options) {
  Monitor::Options of_all{.without = options.without, .xfs_health_monitor = options.xfs_health_monitor};
  of_all.forgotten = [this](FilesystemKey key) {
    if (subscribers_) subscribers_->Forget(key);
  };
  auto monitor = Monitor::Open(std::move(of_all), [this](const Notification& notification, FilesystemKey key) {
    Tell(notification, key.value == 0 ? std::span<const FilesystemKey>() : std::span(&key, 1));
  });
  if (!monitor) return monitor.error();
  monitor_ = std::move(*monitor);
  return {};
}

// The report socket last: who reports is told to those who have subscribed.
Status Broker::OpenSockets(const Options& options) {
  auto subscribe = runtime_dir_->Listen(protocol::kSubscribeSocket);
  if (!subscribe) return subscribe.error();
  auto subscribers = Subscribers::Open(
      {.group = options.subscribe_group}, options.host, std::move(*subscribe),
      {.resolve_descriptor = [this](int descriptor, pid_t peer) { return KeyOfDescriptor(descriptor, peer); },
       .resolve_name = [this](const std::string& type, const std::string& name, uint32_t uid,
                              uid_t asker) { return user_filesystems_.OfMarkedName(type, name, uid, asker); },
       .describe = [this] { return CoverageWords(*monitor_); },
       .marks_changed = [this] { marks_changed_ = true; }});
  if (!subscribers) return subscribers.error();
  subscribers_ = std::move(*subscribers);

  auto report = runtime_dir_->Listen(protocol::kReportSocket);
  if (!report) return report.error();
  auto producers = Producers::Open({.group = options.report_group,
                                    .is_wanted =
                                        [this](std::span<const FilesystemKey> keys) {
                                          return std::ranges::any_of(
                                              keys, [this](FilesystemKey key) { return subscribers_->IsMarked(key); });
                                        }},
                                   std::move(*report), user_filesystems_,
                                   [this](Notification&& notification, std::span<const FilesystemKey> keys) {
                                     Tell(std::move(notification), keys);
                                   });
  if (!producers) return producers.error();
  producers_ = std::move(*producers);

  auto poller = Poller::Open();
  if (!poller) return poller.error();
  poller_ = std::move(*poller);
  for (int fd : {monitor_->fd(), producers_->fd(), subscribers_->fd()})
    if (Status added = poller_.Add(fd, EPOLLIN); !added) return added;
  return {};
}

// The kernel's errors first: they cannot wait in memory of their own as a producer's can.
Status Broker::Pump() {
  for (int fd : poller_.Ready()) {
    if (fd == monitor_->fd()) {
      if (Status pumped = monitor_->Pump(); !pumped) return pumped;
    } else if (fd == producers_->fd()) {
      producers_->Pump();
    } else {
      subscribers_->Pump();
      if (std::exchange(marks_changed_, false)) producers_->MarksChanged();
    }
  }
  return {};
}

void Broker::Finish() {
  monitor_->Finish();
  producers_->Finish();
  subscribers_->Pump();
}

void Broker::Tell(Notification notification, std::span<const FilesystemKey> keys) {
  numbering_.Number(notification, keys.empty() ? FilesystemKey{} : keys.front());
  if (subscribers_) subscribers_->Deliver(notification, keys);
}

Result<FilesystemKey> Broker::KeyOfDescriptor(int descriptor, pid_t peer) {
  auto mount = FindMountOf(descriptor, peer);
  if (!mount) return mount.error();
  if (mount->is_fuse()) return user_filesystems_.OfMount(mount->dev, mount->mount_ids);
  if (std::optional<FilesystemKey> key = monitor_->KeyOf(mount->dev)) return *key;
  return Error{"no source that is there covers " + mount->type + " (see: fsherald doctor)", EOPNOTSUPP};
}

}  // namespace fsherald
