// SPDX-License-Identifier: MIT
#include "cli/feed.h"

#include <fcntl.h>

#include <array>

#include "base/fd.h"
#include "client/subscription.h"
#include "notify/coverage_words.h"
#include "notify/monitor.h"
#include "record/stream.h"

namespace fsherald {
namespace {

class KernelFeed : public Feed {
 public:
  static Result<std::unique_ptr<Feed>> Open(const Options& options, Handler handler, std::string why) {
    auto monitor = Monitor::Open(
        {.paths = options.paths, .without = options.without, .xfs_health_monitor = options.xfs_health_monitor},
        [handler = std::move(handler)](const Notification& notification, FilesystemKey) { handler(notification); });
    if (!monitor) return monitor.error();
    return std::unique_ptr<Feed>(new KernelFeed(std::move(*monitor), std::move(why)));
  }

  int fd() const override { return monitor_->fd(); }
  Status Pump() override { return monitor_->Pump(); }
  void Finish() override { monitor_->Finish(); }
  std::string Words() const override {
    return CoverageWords(*monitor_) + "not seen: errors that file systems in user space report (" + why_ + ")\n";
  }
  uint64_t refused() const override { return monitor_->refused(); }

 private:
  KernelFeed(std::unique_ptr<Monitor> monitor, std::string why) : monitor_(std::move(monitor)), why_(std::move(why)) {}
  std::unique_ptr<Monitor> monitor_;
  std::string why_;  // there is no daemon
};

class DaemonFeed : public Feed {
 public:
  static Result<std::unique_ptr<Feed>> Open(std::unique_ptr<Subscription> subscription, const Options& options,
                                            Handler handler) {
    std::unique_ptr<DaemonFeed> feed(new DaemonFeed(std::move(subscription), std::move(handler)));
    if (!options.since) {  // else all are
      if (Status marked = feed->Mark(options.paths); !marked) return marked.error();
    }
    return std::unique_ptr<Feed>(std::move(feed));
  }

  int fd() const override { return subscription_->fd(); }

  // Of a flood there is always more: what is printed and who ends us have their turn too.
  Status Pump() override {
    Result<size_t> read = subscription_->Read(buffer_);
    if (!read) return read.error().code == EAGAIN ? Status() : Status(read.error());
    Hand(Bytes(buffer_).first(*read));
    return {};
  }

  // What it told before we ended is in the socket by now, and a socket holds no more than this.
  void Finish() override {
    constexpr int kMostReads = 16;
    Status pumped;
    for (int i = 0; pumped && i < kMostReads; ++i) pumped = Pump();
  }

  std::string Words() const override { return "by the daemon, which is " + subscription_->Describe(); }
  uint64_t refused() const override { return refused_; }

 private:
  DaemonFeed(std::unique_ptr<Subscription> subscription, Handler handler)
      : subscription_(std::move(subscription)), handler_(std::move(handler)) {}

  Status Mark(const std::vector<std::string>& paths) {
    if (paths.empty()) return subscription_->Mark({.op = protocol::kAdd, .target = protocol::kOnAll});
    for (const std::string& path : paths) {
      Fd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
      if (!fd) return ErrnoError("look up", path);
      Status marked = subscription_->Mark({.op = protocol::kAdd, .target = protocol::kOnDescriptor, .fd = fd.get()});
      if (!marked) return Error{path + ": " + marked.error().what, marked.error().code};
    }
    return {};
  }

  void Hand(Bytes bytes) {
    while (!bytes.empty()) {
      std::optional<StreamNotification> one = ParseStream(bytes);
      if (!one) {
        ++refused_;
        return;
      }
      handler_(one->notification);
      bytes = bytes.subspan(one->bytes);
    }
  }

  std::unique_ptr<Subscription> subscription_;
  Handler handler_;
  std::array<std::byte, 65536> buffer_{};
  uint64_t refused_ = 0;
};

}  // namespace

Result<std::unique_ptr<Feed>> Feed::Open(const Options& options, Handler handler) {
  if (options.since) {
    auto subscription = SubscribeToDaemon(options.runtime_dir, "", options.since);
    if (!subscription) return subscription.error();
    return DaemonFeed::Open(std::move(*subscription), options, std::move(handler));
  }
  if (options.no_daemon || !options.without.empty() || options.xfs_health_monitor)
    return KernelFeed::Open(options, std::move(handler), "no daemon was to be asked");
  auto subscription = SubscribeToDaemon(options.runtime_dir, "");
  if (subscription) return DaemonFeed::Open(std::move(*subscription), options, std::move(handler));
  const Error& refusal = subscription.error();
  if (refusal.code == ECONNREFUSED)
    return KernelFeed::Open(options, std::move(handler), "they need the daemon: fsherald daemon");
  auto own = KernelFeed::Open(options, std::move(handler), "the daemon: " + refusal.ToString());
  return own ? std::move(own) : refusal;
}

}  // namespace fsherald
