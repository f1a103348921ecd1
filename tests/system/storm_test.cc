// SPDX-License-Identifier: MIT
// A storm of errors on many file systems at once, under a daemon that keeps a history: every error is counted for its file
// system, memory does not grow with them, and the single errors of a file system that is hardly affected are told meanwhile.
// FSHERALD_LONG=1: a million errors.

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <span>
#include <thread>

#include "daemon.h"
#include "stored_errors.h"
#include "system_fixture.h"
#include "watcher.h"

namespace fsherald::system_test {
namespace {

using namespace std::chrono_literals;
using StormTest = SystemTest;

constexpr uint64_t kFilesystems = 16;
constexpr uint64_t kThreads = 4;
constexpr uint64_t kMostSingleErrors = 100;
constexpr uint64_t kMostMemoryBytes = 64ULL << 20;

std::vector<Ext4Filesystem> MakeFilesystems() {
  std::vector<Ext4Filesystem> filesystems;
  for (uint64_t i = 0; i < kFilesystems; ++i)
    filesystems.emplace_back(Ext4Filesystem::Options{.name = "fs" + std::to_string(i)});
  return filesystems;
}

// Raises errors on all of them in turn, from several threads, as fast as that goes: as many on each as asked for, and on until it
// is ended.
class Storm {
 public:
  Storm(const std::vector<Ext4Filesystem>& filesystems, uint64_t errors_of_each)
      : filesystems_(filesystems), least_rounds_((errors_of_each + kThreads - 1) / kThreads) {
    for (uint64_t t = 0; t < kThreads; ++t) threads_.emplace_back([t, this] { Run(t); });
  }
  bool has_raised(uint64_t errors) const { return rounds_ * filesystems_.size() >= errors; }
  // Of each file system so many were raised.
  uint64_t End() {
    stop_ = true;
    threads_.clear();
    return rounds_;
  }

 private:
  void Run(uint64_t thread) {
    for (uint64_t round = 0; round < least_rounds_ || !stop_; ++round) {
      for (uint64_t i = 0; i < filesystems_.size(); ++i)
        filesystems_[(i + 4 * thread) % filesystems_.size()].Trigger("of the storm");
      ++rounds_;
    }
  }

  const std::vector<Ext4Filesystem>& filesystems_;
  const uint64_t least_rounds_;
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> rounds_{0};
  std::vector<std::jthread> threads_;
};

// Milliseconds from each error to the moment that its line was read: half of them, and all of them, are told as early as that.
struct Latencies {
  double median_ms = 0;
  double most_ms = 0;
};

Latencies LatenciesOf(const Watcher& watcher, std::span<const Json> lines) {
  std::vector<int64_t> all_ns;
  for (const Json& line : lines) all_ns.push_back(watcher.LatencyNs(line).value());
  std::ranges::sort(all_ns);
  return {.median_ms = static_cast<double>(all_ns[all_ns.size() / 2]) / 1e6,
          .most_ms = static_cast<double>(all_ns.back()) / 1e6};
}

// Raises one more, and waits until so many in all are told.
void RaiseAndWait(const Ext4Filesystem& filesystem, Watcher& watcher, uint64_t errors) {
  filesystem.Trigger("a single one");
  const auto told = [&] { return CountedErrors(watcher.About(filesystem)) >= errors; };
  if (!watcher.WaitUntil(told, After(30s))) {
    std::string lines;
    for (const Json& line : watcher.lines()) lines += line.dump() + "\n";
    Fail("the single error was not told; these were: " + lines);
  }
}

TEST_F(StormTest, EveryErrorIsCountedMemoryIsBoundedAndSingleErrorsAreToldMeanwhile) {
  const uint64_t errors = LongRuns() ? 1'000'000 : 40'000;
  const std::vector<Ext4Filesystem> filesystems = MakeFilesystems();
  const Ext4Filesystem quiet({.name = "quiet"});
  Daemon daemon({"--keep"});
  Watcher watcher({quiet.directory()});
  const auto begin = std::chrono::steady_clock::now();
  Storm storm(filesystems, errors / kFilesystems);
  while (!storm.has_raised(errors / 4)) std::this_thread::sleep_for(1ms);
  uint64_t single_errors = 0;
  do {
    RaiseAndWait(quiet, watcher, ++single_errors);
  } while (single_errors < kMostSingleErrors && !storm.has_raised(errors));
  const uint64_t errors_of_each = storm.End();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;

  std::map<std::string, uint64_t> counted;
  const Deadline deadline = After(30s);
  for (const Ext4Filesystem& filesystem : filesystems)
    counted[filesystem.uuid()] = filesystem.ErrorsCountOnceAtLeast(errors_of_each, deadline);
  for (const auto& [uuid, of_one] : counted) EXPECT_EQ(of_one, errors_of_each) << "the kernel's own count";
  counted[quiet.uuid()] = single_errors + 1;
  RaiseAndWait(quiet, watcher, single_errors + 1);
  const uint64_t memory = daemon.PeakMemoryBytes();
  ASSERT_EQ(watcher.Stop(), 0) << watcher.talk();
  ASSERT_EQ(daemon.Stop(), 0) << daemon.talk();

  const auto stored = StoredNotifications(Daemon::StoreDirectory());
  const auto told = ErrorsByUuid(stored);
  for (const auto& [uuid, of_one] : counted) EXPECT_EQ(told.contains(uuid) ? told.at(uuid) : 0, of_one) << uuid;
  EXPECT_FALSE(told.contains("")) << "some were attributed to none";
  EXPECT_EQ(Losses(stored), "");
  EXPECT_LT(memory, kMostMemoryBytes);
  EXPECT_GT(memory, 0U);
  const std::vector<Json> of_quiet = watcher.About(quiet);
  ASSERT_EQ(of_quiet.size(), single_errors + 1);
  const Latencies latencies = LatenciesOf(watcher, std::span(of_quiet).first(single_errors));
  std::printf(
      "%llu errors in %.1f s, %zu notifications; peak memory %.1f MiB; %llu single errors were told after %.1f ms in "
      "the "
      "median, %.1f ms at the most\n",
      static_cast<unsigned long long>(errors_of_each * kFilesystems), took.count(), stored.size(),
      static_cast<double>(memory) / (1 << 20), static_cast<unsigned long long>(single_errors), latencies.median_ms,
      latencies.most_ms);
}

}  // namespace
}  // namespace fsherald::system_test
