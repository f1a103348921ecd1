// SPDX-License-Identifier: MIT
#include "client/reporter_generation.h"

#include <sys/mman.h>
#include <unistd.h>

#include <new>

namespace fsherald {
namespace internal {
std::atomic<uint64_t>* generation = nullptr;
}  // namespace internal

namespace {
uint64_t last_generation = 0;  // not wiped: the child's number is another one than its parent's
}  // namespace

bool PrepareGeneration() {
  static const bool kPrepared = [] {
    const auto page_bytes = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    void* page = ::mmap(nullptr, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return false;
    ::madvise(page, page_bytes, MADV_WIPEONFORK);
    internal::generation = new (page) std::atomic<uint64_t>(0);
    NextGeneration();
    return true;
  }();
  return kPrepared;
}

void NextGeneration() { internal::generation->store(++last_generation, std::memory_order_relaxed); }

}  // namespace fsherald
