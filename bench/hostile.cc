// SPDX-License-Identifier: MIT
// hostile [ROUNDS]: how long an honest reporter's error takes to the daemon's handler, alone, and beside neighbours: one that only
// burns a processor (what the machine itself makes of it), and ones of another user that do so by all that a reporter can flood
// with. In turns, within one run. Needs root, to be two users.
#include <fmt/format.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>

#include "base/clock.h"
#include "daemon/peer.h"
#include "daemon/producers.h"
#include "daemon/test_reporter.h"
#include "figures.h"

namespace {

using namespace fsherald;
using namespace fsherald::bench;

constexpr int kReports = 500;  // of one measurement
constexpr useconds_t kPauseUs = 1000;
constexpr uid_t kUser = 12345;
constexpr gid_t kGroup = 12345;
constexpr double kTarget = 1.1;

[[noreturn]] void Fail(const std::string& sentence) {
  std::fprintf(stderr, "hostile: %s\n", sentence.c_str());
  ::_exit(1);
}

pid_t InChild(const std::function<void()>& act) {
  const pid_t child = ::fork();
  if (child < 0) Fail("no process can be made");
  if (child > 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  act();
  ::_exit(0);
}

void BecomeUser() {
  if (::setgroups(0, nullptr) != 0 || ::setresgid(kGroup, kGroup, kGroup) != 0 || ::setresuid(kUser, kUser, kUser) != 0)
    Fail("cannot become another user");
}

void Burn() {
  for (std::atomic<uint64_t> turns = 0;; ++turns) {
  }
}

void FloodReports(const std::string& dir) {
  TestReporter reporter(16);
  while (!reporter.Offer(dir, "hostile", "reports")) ::usleep(100);
  for (;;) reporter.Report(EIO);
}

void FloodWakes(const std::string& dir) {
  TestReporter reporter;
  while (!reporter.Offer(dir, "hostile", "wakes")) ::usleep(100);
  for (const uint64_t one = 1;;) [[maybe_unused]] const ssize_t size = ::write(reporter.eventfd(), &one, sizeof one);
}

void FloodOffers(const std::string& dir) {
  TestReporter reporter;
  for (;;) (void)reporter.Offer(dir, "hostile", "offers");
}

void Scribble(const std::string& dir) {
  TestReporter reporter;
  while (!reporter.Offer(dir, "hostile", "scribbles")) ::usleep(100);
  for (uint64_t i = 0;; ++i) {
    reporter.Report(EIO);
    reporter.lane(0).head.store(i % 1024 * 16);
    if (i % 64 == 0 && reporter.HasHungUp()) {
      ring::FormatSegment(reporter.memory(), 2, TestReporter::kLaneBytes, ring::kBoottimeNs, true);
      (void)reporter.Offer(dir, "hostile", "scribbles");
    }
  }
}

// For each byte on `go` so many reports.
void BeHonest(const std::string& dir, int go) {
  fsherald_reporter_options options{};
  options.size = sizeof options;
  options.type = "honest";
  options.name = "one";
  options.threads = 1;
  options.runtime_dir = dir.c_str();
  fsherald_reporter* reporter = nullptr;
  if (fsherald_reporter_open(&reporter, &options) != 0) Fail("cannot report");
  for (char byte = 0; ::read(go, &byte, 1) == 1;) {
    for (int i = 0; i < kReports; ++i) {
      ::usleep(kPauseUs);
      fsherald_report report{};
      report.size = sizeof report;
      report.error = EIO;
      report.message = "checksum is wrong";
      if (fsherald_report_error(reporter, &report) != 0) Fail("there was no room");
    }
  }
}

class Daemon {
 public:
  explicit Daemon(const std::string& dir) {
    auto listener = Listen(dir, protocol::kReportSocket);
    if (!listener) Fail(listener.error().ToString());
    auto producers =
        Producers::Open({.group = kGroup}, std::move(*listener), filesystems_, [this](Notification&& told, auto) {
          if (told.filesystem.type == "honest")
            latencies_.push_back(static_cast<double>(BoottimeNowNs() - *told.boottime_ns) / 1000);
          else others_ += told.error.count;
        });
    if (!producers) Fail(producers.error().ToString());
    producers_ = std::move(*producers);
  }

  void PumpUntil(const std::function<bool()>& condition) {
    while (!condition()) {
      pollfd fd{.fd = producers_->fd(), .events = POLLIN, .revents = 0};
      if (::poll(&fd, 1, 10) == 1) producers_->Pump();
    }
  }
  void PumpFor(uint64_t ms) {
    const uint64_t end_ns = BoottimeNowNs() + ms * 1'000'000;
    PumpUntil([&] { return BoottimeNowNs() >= end_ns; });
  }
  size_t attached() const { return producers_->attached(); }
  size_t told() const { return latencies_.size(); }
  Figures TakeLatencies() {
    Figures figures;
    for (double us : latencies_) figures.Add(us);
    latencies_.clear();
    return figures;
  }

 private:
  UserFilesystems filesystems_;
  std::unique_ptr<Producers> producers_;
  std::vector<double> latencies_;  // us
  uint64_t others_ = 0;
};

struct Neighbour {
  const char* name;
  std::function<void()> act;  // none: nobody
};

Figures Measure(Daemon& daemon, const Neighbour& neighbour, int go) {
  pid_t child = -1;
  if (neighbour.act)
    child = InChild([&] {
      BecomeUser();
      neighbour.act();
    });
  daemon.PumpFor(50);
  if (::write(go, "!", 1) != 1) Fail("the honest one is gone");
  daemon.PumpUntil([&] { return daemon.told() == kReports; });
  if (child > 0) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  daemon.PumpUntil([&] { return daemon.attached() == 1; });
  return daemon.TakeLatencies();
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 20;
  if (::geteuid() != 0) Fail("needs root");
  std::string dir = std::filesystem::temp_directory_path() / "fsherald.XXXXXX";
  if (::mkdtemp(dir.data()) == nullptr) Fail("no directory");
  std::filesystem::permissions(dir, std::filesystem::perms(0755));
  std::array<int, 2> go{};
  if (::pipe2(go.data(), O_CLOEXEC) != 0) Fail("no pipe");
  Daemon daemon(dir);
  const pid_t honest = InChild([&] {
    ::close(go[1]);
    BeHonest(dir, go[0]);
  });
  daemon.PumpUntil([&] { return daemon.attached() == 1; });

  const std::array neighbours{Neighbour{"nobody", nullptr},
                              Neighbour{"burns a processor", Burn},
                              Neighbour{"floods with reports", [&] { FloodReports(dir); }},
                              Neighbour{"floods with wake-ups", [&] { FloodWakes(dir); }},
                              Neighbour{"floods with offers", [&] { FloodOffers(dir); }},
                              Neighbour{"scribbles", [&] { Scribble(dir); }}};
  std::array<Figures, neighbours.size()> medians;
  std::array<Figures, neighbours.size()> p99s;
  std::array<Figures, neighbours.size()> to_nobody;
  std::array<Figures, neighbours.size()> to_burner;
  for (int round = 0; round < rounds; ++round) {
    std::array<double, neighbours.size()> median{};
    for (size_t i = 0; i < neighbours.size(); ++i) {
      const Figures latencies = Measure(daemon, neighbours[i], go[1]);
      median[i] = latencies.median();
      medians[i].Add(median[i]);
      p99s[i].Add(latencies.Quantile(0.99));
    }
    for (size_t i = 0; i < neighbours.size(); ++i) {
      to_nobody[i].Add(median[i] / median[0]);
      to_burner[i].Add(median[i] / median[1]);
    }
  }
  ::close(go[1]);
  ::waitpid(honest, nullptr, 0);
  std::filesystem::remove_all(dir);

  fmt::print("from an honest report to the handler, {} rounds of {} reports, a millisecond apart\n", rounds, kReports);
  fmt::print("{:<22} us, median {:>6} {:>8}   p99 {:>8}   ratio of the medians, paired\n", "the neighbour", "min",
             "max", "");
  for (size_t i = 0; i < neighbours.size(); ++i)
    fmt::print("{:<22} {:>10.1f} {:>6.1f} {:>8.1f} {:>14.1f}   to nobody {:.2f}  to the burner {}\n",
               neighbours[i].name, medians[i].median(), medians[i].min(), medians[i].max(), p99s[i].median(),
               to_nobody[i].median(), Ratio(to_burner[i].median(), 1, kTarget));
  return 0;
}
