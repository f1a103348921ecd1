// SPDX-License-Identifier: MIT
// Observed: what the monitor has seen of file systems, and has not handed on yet. An observation waits until what was read before it
// has been told: a file system that ends is told of before it has ended, and a scrub has ended only when what it found has been told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "mount/mount_table.h"
#include "notify/observation.h"
#include "notify/translator.h"

namespace fsherald {

// One thread. The mount table must outlive it.
class Observed {
 public:
  // `observer` may be empty.
  Observed(Observer observer, const MountTable& mounts) : observer_(std::move(observer)), mounts_(mounts) {}

  void Add(const Mounting& mounting, Observation observation);
  // Its counter stands there. Nothing of a file system that is in no mount table.
  void AddCount(FilesystemKey key, uint64_t errors);
  void AddScrubs(const std::vector<Translator::Scrub>& scrubs, uint64_t now_ns);

  // Hands all to the observer, of the scrubs those whose findings have been told.
  void Tell(uint64_t now_ns);
  // Those up to the last beginning: a file system is known before anything is told of it.
  void TellBegun();

  // When Tell has something to do, if nothing comes before.
  std::optional<uint64_t> due_ns() const;

 private:
  struct One {
    FilesystemKey key;
    FilesystemInfo info;
    Observation observation;
  };
  struct EndedScrub {
    FilesystemKey key;
    uint64_t device = 0;
    uint64_t due_ns = 0;
  };

  void AddEndedScrubs(uint64_t now_ns);
  void TellFirst(size_t count);

  Observer observer_;
  const MountTable& mounts_;
  std::vector<One> waiting_;
  std::vector<EndedScrub> scrubs_;
};

}  // namespace fsherald
