// SPDX-License-Identifier: MIT
#include "cli/watch.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <memory>

#include "base/fd.h"
#include "base/text.h"
#include "cli/exit_code.h"
#include "cli/feed.h"
#include "cli/signals.h"
#include "cli/tally.h"
#include "protocol/packet.h"
#include "sink/sink.h"

namespace fsherald {
namespace {

// Full after --count: what the monitor still hands over is neither printed nor counted.
class Printer {
 public:
  Printer(const WatchOptions& options, std::unique_ptr<Sink> sink) : left_(options.count), sink_(std::move(sink)) {}

  void Print(const Notification& notification) {
    if (full()) return;
    if (left_) --*left_;
    tally_.Count(notification);
    sink_->Add(notification);
  }
  bool full() const { return left_ && *left_ == 0; }
  Status Flush() { return sink_->Flush(); }

  std::string Summary() const { return tally_.Words(); }

 private:
  std::optional<uint64_t> left_;
  std::unique_ptr<Sink> sink_;
  Tally tally_;
};

Result<Fd> OpenTimer(const std::optional<double>& seconds) {
  if (!seconds) return Fd();
  Fd fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
  if (!fd) return ErrnoError("timerfd_create", "");
  auto whole = static_cast<time_t>(*seconds);
  auto rest_ns = static_cast<long>((*seconds - static_cast<double>(whole)) * 1e9);
  itimerspec when{.it_interval = {}, .it_value = {.tv_sec = whole, .tv_nsec = rest_ns}};
  if (whole == 0 && rest_ns == 0) when.it_value.tv_nsec = 1;
  if (::timerfd_settime(fd.get(), 0, &when, nullptr) != 0) return ErrnoError("timerfd_settime", "");
  return fd;
}

Error ReaderGone() { return Error{"the reader of standard output went away", EPIPE}; }

// What a failed write to standard output means.
Error WriteError(const Error& error) {
  if (error.code == EPIPE) return ReaderGone();
  if (error.code == ECANCELED)
    return Error{"ended while the reader of standard output did not read: not all was written", 0};
  return error;
}

// Waits and prints until it is told to end, is full, or fails.
Status Loop(Feed& feed, Printer& printer, int signals, int timer) {
  std::array<pollfd, 4> fds{pollfd{.fd = feed.fd(), .events = POLLIN, .revents = 0},
                            pollfd{.fd = signals, .events = POLLIN, .revents = 0},
                            pollfd{.fd = timer, .events = POLLIN, .revents = 0},
                            pollfd{.fd = STDOUT_FILENO, .events = 0, .revents = 0}};  // POLLERR: the reader is gone
  while (!printer.full()) {
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return ErrnoError("poll", "");
    if (fds[3].revents & (POLLERR | POLLNVAL)) return ReaderGone();
    if (fds[0].revents & POLLIN) {
      if (Status pumped = feed.Pump(); !pumped) {
        (void)printer.Flush();
        return pumped;
      }
    }
    if (Status flushed = printer.Flush(); !flushed) return WriteError(flushed.error());
    if ((fds[1].revents | fds[2].revents) & POLLIN) break;
  }
  if (!printer.full()) feed.Finish();
  if (Status flushed = printer.Flush(); !flushed) return WriteError(flushed.error());
  return {};
}

void SaySummary(const Printer& printer, uint64_t refused) {
  std::string words = printer.Summary();
  if (refused > 0) words += fmt::format("; refused {} invalid records", refused);
  Say(words + '\n');
}

int Fail(const Error& error) {
  if (error.code == ECONNRESET) {
    Complain("the daemon has ended: what happens now is not told");
    return kExitNoDaemon;
  }
  if (error.code == ECONNREFUSED) {  // without --since none is needed
    Complain("--since needs the daemon, and none runs: start `fsherald daemon`, or read `fsherald history`");
    return kExitNoDaemon;
  }
  Complain(error.ToString());
  return error.code == EPERM || error.code == EACCES ? kExitNotPermitted : kExitFailure;
}

std::unique_ptr<Sink> MakeSink(const WatchOptions& options, int stop_fd) {
  Host host = ReadHost();
  if (options.json) return MakeJsonSink(STDOUT_FILENO, std::move(host), stop_fd);
  return MakeTerminalSink(STDOUT_FILENO, std::move(host), TextOptions{.color = UseColor(options.color, STDOUT_FILENO)},
                          stop_fd);
}

}  // namespace

int RunWatch(const WatchOptions& options) {
  if (Status open = CheckStandardStreams(); !open) return Fail(open.error());
  auto signals = OpenEndingSignals();
  if (!signals) return Fail(signals.error());
  auto timer = OpenTimer(options.timeout_s);
  if (!timer) return Fail(timer.error());

  Printer printer(options, MakeSink(options, signals->get()));
  auto feed = Feed::Open({.paths = options.paths,
                          .without = options.without,
                          .xfs_health_monitor = options.xfs_health_monitor,
                          .no_daemon = options.no_daemon,
                          .since = options.since,
                          .runtime_dir = protocol::RuntimeDir(options.runtime_dir.c_str())},
                         [&](const Notification& notification) { printer.Print(notification); });
  if (!feed) return Fail(feed.error());
  Say((*feed)->Words() + "ready\n");

  Status ended = Loop(**feed, printer, signals->get(), timer->get());
  SaySummary(printer, (*feed)->refused());
  return ended ? kExitOk : Fail(ended.error());
}

}  // namespace fsherald
