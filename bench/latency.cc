// SPDX-License-Identifier: MIT
// From just before the failing system call to the line written, `fsherald watch --json` against a bare fanotify reader.
//
// Every fanotify group is told of every error, by the kernel, in the failing task: so the two never run at the same time,
// else each would be measured with the other's cost. They take turns, in blocks, each block with a process of its own.
// Both are pinned to the second CPU, the failing task to the first; both write to the same kind of memory, which the
// failing task watches without sleeping: so no wake-up of a reader stands between the line and the clock.
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "figures.h"
#include "process.h"
#include "testbed.h"

namespace {

using namespace fsherald;
using namespace fsherald::bench;

constexpr int kErrors = 1000;
constexpr int kBlocks = 10;
constexpr uint64_t kPatienceNs = 1'000'000'000;
constexpr int kReaderCpu = 1;

// Fails one system call; `i` counts from 0.
using Trip = std::function<void(int i)>;

struct Latencies {
  Figures first_us;  // of the first error after the start
  Figures us;        // of all others
  size_t missed = 0;
  size_t lines = 0;
};

// Not in step with any timer.
void Pause() { ::usleep(static_cast<useconds_t>(2000 + ::random() % 4000)); }

void Measure(const std::vector<std::string>& argv, const Trip& trip, int first, int count, Latencies& latencies) {
  Reader reader(argv, kReaderCpu);
  ::usleep(50'000);
  for (int i = first; i < first + count; ++i) {
    Pause();
    latencies.lines += reader.Skip();
    const uint64_t begin_ns = NowNs();
    trip(i);
    const std::optional<uint64_t> end_ns = reader.SpinForLine(kPatienceNs);
    if (!end_ns) ++latencies.missed;
    else (i == first ? latencies.first_us : latencies.us).Add(static_cast<double>(*end_ns - begin_ns) / 1000);
  }
  ::usleep(100'000);
  latencies.lines += reader.Skip();
}

void Print(const std::string& who, const Latencies& latencies) {
  fmt::print("  {:<14} {}\n", who, Words(latencies.us));
  if (latencies.first_us.count() > 1)
    fmt::print("  {:<14}   the first after the start: {}\n", "", Words(latencies.first_us));
  if (latencies.missed > 0) fmt::print("  {:<14}   {} without a line\n", "", latencies.missed);
}

// Whether the kernel counted as many errors as were tripped over.
void CheckErrors(const Filesystem& filesystem, uint64_t before, uint64_t tripped) {
  const uint64_t growth = filesystem.ErrorsCountOnceAtLeast(before + tripped) - before;
  if (growth != tripped) fmt::print("  NOT VALID: {} errors, {} expected\n", growth, tripped);
}

void Compare(const std::string& title, const Filesystem& filesystem, const Trip& trip) {
  fmt::print("\n{}, us\n", title);
  const uint64_t before = filesystem.ErrorsCount();
  Latencies bare;
  Latencies ours;
  for (int block = 0; block < kBlocks; ++block) {
    constexpr int kCount = kErrors / kBlocks;
    const auto measure_bare = [&] { Measure(BareReader({filesystem.directory()}), trip, 0, kCount, bare); };
    if (block % 2 == 0) measure_bare();
    Measure(FsheraldWatch({filesystem.directory()}), trip, 0, kCount, ours);
    if (block % 2 != 0) measure_bare();
  }
  CheckErrors(filesystem, before, 2 * kErrors);
  Print("bare fanotify", bare);
  Print("fsherald", ours);
  fmt::print("  ratio of the medians {}\n", Ratio(ours.us.median(), bare.us.median(), 1.5));
  fmt::print("  ratio of the 99th percentiles {}\n", Ratio(ours.us.Quantile(0.99), bare.us.Quantile(0.99), 2.0));
}

void MeasureOurs(const std::string& title, const Filesystem& filesystem, const Trip& trip, int count) {
  fmt::print("\n{}, us\n", title);
  const uint64_t before = filesystem.ErrorsCount();
  Latencies ours;
  Measure(FsheraldWatch({filesystem.directory()}), trip, 0, count, ours);
  CheckErrors(filesystem, before, count);
  Print("fsherald", ours);
}

Trip TriggerError(const Filesystem& filesystem) {
  const int fd = ::open(filesystem.attribute_path("trigger_fs_error").c_str(), O_WRONLY | O_CLOEXEC);
  return [fd](int) { [[maybe_unused]] const ssize_t size = ::write(fd, "latency", 7); };
}

void Triggered() {
  const Filesystem filesystem(MakeImage({.name = "trigger"}), "trigger");
  filesystem.PrintEveryError(true);
  Compare("trigger_fs_error: no inode; all sources, a log line for each", filesystem, TriggerError(filesystem));
  filesystem.PrintEveryError(false);
  Compare("trigger_fs_error, log lines rate-limited", filesystem, TriggerError(filesystem));
}

// A directory whose first entry has length 0.
void Listed() {
  const std::string image = MakeImage(
      {.name = "list",
       .requests = {"mkdir /letters", "cd /letters", "mkdir bob", "zap_block -f /letters -o 28 -l 2 -p 0 0"}});
  const Filesystem filesystem(image, "list");
  filesystem.PrintEveryError(true);
  const int directory = ::open((filesystem.directory() + "/letters").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  Compare("getdents of a directory with a bad entry: inode and path; all sources, a log line for each", filesystem,
          [directory](int) {
            char buffer[4096];
            ::lseek(directory, 0, SEEK_SET);
            ::syscall(SYS_getdents64, directory, buffer, sizeof buffer);
          });
  ::close(directory);
}

// Block groups whose descriptors count fewer free blocks than their bitmaps. The kernel reports each once, and tells
// fanotify nothing of it.
void Trimmed(const std::string& name, bool every_line, int groups) {
  constexpr uint64_t kGroupBytes = 256 * 4096;
  std::vector<std::string> requests;
  for (int group = 1; group <= groups; ++group) requests.push_back(fmt::format("set_bg {} free_blocks_count 5", group));
  const std::string image = MakeImage({.name = name,
                                       .size_bytes = (static_cast<uint64_t>(groups) + 2) * kGroupBytes,
                                       .mke2fs = {"-b", "4096", "-g", "256", "-N", "4096", "-O", "^has_journal"},
                                       .requests = requests});
  const Filesystem filesystem(image, name);
  filesystem.PrintEveryError(every_line);
  const int root = ::open(filesystem.directory().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const Trip trim = [root](int i) {
    fstrim_range range{.start = (static_cast<uint64_t>(i) + 1) * kGroupBytes, .len = kGroupBytes, .minlen = 0};
    ::ioctl(root, FITRIM, &range);
  };
  MeasureOurs(every_line ? "a damaged block group, no fanotify: told when its line has come"
                         : "a damaged block group, no fanotify, lines rate-limited: waits for the window (5 ms)",
              filesystem, trim, groups);
  ::close(root);
}

// Inodes that cannot be loaded, each of another file: only a walk over the device finds the path.
void LookedUp() {
  constexpr int kFiles = 200;
  std::vector<std::string> requests{"mkdir /letters", "cd /letters"};
  for (int i = 0; i < kFiles; ++i) requests.push_back(fmt::format("write /dev/null f{}", i));
  for (int i = 0; i < kFiles; ++i) requests.push_back(fmt::format("sif f{} mode 0xff", i));
  const Filesystem filesystem(MakeImage({.name = "lookup", .requests = requests}), "lookup");
  filesystem.PrintEveryError(true);
  MeasureOurs(
      "stat of an inode that cannot be loaded: waits for a walk over the device", filesystem,
      [&](int i) {
        struct stat status;
        ::stat(fmt::format("{}/letters/f{}", filesystem.directory(), i).c_str(), &status);
      },
      kFiles);
}

}  // namespace

// Without arguments all, else those named.
int main(int argc, char** argv) {
  const std::vector<std::pair<std::string_view, std::function<void()>>> parts{
      {"trigger", Triggered},
      {"list", Listed},
      {"group", [] { Trimmed("lined", true, kErrors); }},
      {"window", [] { Trimmed("limited", false, kErrors); }},
      {"walk", LookedUp}};
  EnterTestbed(0);
  PrintMachine();
  for (const auto& [name, measure] : parts)
    if (argc == 1 || std::find(argv + 1, argv + argc, name) != argv + argc) measure();
}
