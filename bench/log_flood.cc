// SPDX-License-Identifier: MIT
// A thousand lines a second in the kernel's log that tell of no error: what they cost an idle `fsherald watch`, and what it
// costs those who write them. By the trace (a BPF program looks at each line) and by /dev/kmsg (fsherald reads each line).
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "figures.h"
#include "process.h"
#include "testbed.h"

namespace {

using namespace fsherald;
using namespace fsherald::bench;

constexpr unsigned kLinesPerSecond = 1000;
constexpr unsigned kLinesPerFile = 10;  // the kernel lets each open file write ten lines in five seconds
constexpr double kTargetPercent = 2;

// Of the kinds that a machine's log is full of; some begin as our own do.
constexpr const char* kLines[] = {
    "usb 1-1.4: new high-speed USB device number 7 using xhci_hcd",
    "audit: type=1400 audit(1764000000.123:456): apparmor=\"DENIED\" operation=\"open\" profile=\"snap\" pid=4711",
    "eth0: Link is Up - 1Gbps/Full - flow control rx/tx",
    "IPv6: ADDRCONF(NETDEV_CHANGE): veth12ab34c: link becomes ready",
    "EDAC MC0: 1 CE memory read error on CPU_SrcID#0_MC#0_Chan#1_DIMM#0",
    "loop: module loaded",
};

uint64_t OwnCpuNs() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<uint64_t>(used.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(used.tv_nsec);
}

void WriteLines(unsigned count) {
  const Fd log(::open("/dev/kmsg", O_WRONLY | O_CLOEXEC));
  for (unsigned i = 0; i < count; ++i) {
    const std::string line = fmt::format("<6>{}\n", kLines[i % std::size(kLines)]);
    if (::write(log.get(), line.data(), line.size()) < 0) Fail("cannot write to /dev/kmsg");
  }
}

struct Cost {
  double reader_percent = 0;  // of one processor
  double writer_us = 0;       // a line
};

// Ten lines each hundredth of a second.
Cost Flood(const Reader* reader, unsigned seconds) {
  const uint64_t begin_ns = NowNs();
  const uint64_t reader_before_ns = reader != nullptr ? reader->CpuNs() : 0;
  const uint64_t own_before_ns = OwnCpuNs();
  const unsigned batches = seconds * kLinesPerSecond / kLinesPerFile;
  for (unsigned i = 0; i < batches; ++i) {
    WriteLines(kLinesPerFile);
    const uint64_t next_ns = begin_ns + (i + 1) * uint64_t{1'000'000'000} * kLinesPerFile / kLinesPerSecond;
    if (const uint64_t now_ns = NowNs(); now_ns < next_ns) ::usleep(static_cast<useconds_t>((next_ns - now_ns) / 1000));
  }
  const auto elapsed_ns = static_cast<double>(NowNs() - begin_ns);
  Cost cost;
  cost.writer_us = static_cast<double>(OwnCpuNs() - own_before_ns) / 1000 / (batches * kLinesPerFile);
  if (reader != nullptr)
    cost.reader_percent = static_cast<double>(reader->CpuNs() - reader_before_ns) / elapsed_ns * 100;
  return cost;
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
  constexpr unsigned kSeconds = 2;  // of a round: the log is everybody's
  EnterTestbed(-1);
  PrintMachine();
  const Filesystem filesystem(MakeImage({}), "fs");
  struct Way {
    const char* name;
    std::vector<std::string> arguments;
    bool watches = true;
    Figures percent = {};
    Figures writer_us = {};
  };
  Way ways[] = {{"nobody", {}, false}, {"by the trace", {}}, {"by /dev/kmsg", {"--without=trace"}}};
  for (int round = 0; round < rounds; ++round) {
    for (Way& way : ways) {
      std::unique_ptr<Reader> reader;
      if (way.watches) reader = std::make_unique<Reader>(FsheraldWatch(way.arguments));
      const Cost cost = Flood(reader.get(), kSeconds);
      way.percent.Add(cost.reader_percent);
      way.writer_us.Add(cost.writer_us);
    }
  }
  fmt::print("{} lines a second that tell of no error\n", kLinesPerSecond);
  bool met = true;
  for (const Way& way : ways) {
    fmt::print(
        "  {:<13} % of a processor: {:.2f} ({:.2f} to {:.2f}); the writer, us a line: {:.2f} ({:.2f} to {:.2f})\n",
        way.name, way.percent.median(), way.percent.min(), way.percent.max(), way.writer_us.median(),
        way.writer_us.min(), way.writer_us.max());
    met = met && way.percent.median() < kTargetPercent;
  }
  fmt::print("target: below {} %: {}\n", kTargetPercent, met ? "met" : "missed");
  return met ? 0 : 1;
}
