// SPDX-License-Identifier: MIT
// A subscriber that asks for all since its last number: over kills of the daemon, under errors of the kernel and of a reporter, each
// number reaches it exactly once. And one that does not read.
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fsherald/fsherald.hpp>
#include <fstream>
#include <functional>
#include <random>
#include <thread>

#include "daemon.h"
#include "ext4_filesystem.h"
#include "store/history.h"
#include "system_fixture.h"
#include "watcher.h"

namespace fsherald::system_test {
namespace {

using namespace std::chrono_literals;

class SinceTest : public SystemTest {
 protected:
  // Numbers begin anew.
  SinceTest() {
    std::filesystem::remove_all(Daemon::StoreDirectory());
    std::filesystem::remove_all(kSandbox + "/run");
  }
  ~SinceTest() override { std::filesystem::remove_all(Daemon::StoreDirectory()); }
};

// Raises one error after the other until it is stopped.
class Raising {
 public:
  explicit Raising(std::function<void()> raise)
      : thread_([this, raise = std::move(raise)] {
          for (; !stop_; ++raised_) {
            raise();
            std::this_thread::sleep_for(1ms);
          }
        }) {}
  uint64_t Stop() {
    stop_ = true;
    thread_.join();
    return raised_;
  }

 private:
  std::atomic<bool> stop_{false};
  uint64_t raised_ = 0;
  std::jthread thread_;
};

void Report(const Reporter& reporter, uint64_t inode) {
  ErrorReport report;
  report.code = EIO;
  report.inode = inode;
  ASSERT_NE(reporter.Report(report), Reported::kInvalid);
}

// Subscribes to whichever daemon runs, each time since its last number, and looks at each number that comes. It comes again
// by itself now and then, in the middle of a flood.
class Subscriber {
 public:
  Subscriber() : thread_([this] { Run(); }) {}
  void Stop() {
    stop_ = true;
    thread_.join();
  }
  uint64_t last() const { return last_; }
  uint64_t visits() const { return visits_; }
  // Valid after Stop.
  const std::string& fault() const { return fault_; }  // the first; empty: each number came once, in order

