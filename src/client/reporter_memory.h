// SPDX-License-Identifier: MIT
// ReporterMemory: a reporter's ring, in a memfd that a daemon can map without fear of its shrinking, and the eventfd that wakes
// the daemon.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace fsherald {

class ReporterMemory {
 public:
  // An empty ring, all of it allocated and touched. `name` is for those who look at /proc/PID/fd.
  static Result<ReporterMemory> Make(const std::string& name, uint32_t lanes, uint32_t lane_bytes);
  // The same in the child of a fork(2), where the old one is not mapped; at the same address where that is free: a signal
  // handler may have forked amid a submission, which then ends in the new memory. Allocates nothing. Errors: a negative errno.
  int MakeAgain() noexcept;

  ReporterMemory(ReporterMemory&& other) noexcept;
  ReporterMemory& operator=(ReporterMemory&&) = delete;
  ~ReporterMemory();

  std::span<std::byte> segment() const { return {address_, bytes_}; }
  int memfd() const { return memfd_.get(); }
  int eventfd() const { return eventfd_.get(); }

 private:
  ReporterMemory(const std::string& name, uint32_t lanes, uint32_t lane_bytes);
  int Allocate(std::byte* where) noexcept;

  char name_[128] = {};
  uint32_t lanes_;
  uint32_t lane_bytes_;
  size_t bytes_;
  std::byte* address_ = nullptr;
  Fd memfd_;
  Fd eventfd_;
};

}  // namespace fsherald
