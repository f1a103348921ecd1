// SPDX-License-Identifier: MIT
// Who submits: threads with timers whose signal handlers submit too, and processes that are killed in the middle of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <thread>
#include <vector>

#include "ring/ring_writer.h"

namespace fsherald::stress {

inline constexpr uint32_t kLaneBytes = ring::kMinLaneBytes;  // often full

// Memory that children of fork(2) share.
std::span<std::byte> SharedMemory(size_t bytes);

// What came of submissions, added up by their results.
struct Results {
  std::atomic<uint64_t> kept{0};  // in a lane or in the cell
  std::atomic<uint64_t> counted{0};
  uint64_t sum() const { return kept + counted; }
};

// Threads that submit to one ring, until they are stopped. Every so many records a thread ends, and another one
// takes its place and its lane. There are fewer lanes than threads.
class ThreadProducers {
 public:
  ThreadProducers(int threads, int wake_fd);
  void Start();
  void Stop() { stop_ = true; }

  std::span<std::byte> segment() const { return segment_; }
  const Results& results() const { return results_; }
  uint64_t submitted() const { return submitted_; }  // about
  bool ended() const { return running_ == 0; }

 private:
  void Generation();

  int thread_count_;
  std::span<std::byte> segment_;
  ring::RingWriter writer_;
  Results results_;
  std::atomic<uint64_t> submitted_{0};
  std::atomic<bool> stop_{false};
  std::atomic<uint32_t> next_producer_{1};  // odd: a thread; the next even one: its handlers
  std::atomic<int> running_{0};
  std::vector<std::jthread> threads_;
};

// A process that submits to a ring of its own until it is killed; then another, on the same ring or on a new one.
class KilledProducer {
 public:
  // Forks: before any thread exists.
  KilledProducer(uint64_t seed, int wake_fd);

  enum State : uint32_t { kRunning, kDead, kDrained };
  struct Control {
    std::atomic<uint32_t> state{kDrained};
    std::atomic<uint32_t> stop{0};
    std::atomic<uint32_t> ended{0};  // no more come
    std::atomic<uint32_t> deaths{0};
    std::atomic<uint32_t> formats{0};
    std::atomic<uint64_t> returned{0};  // submissions of the running one that have returned
    std::atomic<uint64_t> all{0};       // of all that are dead
  };
  Control& control() const { return *control_; }
  std::span<std::byte> segment() const { return segment_; }

  // Waits for the last one.
  void Join();

 private:
  void Lives(uint64_t seed, int wake_fd);
  [[noreturn]] void Produce(uint32_t life, int wake_fd);

  Control* control_;
  std::span<std::byte> segment_;
  pid_t killer_;
};

}  // namespace fsherald::stress
