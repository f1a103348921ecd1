// SPDX-License-Identifier: MIT
// Check: what one ring has told, held against what was submitted.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "ring/ring_reader.h"

namespace fsherald::stress {

[[noreturn]] void Fail(const std::string& sentence);

class Check {
 public:
  explicit Check(std::string name) : name_(std::move(name)) {}

  // Fails where the record is not whole, or not behind the last one of its producer.
  void Told(const ring::RingRecord& record);
  void Counted(uint64_t count) { counted_ += count; }
  // Producers whose records out of the cell need not be in order: signal handlers.
  static bool IsHandler(uint32_t producer) { return producer % 2 == 0; }

  uint64_t told() const { return told_; }
  uint64_t counted() const { return counted_; }

  // Fails where told and counted are not what was submitted; up to `in_flight` more may have been submitted. Begins anew.
  void Settle(uint64_t submitted, uint64_t in_flight);

 private:
  std::string name_;
  std::unordered_map<uint32_t, uint64_t> last_;  // number by producer
  uint64_t told_ = 0;
  uint64_t counted_ = 0;
};

}  // namespace fsherald::stress
