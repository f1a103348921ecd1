// SPDX-License-Identifier: MIT
// ring [RUNS] [--svg FILE]: what one record of 192 bytes costs the producer, one or two at a time, with a live consumer: our
// ring, complete, beside other ways. Medians of many runs, in turns; beside the time that a cache line takes from one core to
// the other, measured in the same turns.
//
// A run is kBursts bursts of up to 512 records; its figure is the median of its bursts. A burst is smaller than any of the
// queues, and begins when everything before it has been read: so no queue is ever full, and each accepts every record. One
// producer stands on core 0; the consumer, on core 1, empties the queue every microsecond, during the burst too. Two producers begin each burst together on
// both cores; on a machine with two, the consumer then has its turn between the bursts.
#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string_view>
#include <thread>

#include "figures.h"
#include "ring_picture.h"
#include "ring_subjects.h"

namespace {

using namespace fsherald::bench;

constexpr int kBursts = 60;
constexpr int kWarmUp = 10;
constexpr uint64_t kRestNs = 1000;

struct Contender {
  const char* name;
  const char* package;
  std::unique_ptr<Subject> (*make)();
};

constexpr Contender kContenders[] = {
    {"floor: copy + atomic add", "", MakeFloor},
    {"fsherald ring", "", MakeOurs},
    {"moodycamel, implicit", "libconcurrentqueue-dev", MakeMoodycamel},
    {"boost::lockfree::queue", "libboost-dev", MakeBoost},
    {"LTTng-UST", "liblttng-ust-dev", MakeLttng},
    {"pipe", "", MakePipe},
    {"UNIX datagram", "", MakeDatagram},
};
enum : size_t { kFloor, kOurs, kMoodycamel, kBoost, kLttng, kPipe, kDatagram, kCount };
static_assert(std::size(kContenders) == kCount);

uint64_t NowNs() {
  return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1));
}

void Pin(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  ::sched_setaffinity(0, sizeof cores, &cores);
}

// ns from one core to the other: half of there and back.
double TripNs() {
  constexpr uint64_t kTrips = 20'000;
  alignas(128) std::atomic<uint64_t> line{0};
  std::jthread other([&] {
    Pin(1);
    for (uint64_t i = 1; i < 2 * kTrips; i += 2) {
      while (line.load(std::memory_order_acquire) != i) {
      }
      line.store(i + 1, std::memory_order_release);
    }
  });
  uint64_t begin = 0;
  std::jthread([&] {
    Pin(0);
    for (uint64_t i = 0; i < 2 * kTrips; i += 2) {
      if (i == kTrips / 5 * 2) begin = NowNs();
      line.store(i + 1, std::memory_order_release);
      while (line.load(std::memory_order_acquire) != i + 2) {
      }
    }
    begin = NowNs() - begin;
  }).join();
  return static_cast<double>(begin) / static_cast<double>(2 * (kTrips - kTrips / 5));
}

// Threads meet without sleeping, but let others have the core.
class Meeting {
 public:
  explicit Meeting(int count) : count_(count) {}
  void Arrive() {
    const int round = round_.load();
    if (arrived_.fetch_add(1) + 1 == count_) {
      arrived_ = 0;
      ++round_;
      return;
    }
    for (int i = 0; round_.load() == round; ++i)
      if (i % 1000 == 999) ::sched_yield();
  }

 private:
  int count_;
  std::atomic<int> arrived_{0};
  std::atomic<int> round_{0};
};

class Run {
 public:
  Run(Subject& subject, int producers) : subject_(subject), producers_(producers), meeting_(producers) {}

  // ns a record: the median of the bursts of all producers.
  double Measure() {
    std::jthread consumer([this](const std::stop_token& stop) {
      if (producers_ == 1) Pin(1);
      while (!stop.stop_requested()) {
        drained_ += subject_.Drain();
        Rest();
      }
    });
    std::vector<std::jthread> threads;
    std::vector<Figures> figures(static_cast<size_t>(producers_));
    for (int i = 0; i < producers_; ++i)
      threads.emplace_back([this, i, &own = figures[static_cast<size_t>(i)]] { Produce(i, own); });
    threads.clear();
    Figures medians;
    for (const Figures& own : figures) medians.Add(own.median());
    return medians.max();  // of two, the slower one
  }

  uint64_t refused() const { return refused_; }

 private:
  void Produce(int producer, Figures& figures) {
    Pin(producer);
    const size_t count = subject_.burst();
    for (int burst = 0; burst < kBursts + kWarmUp; ++burst) {
      WaitUntilDrained();
      meeting_.Arrive();
      const uint64_t begin = NowNs();
      const size_t accepted = subject_.Push(producer, count);
      const uint64_t end = NowNs();
      accepted_ += accepted;
      refused_ += count - accepted;
      if (burst >= kWarmUp) figures.Add(static_cast<double>(end - begin) / static_cast<double>(count));
      meeting_.Arrive();
    }
  }

