// SPDX-License-Identifier: MIT
// BpfRing: the reader of a BPF ring buffer (BPF_MAP_TYPE_RINGBUF). What it has returned stays in the kernel's memory until it is
// released: so a reader that dies before loses nothing, and the next one, with the same map, begins there.
//
//   ring.Read([&](Bytes record) { Use(record); });
//   ... what was made of them is safe ...
//   ring.Release();
//
// The layout is the kernel's ABI: a page with the consumer's position, a page with the producer's, then the data, mapped twice so
// that no record is torn. A record begins with its length, whose two highest bits say that it is not finished, or thrown away.
// The kernel makes all of a mapping resident at once: so no more than a window of the data is mapped at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "base/bytes.h"
#include "base/result.h"

namespace fsherald {

// One thread.
class BpfRing {
 public:
  // `map_fd` stays the caller's, for as long as the ring lives. Errors: as mmap(2); EINVAL: it is no such map.
  static Result<BpfRing> Open(int map_fd);
  BpfRing(BpfRing&& other) noexcept;
  BpfRing& operator=(BpfRing&&) = delete;
  ~BpfRing();

  // Hands each finished record that it has not handed yet to `handler`, in the order in which they were begun. The bytes are
  // there until the handler returns, or reads. False: before one that is not finished (another processor is writing it) it ended,
  // though finished ones may stand behind it.
  bool Read(const std::function<void(Bytes record)>& handler);

  // How far was read, ever. Positions go on from one reader of the map to the next.
  uint64_t position() const { return read_; }
  // Goes on behind what another reader had read and did not come to release. False: the ring does not have that position.
  bool SkipTo(uint64_t position);

  // Gives the memory of all that was read back to the programs.
  void Release();

 private:
  BpfRing() = default;
  struct Window {  // of the data
    const std::byte* data = nullptr;
    size_t begin = 0;
    size_t bytes = 0;
  };

  uint64_t Head() const;
  // `bytes` at most the data's. Null: they cannot be mapped.
  const std::byte* At(uint64_t position, size_t bytes);
  void CloseWindow();

  int map_fd_ = -1;
  size_t page_bytes_ = 0;
  size_t data_bytes_ = 0;
  std::byte* consumer_ = nullptr;        // one page, writable
  const std::byte* producer_ = nullptr;  // one page, read-only
  Window window_;
  uint64_t read_ = 0;
};

}  // namespace fsherald
