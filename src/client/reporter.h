// SPDX-License-Identifier: MIT
// What is behind a fsherald_reporter (include/fsherald/fsherald.h): its memory, the writer of its ring, its link to the daemon.
// reporter_api.cc is the C functions.
#pragma once

#include <fsherald/fsherald.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/result.h"
#include "client/reporter_generation.h"
#include "client/reporter_link.h"
#include "client/reporter_memory.h"
#include "ring/ring_writer.h"

// The C functions know it by this name.
struct fsherald_reporter {
 public:
  // Options are checked: EINVAL.
  static fsherald::Result<std::unique_ptr<fsherald_reporter>> Make(const fsherald_reporter_options& options);

  // False: this is a child that has no memory of its own, made by clone(2) itself or short of memory.
  bool is_ours() const noexcept { return generation_.load(std::memory_order_relaxed) == fsherald::Generation(); }

  // As fsherald_report_error.
  int Report(const fsherald_report& report) noexcept;

  // In the child of a fork(2): memory of its own. Allocates nothing; where it fails, Report says -ESTALE.
  void MakeAgain() noexcept;

  // What waits to be read. A later Reached says whether a daemon has read all that was there at the time of Mark.
  struct Mark {
    uint64_t heads[fsherald::ring::kMaxLanes];
    uint64_t counted;
    uint64_t cell_ticks;
    bool cell_full;
  };
  void Take(Mark& mark) const;
  bool Reached(const Mark& mark) const;
  uint64_t waiting_bytes() const;
  uint64_t counted() const { return writer_->counted(); }

  const fsherald::ReporterMemory& memory() const { return memory_; }
  fsherald::ReporterLink& link() { return link_; }  // the keeper's, under its lock

 private:
  fsherald_reporter(fsherald::ReporterMemory memory, fsherald::ReporterTarget target);

  fsherald::ReporterMemory memory_;
  std::optional<fsherald::ring::RingWriter> writer_;
  std::atomic<uint64_t> generation_{0};  // of the process that made the memory (reporter_generation.h)
  fsherald::ReporterLink link_;
};
