// SPDX-License-Identifier: MIT
// A hundred subscribers that do not read cost the daemon a bounded amount of memory each, and nobody else anything: one that reads
// is told everything, and each of them later how many errors exactly it has missed.
#include <cstdio>
#include <fsherald/fsherald.hpp>
#include <string_view>

#include "daemon.h"
#include "system_fixture.h"

namespace fsherald::system_test {
namespace {

using namespace std::chrono_literals;
using SlowSubscribersTest = SystemTest;

constexpr int kSlow = 100;

// Of one reporter's file system.
struct Told {
  uint64_t errors = 0;
  uint64_t lost = 0;
  uint64_t gaps = 0;
  uint64_t all() const { return errors + lost; }
};

// Takes what is there; `told` grows.
void Take(Monitor& monitor, Told& told) {
  while (const fsherald_notification* n = monitor.Next()) {
    if (n->device == nullptr || std::string_view(n->device) != "orders") continue;  // of others on this machine
    if (n->kind == FSHERALD_KIND_GAP) {
      told.lost += n->gap_count;
      ++told.gaps;
    } else if (n->kind != FSHERALD_KIND_HEALTH) {
      told.errors += n->count;
    }
  }
}

void TakeUntil(Monitor& monitor, Told& told, uint64_t errors) {
  for (const Deadline deadline = After(30s); told.all() < errors && MillisecondsUntil(deadline) > 0;) {
    Take(monitor, told);
    if (told.all() < errors) monitor.Wait(std::chrono::milliseconds(std::min(100, MillisecondsUntil(deadline))));
  }
}

Monitor Subscribe() {
  Monitor monitor({.flags = FSHERALD_MONITOR_ONLY_DAEMON});
  monitor.MarkAll();
  return monitor;
}

TEST_F(SlowSubscribersTest, CostNobodyElseAnythingAndLearnExactlyWhatTheyHaveMissed) {
  const uint64_t errors = LongRuns() ? 1'000'000 : 20'000;
  constexpr uint64_t kMostBytesOfEach = 1280 << 10;  // its ring of 1 MiB, and some
  Daemon daemon({"--no-store"});
  const uint64_t before = daemon.MemoryBytes();
  std::vector<Monitor> slow;
  for (int i = 0; i < kSlow; ++i) slow.push_back(Subscribe());
  Monitor reading = Subscribe();
  Told of_reading;
  const Reporter reporter = Reporter::OfName("engine", "orders");
  for (uint64_t i = 1; i <= errors; ++i) {
    ErrorReport report;
    report.code = EIO;
    report.inode = i;
    const std::string message = "page " + std::to_string(i) + " of the table of orders has a bad checksum";
    report.message = message;
    if (reporter.Report(report) == Reported::kInvalid) Fail("a report was refused");
    if (i % 50 == 0) TakeUntil(reading, of_reading, i);
  }
  TakeUntil(reading, of_reading, errors);
  EXPECT_EQ(of_reading.errors, errors);
  EXPECT_EQ(of_reading.gaps, 0U);

  const uint64_t peak = daemon.PeakMemoryBytes();
  EXPECT_LT(peak - before, kSlow * kMostBytesOfEach);
  uint64_t least_lost = errors;
  for (Monitor& monitor : slow) {
    Told told;
    TakeUntil(monitor, told, errors);
    EXPECT_EQ(told.all(), errors);
    EXPECT_GT(told.errors, 0U) << "what came first is told whole";
    EXPECT_GT(told.gaps, 0U);
    least_lost = std::min(least_lost, told.lost);
  }
  EXPECT_GT(least_lost, 0U);
  EXPECT_EQ(daemon.Stop(), 0) << daemon.talk();
  std::printf("%llu errors, each slow one missed %llu or more; the daemon grew by %.1f MiB, to %.1f MiB\n",
              static_cast<unsigned long long>(errors), static_cast<unsigned long long>(least_lost),
              static_cast<double>(peak - before) / (1 << 20), static_cast<double>(peak) / (1 << 20));
}

}  // namespace
}  // namespace fsherald::system_test
