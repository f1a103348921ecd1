// SPDX-License-Identifier: MIT
#include "check.h"

#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "pattern.h"

namespace fsherald::stress {

void Fail(const std::string& sentence) {
  std::fprintf(stderr, "ring_stress: %s\n", sentence.c_str());
  ::_exit(1);  // not exit: threads are running
}

void Check::Told(const ring::RingRecord& record) {
  ++told_;
  const Bytes payload = record.payload;
  if (payload.size() < sizeof(RecordId)) {
    if (std::memcmp(payload.data(), kTable.data(), payload.size()) != 0) Fail(name_ + ": a small record is not whole");
    return;
  }
  RecordId id;
  uint32_t size = 0;
  std::memcpy(&id.producer, payload.data(), 4);
  std::memcpy(&size, payload.data() + 4, 4);
  std::memcpy(&id.number, payload.data() + 8, 8);
  const std::string which = name_ + ": record " + std::to_string(id.number) + " of " + std::to_string(id.producer);
  if (size != payload.size() || std::memcmp(payload.data() + sizeof id, BodyOf(id), payload.size() - sizeof id) != 0)
    Fail(which + " is not whole");
  uint64_t& last = last_[id.producer];
  if (record.from_cell && IsHandler(id.producer)) return;
  if (id.number <= last) Fail(which + " comes after " + std::to_string(last));
  last = id.number;
}

void Check::Settle(uint64_t submitted, uint64_t in_flight) {
  const uint64_t known = told_ + counted_;
  if (known < submitted || known > submitted + in_flight)
    Fail(name_ + ": told " + std::to_string(told_) + " and counted " + std::to_string(counted_) + ", submitted " +
         std::to_string(submitted));
  told_ = counted_ = 0;
}

}  // namespace fsherald::stress
