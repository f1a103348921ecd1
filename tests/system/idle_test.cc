// SPDX-License-Identifier: MIT
// Without errors, fsherald does not wake up at all, and a daemon with a history writes nothing.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>

#include "daemon.h"
#include "kernel_log.h"
#include "system_fixture.h"
#include "watcher.h"

namespace fsherald::system_test {
namespace {

using IdleTest = SystemTest;

// How often each thread has gone to sleep.
std::map<std::string, std::string> Sleeps(pid_t pid) {
  std::map<std::string, std::string> sleeps;
  for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
    std::ifstream status(task.path() / "status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("voluntary_ctxt_switches:")) sleeps[task.path().filename()] = line;
    }
  }
  return sleeps;
}

// Timers that the last error started: the last look at its state comes after 1.1 s.
constexpr std::chrono::seconds kSettle{3};

std::chrono::seconds IdleTime() { return LongRuns() ? std::chrono::seconds(60) : std::chrono::seconds(10); }

// Calls `look` before and after an idle time, in which the kernel's log said nothing: what it says, about anything, does wake us.
// False: the log went on in each attempt.
bool LookAround(const std::function<void()>& look, const std::function<void()>& let_idle) {
  constexpr int kAttempts = 3;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    KernelLog log;
    look();
    let_idle();
    look();
    if (log.Lines("").empty()) return true;
  }
  return false;
}

constexpr char kNotIdle[] = "the machine was not idle: the kernel's log went on in each attempt";

TEST_F(IdleTest, NothingWakesItWithoutErrors) {
  const Ext4Filesystem filesystem({.name = "data"});
  Watcher watcher;
  watcher.WaitUntilToldUpToNow(filesystem);
  watcher.WaitUntil([] { return false; }, After(kSettle));
  std::vector<std::map<std::string, std::string>> sleeps;
  const bool quiet = LookAround([&] { sleeps.push_back(Sleeps(watcher.pid())); },
                                [&] { watcher.WaitUntil([] { return false; }, After(IdleTime())); });
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  if (!quiet) GTEST_SKIP() << kNotIdle;
  EXPECT_EQ(sleeps[sleeps.size() - 2], sleeps.back());
}

// What a daemon has done so far, as the kernel and the disk know it.
struct Doings {
  std::map<std::string, std::string> sleeps;
  std::string written;                                        // the line of /proc/PID/io
  std::map<std::string, std::pair<int64_t, uint64_t>> files;  // of its store: when they changed, and their sizes
  friend bool operator==(const Doings&, const Doings&) = default;
};

Doings DoingsOf(const Daemon& daemon, const std::string& store) {
  Doings doings{.sleeps = Sleeps(daemon.pid()), .written = {}, .files = {}};
  std::ifstream io("/proc/" + std::to_string(daemon.pid()) + "/io");
  for (std::string line; std::getline(io, line);)
    if (line.starts_with("write_bytes:") || line.starts_with("wchar:")) doings.written += line + " ";
  for (const auto& file : std::filesystem::directory_iterator(store))
    doings.files[file.path().filename()] = {file.last_write_time().time_since_epoch().count(), file.file_size()};
  return doings;
}

TEST_F(IdleTest, ADaemonWithAHistoryNeitherWakesNorWrites) {
  constexpr uint64_t kMostMemoryBytes = 16ULL << 20;
  const Ext4Filesystem disk({.name = "disk", .size_bytes = 64ULL << 20});
  const Ext4Filesystem filesystem({.name = "data"});
  const std::string store = disk.directory() + "/store";
  Daemon daemon({"--store=" + store});
  {
    Watcher watcher;
    watcher.WaitUntilToldUpToNow(filesystem);
    EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  }
  const std::string never = "it never says this";
  daemon.WaitUntilItSays(never, After(kSettle));
  std::vector<Doings> doings;
  const bool quiet = LookAround([&] { doings.push_back(DoingsOf(daemon, store)); },
                                [&] { daemon.WaitUntilItSays(never, After(IdleTime())); });
  const uint64_t resident = daemon.MemoryBytes();
  EXPECT_EQ(daemon.Stop(), 0) << daemon.talk();
  EXPECT_GT(resident, 0U);
  EXPECT_LT(resident, kMostMemoryBytes);
  std::printf("idle: %.1f MiB resident\n", static_cast<double>(resident) / (1 << 20));
  if (!quiet) GTEST_SKIP() << kNotIdle;
  const Doings& before = doings[doings.size() - 2];
  EXPECT_EQ(before.sleeps, doings.back().sleeps);
  EXPECT_EQ(before.written, doings.back().written);
  EXPECT_EQ(before.files, doings.back().files);
  EXPECT_FALSE(before.files.empty());
}

}  // namespace
}  // namespace fsherald::system_test