 private:
  void Run() {
    std::mt19937 random(3);
    while (!stop_) {
      try {
        Monitor monitor({.since = last_});
        ++visits_;
        uint64_t stay = 50 + random() % 500;
        while (!stop_ && stay > 0) {
          monitor.Wait(20ms);
          while (const fsherald_notification* n = stay > 0 ? monitor.Next() : nullptr) {
            --stay;
            Look(*n);
          }
        }
      } catch (const std::system_error&) {  // it was killed
        ::usleep(1000);
      }
    }
  }
  void Look(const fsherald_notification& n) {
    const bool is_next = n.seq == last_ + 1;
    if (!is_next && fault_.empty())
      fault_ = "after number " + std::to_string(last_) + " came " + Format(n, Form::kJson);
    if (n.seq > last_) last_ = n.seq;
  }

  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> last_{0};
  std::atomic<uint64_t> visits_{0};
  std::string fault_;
  std::jthread thread_;
};

uint64_t LastStored() {
  auto history = History::Open(Daemon::StoreDirectory());
  if (!history) Fail(history.error().ToString());
  auto extent = (*history)->Covers();
  if (!extent) Fail(extent.error().ToString());
  return extent->last_seq;
}

TEST_F(SinceTest, OverKillsOfTheDaemonEachNumberReachesItExactlyOnce) {
  const Ext4Filesystem filesystem({.name = "since"});
  Daemon daemon({"--keep"});
  Subscriber subscriber;
  std::mt19937_64 random(20261126);
  {
    const Reporter reporter = Reporter::OfName("engine", "orders");
    uint64_t reported = 0;
    Raising reports([&] { Report(reporter, ++reported); });
    Raising triggers([&] { filesystem.Trigger("again"); });
    const int kills = LongRuns() ? 200 : 12;
    for (int kill = 0; kill < kills; ++kill) {
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 150'000));
      daemon.KillKept();
    }
    // On a busy machine it does not come back between each two kills: then it has the rest of the flood for that.
    for (const Deadline busy = After(20s); subscriber.visits() <= 12 && MillisecondsUntil(busy) > 0;) ::usleep(1000);
    EXPECT_GT(triggers.Stop(), 0U);
    EXPECT_GT(reports.Stop(), 0U);
    EXPECT_TRUE(reporter.Flush(10s));
  }
  // What the file system and the reporter have said last is told, stored, and has come.
  const Deadline deadline = After(20s);
  while ((subscriber.last() == 0 || subscriber.last() < LastStored()) && MillisecondsUntil(deadline) > 0)
    ::usleep(1000);
  const uint64_t last_stored = LastStored();
  EXPECT_GE(subscriber.last(), last_stored);
  subscriber.Stop();
  EXPECT_EQ(subscriber.fault(), "");
  EXPECT_GT(subscriber.visits(), 12U);
  EXPECT_GT(last_stored, 100U);
  EXPECT_EQ(daemon.Stop(), 0) << daemon.talk();
}

// Of the process: what it has touched of memory that is nobody else's, in KiB.
uint64_t OwnMemoryKib(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  std::string word;
  while (status >> word)
    if (uint64_t kib = 0; word == "RssAnon:" && status >> kib) return kib;
  Fail("no RssAnon in /proc/PID/status");
}

// The reported errors that have come; others may have met some of their own.
struct Came {
  uint64_t errors = 0;
  uint64_t counted = 0;  // by its own gaps
};

void ReadAll(Monitor& monitor, uint64_t until, Came& came) {
  const Deadline deadline = After(20s);
  while (came.errors + came.counted < until && MillisecondsUntil(deadline) > 0) {
    monitor.Wait(20ms);
    while (const fsherald_notification* n = monitor.Next()) {
      if (n->type == nullptr || std::string(n->type) != "engine") continue;
      if (n->kind == FSHERALD_KIND_GAP && n->seq == 0) {
        EXPECT_EQ(n->gap_certainty, FSHERALD_EXACT);
        came.counted += n->gap_count;
      } else {
        came.errors += n->count;
      }
    }
  }
}

TEST_F(SinceTest, WhoStopsReadingCostsHisRingAndFindsTheCountOfTheRest) {
  constexpr uint64_t kWarm = 3000;
  constexpr uint64_t kFlood = 60'000;  // some fifteen MiB
  constexpr size_t kStopped = 16;
  Daemon daemon;
  const Reporter reporter = Reporter::OfName("engine", "orders", {.thread_bytes = 16U << 20});
  for (uint64_t i = 1; i <= kWarm; ++i) Report(reporter, i);
  EXPECT_TRUE(reporter.Flush(10s));
  std::vector<Monitor> stopped;
  std::vector<Came> came(kStopped);
  for (size_t i = 0; i < kStopped; ++i) {
    stopped.emplace_back(MonitorOptions{.since = 0});
    ASSERT_NO_FATAL_FAILURE(ReadAll(stopped[i], kWarm, came[i]));
    EXPECT_EQ(came[i].errors, kWarm);
  }
  const uint64_t before_kib = OwnMemoryKib(daemon.pid());
  for (uint64_t i = 1; i <= kFlood; ++i) Report(reporter, i);
  EXPECT_TRUE(reporter.Flush(20s));
  const uint64_t after_kib = OwnMemoryKib(daemon.pid());
  std::printf("the daemon's own memory: %lu KiB, then %lu KiB\n", before_kib, after_kib);
  EXPECT_LT(after_kib, before_kib + kStopped * 1024 + 16 * 1024) << "their rings, and what the store's thread needs";
  size_t overtaken = 0;
  for (size_t i = 0; i < kStopped; ++i) {
    ASSERT_NO_FATAL_FAILURE(ReadAll(stopped[i], kWarm + kFlood, came[i]));
    EXPECT_EQ(came[i].errors + came[i].counted, kWarm + kFlood);
    if (came[i].counted > 0) ++overtaken;
  }
  // One whose replay had not ended when the flood began goes on with it, and misses nothing (below).
  EXPECT_GE(overtaken, kStopped / 2);
  EXPECT_EQ(daemon.Stop(), 0) << daemon.talk();
}

TEST_F(SinceTest, WhoStopsReadingInHisReplayMissesNothing) {
  constexpr uint64_t kFlood = 20'000;
  Daemon daemon;
  const Reporter reporter = Reporter::OfName("engine", "orders", {.thread_bytes = 16U << 20});
  for (uint64_t i = 1; i <= kFlood / 2; ++i) Report(reporter, i);
  EXPECT_TRUE(reporter.Flush(10s));
  Monitor slow({.since = 0});
  for (uint64_t i = 1; i <= kFlood / 2; ++i) Report(reporter, i);
  EXPECT_TRUE(reporter.Flush(10s));
  Came came;
  ASSERT_NO_FATAL_FAILURE(ReadAll(slow, kFlood, came));
  EXPECT_EQ(came.errors, kFlood);
  EXPECT_EQ(came.counted, 0U);
  EXPECT_EQ(daemon.Stop(), 0) << daemon.talk();
}

TEST_F(SinceTest, WhileTheStoreCannotBeWrittenToWhatIsKeptInMemoryIsTold) {
  constexpr uint64_t kReported = 40'000;  // more than the journal's memory has
  std::ofstream(Daemon::StoreDirectory()) << "no directory";
  Daemon daemon;
  const Reporter reporter = Reporter::OfName("engine", "orders", {.thread_bytes = 16U << 20});
  for (uint64_t i = 1; i <= kReported; ++i) Report(reporter, i);
  EXPECT_TRUE(reporter.Flush(20s));
  Monitor monitor({.since = 0});
  Came came;
  ASSERT_NO_FATAL_FAILURE(ReadAll(monitor, kReported, came));
  EXPECT_EQ(came.errors, kReported);
  EXPECT_EQ(came.counted, 0U);
  EXPECT_EQ(daemon.Stop(), 0) << daemon.talk();
}

Finished Watch(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {Program(), "watch"});
  return RunToEnd({.arguments = std::move(arguments), .environment = {}, .directory = {}});
}

bool Has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_F(SinceTest, WatchTellsWhatWasAndThenGoesOn) {
  {
    Daemon daemon;
    const Reporter reporter = Reporter::OfName("engine", "orders");
    for (uint64_t inode : {4001, 4002, 4003}) Report(reporter, inode);
    EXPECT_TRUE(reporter.Flush(10s));
    const uint64_t last = [&] {
      Monitor monitor({.since = 0});
      Came came;
      ReadAll(monitor, 3, came);
      return came.errors;
    }();
    EXPECT_EQ(last, 3U);
  }
  Daemon daemon;
  const Finished all = Watch({"--since=0", "--json", "--count=3"});
  EXPECT_EQ(all.exit_code, 0);
  EXPECT_TRUE(Has(all.output, "\"seq\":1,")) << all.output;
  EXPECT_TRUE(Has(all.output, "\"seq\":2,")) << all.output;
  EXPECT_TRUE(Has(all.output, "\"seq\":3,")) << all.output;
  const Finished rest = Watch({"--since=2", "--json", "--count=1"});
  EXPECT_TRUE(Has(rest.output, "\"seq\":3,")) << rest.output;
  EXPECT_EQ(daemon.Stop(), 0) << daemon.talk();
}

TEST_F(SinceTest, WatchSaysWhatItNeeds) {
  const Finished without = Watch({"--since=0"});
  EXPECT_EQ(without.exit_code, 3);
  EXPECT_TRUE(Has(without.output, "--since needs the daemon")) << without.output;
  EXPECT_EQ(Watch({"--since=0", "--no-daemon"}).exit_code, 2);
  EXPECT_EQ(Watch({"--since=0", "/"}).exit_code, 2);
  const Finished word = Watch({"--since=yesterday"});
  EXPECT_EQ(word.exit_code, 2);
  EXPECT_TRUE(Has(word.output, "yesterday is no number of a notification")) << word.output;
  Daemon daemon({"--no-store"});
  const Finished unkept = Watch({"--since=0"});
  EXPECT_EQ(unkept.exit_code, 1);
  EXPECT_TRUE(Has(unkept.output, "this daemon keeps no history")) << unkept.output;
  EXPECT_EQ(daemon.Stop(), 0) << daemon.talk();
}

}  // namespace
}  // namespace fsherald::system_test
