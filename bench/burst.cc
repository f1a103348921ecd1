// SPDX-License-Identifier: MIT
// 100,000 errors by two writers: what one error costs the failing task with nobody listening, with a bare fanotify reader
// and with `fsherald watch --json`; that the counts told add up to the kernel's own; what memory it took.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <latch>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "figures.h"
#include "process.h"
#include "testbed.h"

namespace {

using namespace fsherald;
using namespace fsherald::bench;

constexpr int kErrors = 100'000;
constexpr int kWriters = 2;

struct Costs {
  Figures cpu_us;   // processor time of the failing tasks, per error
  Figures wall_us;  // elapsed time of the failing tasks, per error
};

uint64_t ThreadCpuNs() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

// Raises all errors; adds what one cost, the mean of this run.
void Raise(const Filesystem& filesystem, Costs& costs) {
  std::atomic<uint64_t> cpu_ns = 0;
  std::atomic<uint64_t> wall_ns = 0;
  std::latch begin(kWriters);
  std::vector<std::jthread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&] {
      const Fd fd(::open(filesystem.attribute_path("trigger_fs_error").c_str(), O_WRONLY | O_CLOEXEC));
      begin.arrive_and_wait();
      const uint64_t cpu_before_ns = ThreadCpuNs();
      const uint64_t before_ns = NowNs();
      for (int i = 0; i < kErrors / kWriters; ++i) {
        if (::write(fd.get(), "burst", 5) != 5) Fail("cannot trigger an error");
      }
      wall_ns += NowNs() - before_ns;
      cpu_ns += ThreadCpuNs() - cpu_before_ns;
    });
  }
  writers.clear();
  costs.cpu_us.Add(static_cast<double>(cpu_ns) / 1000 / kErrors);
  costs.wall_us.Add(static_cast<double>(wall_ns) / 1000 / kErrors);
}

uint64_t CountTold(std::string_view output) {
  uint64_t told = 0;
  std::istringstream lines{std::string(output)};
  for (std::string line; std::getline(lines, line);) {
    const auto notification = nlohmann::json::parse(line);
    if (notification["kind"] != "gap") told += notification["error"]["count"].get<uint64_t>();
  }
  return told;
}

struct Watched {
  uint64_t told = 0;
  size_t lines = 0;
  uint64_t peak_kib = 0;
};

Watched RaiseWatched(const Filesystem& filesystem, Costs& costs) {
  const uint64_t before = filesystem.ErrorsCount();
  Reader reader(FsheraldWatch({filesystem.directory()}));
  Raise(filesystem, costs);
  const uint64_t growth = filesystem.ErrorsCountOnceAtLeast(before + kErrors) - before;
  if (growth != kErrors) Fail(fmt::format("{} errors were counted, not {}", growth, kErrors));
  Watched watched{.peak_kib = reader.PeakMemoryKib()};
  const std::string_view output = reader.Stop();
  watched.told = CountTold(output);
  watched.lines = static_cast<size_t>(std::ranges::count(output, '\n'));
  return watched;
}

void Print(const std::string& who, const Costs& costs) {
  fmt::print("{:<18} {:>7.2f} {:>7.2f} {:>7.2f}      {:>7.2f} {:>7.2f} {:>7.2f}\n", who, costs.cpu_us.median(),
             costs.cpu_us.min(), costs.cpu_us.max(), costs.wall_us.median(), costs.wall_us.min(), costs.wall_us.max());
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 10;
  EnterTestbed(-1);
  PrintMachine();
  const Filesystem filesystem(MakeImage({}), "fs");
  Costs nobody;
  Costs bare;
  Costs ours;
  Figures lines;
  Figures peak_mib;
  int exact = 0;
  for (int round = 0; round < rounds; ++round) {
    Raise(filesystem, nobody);
    {
      const Reader reader(BareReader({filesystem.directory()}));
      Raise(filesystem, bare);
    }
    filesystem.ErrorsCountOnceAtLeast(static_cast<uint64_t>(kErrors) * (3 * static_cast<uint64_t>(round) + 2));
    const Watched watched = RaiseWatched(filesystem, ours);
    exact += watched.told == kErrors;
    if (watched.told != kErrors) fmt::print("round {}: told {} of {}\n", round, watched.told, kErrors);
    lines.Add(static_cast<double>(watched.lines));
    peak_mib.Add(static_cast<double>(watched.peak_kib) / 1024);
  }
  fmt::print("{} errors by {} writers, {} rounds\n", kErrors, kWriters, rounds);
  fmt::print("us per error           processor time, of the     elapsed time, of the\n");
  fmt::print("in the failing task    median     min     max      median     min     max\n");
  Print("nobody listens", nobody);
  Print("bare fanotify", bare);
  Print("fsherald watch", ours);
  fmt::print("ratio of the medians, processor time {}\n", Ratio(ours.cpu_us.median(), bare.cpu_us.median(), 1.5));
  fmt::print("ratio of the medians, elapsed time {}\n", Ratio(ours.wall_us.median(), bare.wall_us.median(), 1.5));
  fmt::print("counts told equal the growth of errors_count: {} of {} rounds\n", exact, rounds);
  fmt::print("lines written: {}\n", Words(lines));
  fmt::print("peak memory, MiB (target 48): {}\n", Words(peak_mib));
  return exact == rounds ? 0 : 1;
}
