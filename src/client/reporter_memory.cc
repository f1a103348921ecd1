// SPDX-License-Identifier: MIT
#include "client/reporter_memory.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include <cerrno>
#include <utility>

#include "ring/layout.h"
#include "ring/ring_writer.h"
#include "ring/ticks.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U  // Linux 6.3
#endif

namespace fsherald {
namespace {

// Where memory that could be executed is not allowed, only the first way is left; older kernels know only the second.
Fd MakeMemfd(const char* name) noexcept {
  Fd fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL));
  if (!fd && errno == EINVAL) fd.Reset(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  return fd;
}

// The clock is looked up once: that allocates.
ring::Clock ProcessClock() {
  static const ring::Clock kClock = ring::BestClock();
  return kClock;
}

}  // namespace

ReporterMemory::ReporterMemory(const std::string& name, uint32_t lanes, uint32_t lane_bytes)
    : lanes_(lanes), lane_bytes_(lane_bytes), bytes_(ring::SegmentBytes(lanes, lane_bytes)) {
  name.copy(name_, sizeof name_ - 1);
}

ReporterMemory::ReporterMemory(ReporterMemory&& other) noexcept
    : lanes_(other.lanes_),
      lane_bytes_(other.lane_bytes_),
      bytes_(other.bytes_),
      address_(std::exchange(other.address_, nullptr)),
      memfd_(std::move(other.memfd_)),
      eventfd_(std::move(other.eventfd_)) {
  std::copy(std::begin(other.name_), std::end(other.name_), name_);
}

ReporterMemory::~ReporterMemory() {
  if (address_ != nullptr) ::munmap(address_, bytes_);
}

Result<ReporterMemory> ReporterMemory::Make(const std::string& name, uint32_t lanes, uint32_t lane_bytes) {
  ReporterMemory memory(name, lanes, lane_bytes);
  ProcessClock();
  if (const int failed = memory.Allocate(nullptr); failed != 0) return ErrnoError("allocate", name, -failed);
  return memory;
}

int ReporterMemory::MakeAgain() noexcept {
  std::byte* const where = std::exchange(address_, nullptr);
  memfd_.Reset();
  eventfd_.Reset();
  return Allocate(where);
}

// fallocate(2) fails where there is no memory, while a page of a file that was only made longer would end the process by
// SIGBUS when it is touched.
int ReporterMemory::Allocate(std::byte* where) noexcept {
  memfd_ = MakeMemfd(name_);
  if (!memfd_) return -errno;
  if (::fallocate(memfd_.get(), 0, 0, static_cast<off_t>(bytes_)) != 0) return errno == ENOSPC ? -ENOMEM : -errno;
  if (::fcntl(memfd_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) return -errno;
  eventfd_.Reset(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!eventfd_) return -errno;
  const int fixed = where != nullptr ? MAP_FIXED_NOREPLACE : 0;
  void* mapped = ::mmap(where, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE | fixed, memfd_.get(), 0);
  if (mapped == MAP_FAILED && where != nullptr)
    mapped = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, memfd_.get(), 0);
  if (mapped == MAP_FAILED) return -errno;
  address_ = static_cast<std::byte*>(mapped);
  if (::madvise(mapped, bytes_, MADV_DONTFORK) != 0) return -errno;
  ring::FormatSegment(segment(), lanes_, lane_bytes_, ProcessClock(), !ring::RegisterForMembarrier());
  return 0;
}

}  // namespace fsherald
