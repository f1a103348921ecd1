// SPDX-License-Identifier: MIT
// What bench/ring compares: ways for producers to hand records of 192 bytes to one consumer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace fsherald::bench {

struct Record {
  uint64_t number = 0;
  uint64_t rest[23] = {};
};
static_assert(sizeof(Record) == 192);

inline constexpr std::array<Record, 16> kRecords = [] {
  std::array<Record, 16> records{};
  for (uint64_t i = 0; i < records.size(); ++i) records[i].number = i;
  return records;
}();
// What all of them hand over: written long ago, so that no copy has to wait for a store to it.
inline const Record& RecordNo(size_t i) { return kRecords[i % kRecords.size()]; }

inline constexpr size_t kMaxBurst = 512;

// One run: made, used by its producers and its consumer, destroyed.
class Subject {
 public:
  virtual ~Subject() = default;
  // Hands over `count` records, at most burst(); returns how many were accepted. By one thread for each `producer`, 0 or 1.
  virtual size_t Push(int producer, size_t count) = 0;
  // Takes what is there, without waiting; returns how many. By the consumer's thread.
  virtual size_t Drain() = 0;
  // Whether Drain tells of every record: it does not where somebody else consumes, or nobody.
  virtual bool is_drained_by_us() const { return true; }
  // Records that surely find room for both producers, if everything was drained before.
  virtual size_t burst() const { return kMaxBurst; }
};

// Each null where it was built without its package.
std::unique_ptr<Subject> MakeFloor();
std::unique_ptr<Subject> MakeOurs();
std::unique_ptr<Subject> MakeMoodycamel();
std::unique_ptr<Subject> MakeBoost();
std::unique_ptr<Subject> MakeLttng();
std::unique_ptr<Subject> MakePipe();
std::unique_ptr<Subject> MakeDatagram();

// LTTng needs its daemon before the process that traces begins: makes mounts of our own for it, starts it and a session, and
// begins this program anew. Returns where that has been done, or cannot be; what then keeps LTTng out is the result, or "".
std::string PrepareLttng(char** argv);
// Of the session; -1: not known.
long DiscardedByLttng();

}  // namespace fsherald::bench