  // A consumer that looked all the time would measure the cores' interconnect.
  void Rest() const {
    if (producers_ > 1) ::sched_yield();
    for (const uint64_t until = NowNs() + kRestNs; NowNs() < until;) continue;
  }

  void WaitUntilDrained() {
    if (!subject_.is_drained_by_us()) std::this_thread::sleep_for(std::chrono::microseconds(200));
    else
      while (drained_ != accepted_) ::sched_yield();
  }

  Subject& subject_;
  int producers_;
  Meeting meeting_;
  std::atomic<uint64_t> accepted_{0};
  std::atomic<uint64_t> drained_{0};
  std::atomic<uint64_t> refused_{0};
};

void Print(const std::string& name, const Figures& one, const Figures& two) {
  fmt::print("{:<26} {:>8.1f} {:>8.1f} {:>8.1f}    {:>8.1f} {:>8.1f} {:>8.1f}\n", name, one.median(), one.min(),
             one.max(), two.median(), two.min(), two.max());
}

// "ours / theirs": at most so much.
void PrintTarget(const std::string& what, const Figures& ours, const Figures& theirs, double target) {
  if (theirs.count() == 0) {
    fmt::print("{:<58} not measured\n", what);
    return;
  }
  fmt::print("{:<58} {}\n", what, Ratio(ours.median(), theirs.median(), target));
}

void PrintTargets(const std::vector<RingRow>& rows) {
  const RingRow& ours = rows[kOurs];
  fmt::print("\nratio of the medians\n");
  PrintTarget("1 producer: ours to the floor", ours.one, rows[kFloor].one, 2.5);
  PrintTarget("1 producer: ours to LTTng-UST", ours.one, rows[kLttng].one, 1.0 / 4);
  PrintTarget("each of 2 producers to one alone", ours.two, ours.one, 1.3);
  PrintTarget("2 producers: ours to boost::lockfree::queue", ours.two, rows[kBoost].two, 1.0 / 5);
  PrintTarget("2 producers: ours to LTTng-UST", ours.two, rows[kLttng].two, 1.0 / 5);
  PrintTarget("1 producer: ours to moodycamel's implicit producers", ours.one, rows[kMoodycamel].one, 1.5);
  PrintTarget("2 producers: ours to moodycamel's implicit producers", ours.two, rows[kMoodycamel].two, 1.5);
}

std::string Load() {
  std::string load;
  std::ifstream("/proc/loadavg") >> load;
  return load;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string without_lttng = PrepareLttng(argv);
  int runs = 21;
  std::string picture;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--svg" && i + 1 < argc) picture = argv[++i];
    else runs = std::max(1, std::atoi(argv[i]));
  }
  fmt::print("{} runs, in turns; load {} at the beginning\n", runs, Load());
  Figures trips;
  std::vector<RingRow> rows(kCount);
  std::vector<uint64_t> refused(kCount);
  for (int run = 0; run < runs; ++run) {
    trips.Add(TripNs());
    for (size_t i = 0; i < kCount; ++i) {
      rows[i].name = kContenders[i].name;
      if (i == kLttng && !without_lttng.empty()) continue;
      for (int producers : {1, 2}) {
        const auto subject = kContenders[i].make();
        if (!subject) continue;
        Run one_run(*subject, producers);
        (producers == 1 ? rows[i].one : rows[i].two).Add(one_run.Measure());
        refused[i] += one_run.refused();
      }
    }
  }
  fmt::print("a cache line's one-way trip between the cores, ns: {}\n\n", Words(trips));
  fmt::print("{:<26} {:>26}    {:>26}\n", "ns a record", "1 producer", "2 producers, each");
  fmt::print("{:<26} {:>8} {:>8} {:>8}    {:>8} {:>8} {:>8}\n", "", "median", "min", "max", "median", "min", "max");
  for (size_t i = 0; i < kCount; ++i) {
    if (i == kLttng && !without_lttng.empty()) fmt::print("{:<26} not run: {}\n", rows[i].name, without_lttng);
    else if (rows[i].one.count() == 0)
      fmt::print("{:<26} not built: package {}\n", rows[i].name, kContenders[i].package);
    else Print(rows[i].name, rows[i].one, rows[i].two);
    if (refused[i] != 0) fmt::print("{:<26} {} records found no room\n", "", refused[i]);
  }
  if (rows[kLttng].one.count() != 0) fmt::print("LTTng-UST discarded {} records\n", DiscardedByLttng());
  PrintTargets(rows);
  fmt::print("load {} at the end\n", Load());
  if (!picture.empty()) std::ofstream(picture) << RingPicture(rows);
  return 0;
}
