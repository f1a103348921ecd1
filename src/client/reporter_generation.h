// SPDX-License-Identifier: MIT
// A number that a child of this process finds to be 0, however it was made: by it a reporter knows that its memory is its
// parent's, before the handlers of fork(2) have run, and for ever in a child made by clone(2) itself.
#pragma once

#include <atomic>
#include <cstdint>

namespace fsherald {

namespace internal {
// Points into a page that the kernel wipes in children; where it cannot (before Linux 4.14), into one that it does not.
extern std::atomic<uint64_t>* generation;
}  // namespace internal

// Once, before the first reporter is made. False: no memory.
bool PrepareGeneration();

// In the child of a fork(2): a new number.
void NextGeneration();

// Any thread and signal handler.
inline uint64_t Generation() { return internal::generation->load(std::memory_order_relaxed); }

}  // namespace fsherald
