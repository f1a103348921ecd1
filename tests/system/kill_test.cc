// SPDX-License-Identifier: MIT
// kill -9 at any instant, under errors of the kernel and of a reporter: what was told stays told, nothing is told twice, and the
// counts of the history are those of the file systems. FSHERALD_LONG=1: a thousand kills.
#include <unistd.h>
#include <fsherald/fsherald.hpp>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <map>
#include <random>
#include <set>
#include <thread>
#include <tuple>

#include "daemon.h"
#include "ext4_filesystem.h"
#include "store/history.h"
#include "system_fixture.h"

namespace fsherald::system_test {
namespace {

using namespace std::chrono_literals;
using KillTest = SystemTest;

constexpr auto kPause =
    600us;  // of each of the two that raise errors, one error of each of the two file systems at a time

// What tells one notification from another.
struct Seen {
  int code = 0;
  uint64_t count = 0;
  uint64_t inode = 0;
  std::string device;
  std::string function;
  friend auto operator<=>(const Seen&, const Seen&) = default;
};

// Subscribes to whichever daemon runs, and keeps what it was told.
class Subscriber {
 public:
  Subscriber() : thread_([this] { Run(); }) {}
  std::map<uint64_t, Seen> Stop() {
    stop_ = true;
    thread_.join();
    return std::move(seen_);
  }

 private:
  void Run() {
    while (!stop_) {
      try {
        Monitor monitor({.flags = FSHERALD_MONITOR_ONLY_DAEMON});
        monitor.MarkAll();
        while (!stop_) {
          monitor.Wait(20ms);
          while (const fsherald_notification* n = monitor.Next())
            if (n->seq != 0)
              seen_[n->seq] = {n->error, n->count, n->inode, n->device ? n->device : "",
                               n->function ? n->function : ""};
        }
      } catch (const std::system_error&) {  // it was killed
        ::usleep(1000);
      }
    }
  }
  std::atomic<bool> stop_{false};
  std::map<uint64_t, Seen> seen_;
  std::jthread thread_;
};

// Reports numbered errors.
class Reporting {
 public:
  Reporting() : thread_([this] { Run(); }) {}
  uint64_t Stop() {
    stop_ = true;
    thread_.join();
    return reported_;
  }

