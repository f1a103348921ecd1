// SPDX-License-Identifier: MIT
// The queues of two C++ libraries, with room for all bursts from the first.
#include "ring_subjects.h"

#if __has_include(<boost/lockfree/queue.hpp>)
#include <boost/lockfree/queue.hpp>

namespace fsherald::bench {
namespace {

class Boost : public Subject {
 public:
  size_t Push(int, size_t count) override {
    size_t accepted = 0;
    for (size_t i = 0; i < count; ++i) {
      const Record& record = RecordNo(i);
      accepted += queue_.bounded_push(record);
    }
    return accepted;
  }

  size_t Drain() override {
    size_t count = 0;
    for (Record record; queue_.pop(record);) ++count;
    return count;
  }

 private:
  boost::lockfree::queue<Record> queue_{4 * kMaxBurst};
};

}  // namespace
std::unique_ptr<Subject> MakeBoost() { return std::make_unique<Boost>(); }
}  // namespace fsherald::bench
#else
std::unique_ptr<fsherald::bench::Subject> fsherald::bench::MakeBoost() { return nullptr; }
#endif

#if __has_include(<concurrentqueue/concurrentqueue.h>)
#include <concurrentqueue/concurrentqueue.h>

namespace fsherald::bench {
namespace {

// Without producer tokens: each thread finds its own queue within, as our threads find their lanes.
class Moodycamel : public Subject {
 public:
  size_t Push(int, size_t count) override {
    size_t accepted = 0;
    for (size_t i = 0; i < count; ++i) {
      const Record& record = RecordNo(i);
      accepted += queue_.try_enqueue(record);
    }
    return accepted;
  }

  size_t Drain() override {
    size_t count = 0;
    for (Record record; queue_.try_dequeue(record);) ++count;
    return count;
  }

 private:
  moodycamel::ConcurrentQueue<Record> queue_{4 * kMaxBurst, 0, 2};
};

}  // namespace
std::unique_ptr<Subject> MakeMoodycamel() { return std::make_unique<Moodycamel>(); }
}  // namespace fsherald::bench
#else
std::unique_ptr<fsherald::bench::Subject> fsherald::bench::MakeMoodycamel() { return nullptr; }
#endif
