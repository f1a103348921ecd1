// SPDX-License-Identifier: MIT
// A flood: every error is counted, exactly, and memory does not grow with it.
#include <fstream>
#include <thread>

#include "system_fixture.h"
#include "watcher.h"

namespace fsherald::system_test {
namespace {

using BurstTest = SystemTest;

uint64_t PeakMemoryBytes(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) * 1024;
  }
  return 0;
}

void Flood() {
  constexpr uint64_t kErrors = 100'000;
  const Ext4Filesystem filesystem({.name = "data"});
  const Ext4Filesystem sentinel({.name = "sentinel"});
  Watcher watcher;
  const auto raise_half = [&](const char* text) {
    for (uint64_t i = 0; i < kErrors / 2; ++i) filesystem.Trigger(text);
  };
  std::thread writer(raise_half, "of the first writer");
  std::thread second_writer(raise_half, "of the second writer");
  writer.join();
  second_writer.join();
  const uint64_t growth = filesystem.ErrorsCountOnceAtLeast(kErrors, After(std::chrono::seconds(5)));
  ASSERT_EQ(growth, kErrors);
  watcher.WaitUntil([&] { return CountedErrors(watcher.About(filesystem)) >= kErrors; },
                    After(std::chrono::seconds(10)));
  const uint64_t memory = PeakMemoryBytes(watcher.pid());
  watcher.WaitUntilToldUpToNow(sentinel);
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  EXPECT_EQ(CountedErrors(watcher.About(filesystem)), growth);
  EXPECT_LT(memory, 64ULL << 20);
  EXPECT_GT(memory, 0U);
}

TEST_F(BurstTest, CountsOfAHundredThousandErrorsAddUp) {
  const int runs = LongRuns() ? 10 : 1;
  for (int run = 0; run < runs && !HasFailure(); ++run) Flood();
}

}  // namespace
}  // namespace fsherald::system_test