 private:
  void Run() {
    const Reporter reporter = Reporter::OfName("engine", "orders");
    while (!stop_) {
      ErrorReport report;
      report.code = EIO;
      report.inode = reported_ + 1;
      if (reporter.Report(report) == Reported::kInvalid) return;
      ++reported_;
      std::this_thread::sleep_for(kPause);
    }
    reporter.Flush(10s);
  }
  std::atomic<bool> stop_{false};
  uint64_t reported_ = 0;
  std::jthread thread_;
};

struct Stored {
  std::map<uint64_t, Seen> notifications;
  std::map<std::string, uint64_t> errors;  // by device
  std::map<std::string, uint64_t> by_source;
  std::multiset<uint64_t> reports;  // the numbers of the reporter's
  uint64_t counted_reports = 0;     // without a number
};

Stored ReadStore() {
  Stored stored;
  auto history = History::Open(Daemon::StoreDirectory());
  if (!history) Fail(history.error().ToString());
  const Status read = (*history)->ForEach({}, [&](const Entry& entry) {
    const Notification& n = entry.notification;
    const uint64_t inode = n.object && n.object->inode ? *n.object->inode : 0;
    stored.notifications[n.seq] = {n.error.code.value_or(0), n.error.count, inode, n.filesystem.device,
                                   n.location ? n.location->function : ""};
    if (n.kind == Kind::kGap || n.kind == Kind::kHealth) return true;
    stored.errors[n.filesystem.device] += n.error.count;
    std::string how = n.filesystem.device + " " + std::string(Name(n.kind));
    for (int i = 0; i < kSourceCount; ++i)
      if (n.sources.Has(static_cast<SourceId>(i))) how += " " + std::string(Name(static_cast<SourceId>(i)));
    stored.by_source[how] += n.error.count;
    if (n.origin == Origin::kUser && inode != 0) stored.reports.insert(inode);
    if (n.origin == Origin::kUser && inode == 0) stored.counted_reports += n.error.count;
    return true;
  });
  if (!read) Fail(read.error().ToString());
  return stored;
}

struct Fire {
  std::vector<double> restarts_ms;
  uint64_t errors = 0;
  std::chrono::duration<double> under_it{};
};

// One life of a history: `kills` daemons under fire.
void KillUnderFire(int kills, std::mt19937_64& random, Fire& fire) {
  RunOrFail({.arguments = {"rm", "-rf", Daemon::StoreDirectory()}, .environment = {}, .directory = {}});
  const Ext4Filesystem one({.name = "one"});
  const Ext4Filesystem other({.name = "other"});
  Daemon daemon({"--keep"});
  std::map<uint64_t, Seen> seen;
  uint64_t reported = 0;
  std::atomic<uint64_t> raised{0};
  const auto begin = std::chrono::steady_clock::now();
  {
    Subscriber subscriber;
    Reporting reporting;
    std::atomic<bool> stop{false};
    std::jthread trigger([&] {
      while (!stop) {
        one.Trigger("of the one");
        other.Trigger("of the other");
        ++raised;
        std::this_thread::sleep_for(kPause);
      }
    });
    for (int kill = 0; kill < kills; ++kill) {
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 150'000));
      daemon.KillKept();
      fire.restarts_ms.push_back(std::chrono::duration<double, std::milli>(daemon.last_restart()).count());
    }
    stop = true;
    trigger.join();
    fire.under_it += std::chrono::steady_clock::now() - begin;
    reported = reporting.Stop();
    seen = subscriber.Stop();
  }
  fire.errors += 2 * raised + reported;
  const Deadline deadline = After(10s);
  const uint64_t of_one = one.ErrorsCountOnceAtLeast(raised, deadline);
  const uint64_t of_other = other.ErrorsCountOnceAtLeast(raised, deadline);
  EXPECT_EQ(daemon.Stop(), 0) << daemon.talk();
  const Stored stored = ReadStore();
  auto how = [&] {
    std::string words;
    for (const auto& [source, errors] : stored.by_source) words += "  " + source + ": " + std::to_string(errors) + "\n";
    return words;
  };
  EXPECT_EQ(stored.errors.at(one.device()), of_one) << how();
  EXPECT_EQ(stored.errors.at(other.device()), of_other);
  EXPECT_EQ(stored.reports.size() + stored.counted_reports, reported);
  EXPECT_EQ(std::set<uint64_t>(stored.reports.begin(), stored.reports.end()).size(), stored.reports.size());
  uint64_t lost = 0;
  for (const auto& [seq, told] : seen) {
    const auto found = stored.notifications.find(seq);
    if (found == stored.notifications.end() || found->second != told) {
      if (++lost <= 3) ADD_FAILURE() << "number " << seq << " was told and is not in the history as it was told";
    }
  }
  EXPECT_EQ(lost, 0U);
  EXPECT_GT(seen.size(), 0U);
}

TEST_F(KillTest, NothingToldIsLostNothingIsToldTwiceAndTheCountsAreExact) {
  const int kills = LongRuns() ? 1000 : 20;
  std::mt19937_64 random(20261126);
  Fire fire;
  while (static_cast<int>(fire.restarts_ms.size()) < kills && !HasFailure())
    KillUnderFire(std::min(10, kills), random, fire);
  std::vector<double>& restarts_ms = fire.restarts_ms;
  std::ranges::sort(restarts_ms);
  std::printf("%zu kills under %.0f errors a second; ready again after %.0f ms (median), %.0f ms (the longest)\n",
              restarts_ms.size(), static_cast<double>(fire.errors) / fire.under_it.count(),
              restarts_ms[restarts_ms.size() / 2], restarts_ms.back());
}

}  // namespace
}  // namespace fsherald::system_test
