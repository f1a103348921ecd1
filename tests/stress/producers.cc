// SPDX-License-Identifier: MIT
#include "producers.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <new>

#include "check.h"
#include "pattern.h"

namespace fsherald::stress {
namespace {

constexpr uint64_t kGeneration = 50'000;  // records of one thread
constexpr long kTimerNs = 100'000;

// One producer, and one more for its handlers.
class Stream {
 public:
  Stream(ring::RingWriter& writer, uint32_t producer) : writer_(writer), random_(producer), id_{.producer = producer} {}

  // Where there was no room: lets the reader have the processor now and then, so that much is told and much is not.
  void SubmitAndYield() {
    if (!Submit() && random_.Next() % 4 == 0) ::sched_yield();
  }

  bool Submit() {
    const size_t bytes = RandomSize(random_);
    ++id_.number;
    const auto result = writer_.Submit(bytes, [&](std::byte* to) { FillRecord(to, bytes, id_); });
    const bool is_kept = result != ring::Submitted::kCounted;
    ++(is_kept ? kept_ : counted_);
    return is_kept;
  }

  void AddTo(Results& results) const {
    results.kept += kept_;
    results.counted += counted_;
  }

 private:
  ring::RingWriter& writer_;
  Random random_;
  RecordId id_;
  uint64_t kept_ = 0;
  uint64_t counted_ = 0;
};

thread_local Stream* handlers = nullptr;

thread_local volatile sig_atomic_t has_fired = 0;

void OnTimer(int) {
  if (handlers != nullptr) handlers->Submit();
  has_fired = 1;
}

// Interrupts the thread that made it, once after each Rearm: one that fired by itself would, where a handler takes longer than
// the time between two, leave the thread no moment for anything else.
class Timer {
 public:
  Timer() {
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = SIGRTMIN;
    event._sigev_un._tid = static_cast<pid_t>(::syscall(SYS_gettid));
    if (::timer_create(CLOCK_MONOTONIC, &event, &timer_) != 0) Fail("timer_create failed");
    Arm();
  }
  ~Timer() { ::timer_delete(timer_); }
  Timer(const Timer&) = delete;

  void Rearm() {
    if (has_fired) Arm();
  }

 private:
  void Arm() {
    has_fired = 0;
    const itimerspec soon = {{0, 0}, {0, kTimerNs}};
    ::timer_settime(timer_, 0, &soon, nullptr);
  }

  timer_t timer_{};
};

std::span<std::byte> NewSegment(uint32_t lanes) {
  const auto segment = SharedMemory(ring::SegmentBytes(lanes, kLaneBytes));
  ring::FormatSegment(segment, lanes, kLaneBytes, ring::BestClock(), false);
  return segment;
}

void WakeReader(int wake_fd) {
  const uint64_t one = 1;
  if (::write(wake_fd, &one, sizeof one) < 0) Fail("cannot wake the reader");
}

}  // namespace

std::span<std::byte> SharedMemory(size_t bytes) {
  void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) Fail("no memory");
  return {static_cast<std::byte*>(at), bytes};
}

// One lane for each thread but one, which shares lane 0 with those that find theirs still owned by one that is ending.
ThreadProducers::ThreadProducers(int threads, int wake_fd)
    : thread_count_(threads), segment_(NewSegment(static_cast<uint32_t>(threads))), writer_(segment_, wake_fd) {
  struct sigaction action {};
  action.sa_handler = OnTimer;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGRTMIN, &action, nullptr);
}

void ThreadProducers::Start() {
  running_ = thread_count_;
  for (int i = 0; i < thread_count_; ++i) {
    threads_.emplace_back([this] {
      while (!stop_) std::jthread([this] { Generation(); }).join();
      --running_;
    });
  }
}

void ThreadProducers::Generation() {
  const uint32_t producer = next_producer_.fetch_add(2);
  Stream own(writer_, producer);
  Stream of_handlers(writer_, producer + 1);
  handlers = &of_handlers;
  {
    Timer timer;
    for (uint64_t i = 0; i < kGeneration && !stop_.load(std::memory_order_relaxed); ++i) {
      own.SubmitAndYield();
      timer.Rearm();
      if (i % 1000 == 0) submitted_ += 1000;
    }
  }
  handlers = nullptr;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  own.AddTo(results_);
  of_handlers.AddTo(results_);
}

KilledProducer::KilledProducer(uint64_t seed, int wake_fd)
    : control_(new (SharedMemory(sizeof(Control)).data()) Control), segment_(NewSegment(2)), killer_(::fork()) {
  if (killer_ < 0) Fail("fork failed");
  if (killer_ > 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  Lives(seed, wake_fd);
  ::_exit(0);
}

// In a process of its own, without threads.
void KilledProducer::Lives(uint64_t seed, int wake_fd) {
  Random random(seed);
  for (uint32_t life = 1; control_->stop == 0; ++life) {
    if (random.Next() % 4 == 0) {
      ring::FormatSegment(segment_, 2, kLaneBytes, ring::BestClock(), false);
      ++control_->formats;
    }
    control_->returned = 0;
    control_->state = kRunning;
    const pid_t child = ::fork();
    if (child < 0) Fail("fork failed");
    if (child == 0) Produce(life, wake_fd);
    const timespec life_ns = {0, static_cast<long>(100'000 + random.Next() % 5'000'000)};
    ::nanosleep(&life_ns, nullptr);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    control_->all += control_->returned;
    ++control_->deaths;
    control_->state = kDead;
    WakeReader(wake_fd);
    const timespec moment = {0, 50'000};
    while (control_->state != kDrained) ::nanosleep(&moment, nullptr);
  }
  control_->ended = 1;
  WakeReader(wake_fd);
}

void KilledProducer::Produce(uint32_t life, int wake_fd) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ring::RegisterForMembarrier();
  ring::RingWriter writer(segment_, wake_fd);
  Stream stream(writer, 2 * life + 1);
  for (uint64_t returned = 1;; ++returned) {
    stream.SubmitAndYield();
    control_->returned.store(returned, std::memory_order_relaxed);
  }
}

void KilledProducer::Join() { ::waitpid(killer_, nullptr, 0); }

}  // namespace fsherald::stress
