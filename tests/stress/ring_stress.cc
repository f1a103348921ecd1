// SPDX-License-Identifier: MIT
// The ring under load: threads with signal handlers, more than there are lanes, coming and going, and processes that are
// killed while they write, each with records of random sizes into rings that are often full, read at the same time. Every
// record that comes is whole, and in its producer's order; and told + counted = submitted, exactly: but for the one record
// that a killed process was in the middle of, which may be there or not.
//
// FSHERALD_LONG=1: 10^8 records, in the sanitizers' builds 2 * 10^7 (ten times as slow). ring_stress RECORDS: as many.
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>

#include "base/fd.h"
#include "check.h"
#include "producers.h"

namespace {

using namespace fsherald;
using namespace fsherald::stress;

constexpr int kThreads = 3;
constexpr int kProcesses = 2;
constexpr uint32_t kDeaths = 10;  // of each process's, at least

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr uint64_t kLong = 20'000'000;
#else
constexpr uint64_t kLong = 100'000'000;
#endif

uint64_t RecordsWanted(int argc, char** argv) {
  if (argc > 1) return std::strtoull(argv[1], nullptr, 10);
  return std::getenv("FSHERALD_LONG") != nullptr ? kLong : 2'000'000;
}

// A ring and what came from it.
struct Read {
  Read(std::string name, std::span<std::byte> segment_of_it)
      : segment(segment_of_it), check(std::move(name)), reader(Open()) {}

  ring::RingReader Open() const {
    auto opened = ring::RingReader::Open(segment);
    if (!opened) Fail(opened.error().ToString());
    return std::move(*opened);
  }

  // A part of what is there; false: there was nothing.
  bool Some() {
    int records = 0;
    for (; records < 64; ++records) {
      const auto record = reader.Next();
      if (!record) break;
      check.Told(*record);
      if (record->from_cell) ++from_cell;
      ++told;
    }
    const uint64_t new_counted = reader.counted();
    check.Counted(new_counted);
    counted += new_counted;
    if (reader.broken()) Fail("a ring is broken");
    reader.Release();
    return records != 0 || new_counted != 0;
  }

  std::span<std::byte> segment;
  Check check;
  ring::RingReader reader;
  uint64_t told = 0;
  uint64_t from_cell = 0;
  uint64_t counted = 0;
  uint32_t formats = 0;  // how often the memory has become a new ring
};

class Stress {
 public:
  Stress() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    // The processes first: ThreadSanitizer wants no threads before a fork.
    for (uint64_t i = 0; i < kProcesses; ++i) {
      processes_.emplace_back(i + 7, wake_.get());
      of_processes_.emplace_back("process " + std::to_string(i), processes_.back().segment());
    }
    if (!ring::RegisterForMembarrier()) Fail("membarrier(2) cannot be used");
    threads_.emplace_back(kThreads, wake_.get());
    of_threads_.emplace_back("threads", threads_.back().segment());
  }

  void Run(uint64_t records) {
    threads_.back().Start();
    while (!Enough(records)) ReadAll();
    threads_.back().Stop();
    while (!threads_.back().ended()) ReadAll();
    for (KilledProducer& process : processes_) process.control().stop = 1;
    while (!std::ranges::all_of(processes_, [](auto& process) { return process.control().ended != 0; })) ReadAll();
    for (KilledProducer& process : processes_) process.Join();
    while (of_threads_.back().Some()) {
    }
    const Results& results = threads_.back().results();
    Read& threads = of_threads_.back();
    if (threads.told != results.kept || threads.counted != results.counted) Fail("threads: kept and told differ");
    threads.check.Settle(results.sum(), 0);
  }

  void Print(double seconds) const {
    uint64_t told = of_threads_.back().told, counted = of_threads_.back().counted, deaths = 0;
    uint64_t submitted = threads_.back().results().sum(), from_cells = of_threads_.back().from_cell;
    for (const Read& read : of_processes_) {
      told += read.told;
      counted += read.counted;
      from_cells += read.from_cell;
    }
    for (const KilledProducer& process : processes_) {
      deaths += process.control().deaths;
      submitted += process.control().all;
    }
    std::printf(
        "%lu records submitted, %lu told (%lu by a cell), %lu counted; %lu processes killed, %lu times slept; %.1f s\n",
        submitted, told, from_cells, counted, deaths, sleeps_, seconds);
  }

 private:
  bool Enough(uint64_t records) const {
    uint64_t submitted = threads_.back().submitted();
    bool died = true;
    for (const KilledProducer& process : processes_) {
      submitted += process.control().all;
      died = died && process.control().deaths >= kDeaths;
    }
    return died && submitted >= records;
  }

  void ReadAll() {
    bool something = of_threads_.back().Some();
    for (size_t i = 0; i < processes_.size(); ++i) something |= ReadProcess(processes_[i], of_processes_[i]);
    if (!something) SleepUntilWoken();
  }

  // Once it is dead, all that it has written is there.
  static bool ReadProcess(KilledProducer& process, Read& read) {
    auto& control = process.control();
    const uint32_t state = control.state;
    if (state == KilledProducer::kDrained) return false;
    const uint32_t formats = control.formats;
    if (formats != read.formats) read.reader = read.Open();
    read.formats = formats;
    const bool something = read.Some();
    if (state != KilledProducer::kDead || something) return something;
    read.check.Settle(control.returned, 1);
    control.state = KilledProducer::kDrained;
    return true;
  }

  void SleepUntilWoken() {
    bool asleep = of_threads_.back().reader.Sleep();
    for (Read& read : of_processes_) asleep = asleep && read.reader.Sleep();
    if (asleep) {
      ++sleeps_;
      pollfd waiting = {.fd = wake_.get(), .events = POLLIN, .revents = 0};
      if (::poll(&waiting, 1, 60'000) != 1) Fail("a wake-up was lost");
    }
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t unused = ::read(wake_.get(), &count, sizeof count);
    of_threads_.back().reader.Awake();
    for (Read& read : of_processes_) read.reader.Awake();
  }

  Fd wake_;
  std::deque<KilledProducer> processes_;
  std::deque<Read> of_processes_;
  std::deque<ThreadProducers> threads_;
  std::deque<Read> of_threads_;
  uint64_t sleeps_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const uint64_t records = RecordsWanted(argc, argv);
  const auto begin = std::chrono::steady_clock::now();
  Stress stress;
  stress.Run(records);
  stress.Print(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  return 0;
}
