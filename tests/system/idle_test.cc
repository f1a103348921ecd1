// SPDX-License-Identifier: MIT
// Without errors, fsherald does not wake up at all.
#include <filesystem>
#include <fstream>
#include <map>

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

TEST_F(IdleTest, NothingWakesItWithoutErrors) {
  const Ext4Filesystem filesystem({.name = "data"});
  Watcher watcher;
  watcher.WaitUntilToldUpToNow(filesystem);
  const std::chrono::seconds idle = LongRuns() ? std::chrono::seconds(60) : std::chrono::seconds(10);
  const std::chrono::seconds settle(
      3);  // timers that the sentinel's error started: the last look at its state comes after 1.1 s
  watcher.WaitUntil([] { return false; }, After(settle));
  bool quiet = false;
  constexpr int kAttempts = 3;  // what the kernel says meanwhile, about anything, does wake it
  for (int attempt = 0; attempt < kAttempts && !quiet; ++attempt) {
    KernelLog log;
    const auto before = Sleeps(watcher.pid());
    watcher.WaitUntil([] { return false; }, After(idle));
    const auto after = Sleeps(watcher.pid());
    quiet = log.Lines("").empty();
    if (quiet) {
      EXPECT_EQ(before, after);
    }
  }
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  if (!quiet)
    GTEST_SKIP() << "the machine was not idle: the kernel's log went on in each of " << kAttempts << " attempts";
}

}  // namespace
}  // namespace fsherald::system_test
