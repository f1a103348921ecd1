// SPDX-License-Identifier: MIT
#include "source/bpf_ring.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace fsherald {
namespace {

// Of what is in the memory of a ring, only the positions and the lengths change under us.
uint64_t LoadAcquire(const std::byte* at) {
  return __atomic_load_n(reinterpret_cast<const uint64_t*>(at), __ATOMIC_ACQUIRE);
}

constexpr size_t kAlign = 8;

}  // namespace

Result<BpfRing> BpfRing::Open(int map_fd) {
  bpf_map_info info{};
  uint32_t info_bytes = sizeof info;
  if (::bpf_obj_get_info_by_fd(map_fd, &info, &info_bytes) != 0) return ErrnoError("look at", "the BPF ring buffer");
  if (info.type != BPF_MAP_TYPE_RINGBUF) return Error{"this is no BPF ring buffer", EINVAL};
  BpfRing ring;
  ring.page_bytes_ = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  ring.data_bytes_ = info.max_entries;
  void* consumer = ::mmap(nullptr, ring.page_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
  if (consumer == MAP_FAILED) return ErrnoError("map", "the BPF ring buffer");
  ring.consumer_ = static_cast<std::byte*>(consumer);
  void* producer = ::mmap(nullptr, ring.page_bytes_ + 2 * ring.data_bytes_, PROT_READ, MAP_SHARED, map_fd,
                          static_cast<off_t>(ring.page_bytes_));
  if (producer == MAP_FAILED) return ErrnoError("map", "the BPF ring buffer");
  ring.producer_ = static_cast<const std::byte*>(producer);
  ring.read_ = LoadAcquire(ring.consumer_);
  return ring;
}

BpfRing::BpfRing(BpfRing&& other) noexcept
    : page_bytes_(other.page_bytes_),
      data_bytes_(other.data_bytes_),
      consumer_(std::exchange(other.consumer_, nullptr)),
      producer_(std::exchange(other.producer_, nullptr)),
      read_(other.read_) {}

BpfRing::~BpfRing() {
  if (consumer_ != nullptr) ::munmap(consumer_, page_bytes_);
  if (producer_ != nullptr) ::munmap(const_cast<std::byte*>(producer_), page_bytes_ + 2 * data_bytes_);
}

// Pairs with the kernel's store of the producer's position: the headers of all records before it are there.
uint64_t BpfRing::Head() const { return LoadAcquire(producer_); }

void BpfRing::Read(const std::function<void(Bytes record)>& handler) {
  const std::byte* data = producer_ + page_bytes_;
  // What comes meanwhile is for the next round: under a storm there would be no end, and nothing would be told.
  for (const uint64_t end = Head(); read_ < end;) {
    const std::byte* at = data + (read_ & (data_bytes_ - 1));
    // Pairs with the kernel's exchange that ends the record: its bytes are there.
    const uint32_t header = __atomic_load_n(reinterpret_cast<const uint32_t*>(at), __ATOMIC_ACQUIRE);
    if ((header & BPF_RINGBUF_BUSY_BIT) != 0) return;
    const size_t bytes = header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
    const uint64_t next = read_ + (BPF_RINGBUF_HDR_SZ + bytes + kAlign - 1) / kAlign * kAlign;
    if (bytes > data_bytes_) return;  // what no kernel writes
    // Before the handler: one that asks to read again does not get this one once more.
    read_ = next;
    if ((header & BPF_RINGBUF_DISCARD_BIT) == 0) handler({at + BPF_RINGBUF_HDR_SZ, bytes});
  }
}

bool BpfRing::SkipTo(uint64_t position) {
  if (position < read_ || position > Head()) return false;
  read_ = position;
  return true;
}

// Pairs with the kernel's load of the consumer's position, before it writes over what was there.
void BpfRing::Release() { __atomic_store_n(reinterpret_cast<uint64_t*>(consumer_), read_, __ATOMIC_RELEASE); }

}  // namespace fsherald
