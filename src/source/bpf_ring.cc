// SPDX-License-Identifier: MIT
#include "source/bpf_ring.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace fsherald {
namespace {

// Of what is in the memory of a ring, only the positions and the lengths change under us.
uint64_t LoadAcquire(const std::byte* at) {
  return __atomic_load_n(reinterpret_cast<const uint64_t*>(at), __ATOMIC_ACQUIRE);
}

constexpr size_t kAlign = 8;
constexpr size_t kWindowBytes = 256U << 10;  // some hundred records: a call of mmap(2) for all of them

}  // namespace

Result<BpfRing> BpfRing::Open(int map_fd) {
  bpf_map_info info{};
  uint32_t info_bytes = sizeof info;
  if (::bpf_obj_get_info_by_fd(map_fd, &info, &info_bytes) != 0) return ErrnoError("look at", "the BPF ring buffer");
  if (info.type != BPF_MAP_TYPE_RINGBUF) return Error{"this is no BPF ring buffer", EINVAL};
  BpfRing ring;
  ring.map_fd_ = map_fd;
  ring.page_bytes_ = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  ring.data_bytes_ = info.max_entries;
  void* consumer = ::mmap(nullptr, ring.page_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
  if (consumer == MAP_FAILED) return ErrnoError("map", "the BPF ring buffer");
  ring.consumer_ = static_cast<std::byte*>(consumer);
  void* producer =
      ::mmap(nullptr, ring.page_bytes_, PROT_READ, MAP_SHARED, map_fd, static_cast<off_t>(ring.page_bytes_));
  if (producer == MAP_FAILED) return ErrnoError("map", "the BPF ring buffer");
  ring.producer_ = static_cast<const std::byte*>(producer);
  ring.read_ = LoadAcquire(ring.consumer_);
  return ring;
}

BpfRing::BpfRing(BpfRing&& other) noexcept
    : map_fd_(other.map_fd_),
      page_bytes_(other.page_bytes_),
      data_bytes_(other.data_bytes_),
      consumer_(std::exchange(other.consumer_, nullptr)),
      producer_(std::exchange(other.producer_, nullptr)),
      window_(std::exchange(other.window_, {})),
      read_(other.read_) {}

BpfRing::~BpfRing() {
  if (consumer_ != nullptr) ::munmap(consumer_, page_bytes_);
  if (producer_ != nullptr) ::munmap(const_cast<std::byte*>(producer_), page_bytes_);
  CloseWindow();
}

// Pairs with the kernel's store of the producer's position: the headers of all records before it are there.
uint64_t BpfRing::Head() const { return LoadAcquire(producer_); }

void BpfRing::CloseWindow() {
  if (window_.data != nullptr) ::munmap(const_cast<std::byte*>(window_.data), window_.bytes);
  window_ = {};
}

const std::byte* BpfRing::At(uint64_t position, size_t bytes) {
  const size_t offset = position & (data_bytes_ - 1);
  if (offset < window_.begin || offset + bytes > window_.begin + window_.bytes) {
    CloseWindow();
    const size_t begin = offset / page_bytes_ * page_bytes_;
    const size_t end = std::min(2 * data_bytes_, begin + std::max(kWindowBytes, bytes + page_bytes_));
    void* data =
        ::mmap(nullptr, end - begin, PROT_READ, MAP_SHARED, map_fd_, static_cast<off_t>(2 * page_bytes_ + begin));
    if (data == MAP_FAILED) return nullptr;
    window_ = {static_cast<const std::byte*>(data), begin, end - begin};
  }
  return window_.data + (offset - window_.begin);
}

bool BpfRing::Read(const std::function<void(Bytes record)>& handler) {
  // What comes meanwhile is for the next round: under a storm there would be no end, and nothing would be told.
  for (const uint64_t end = Head(); read_ < end;) {
    const std::byte* at = At(read_, BPF_RINGBUF_HDR_SZ);
    if (at == nullptr) return true;  // no memory now: it stays in the ring
    // Pairs with the kernel's exchange that ends the record: its bytes are there.
    const uint32_t header = __atomic_load_n(reinterpret_cast<const uint32_t*>(at), __ATOMIC_ACQUIRE);
    if ((header & BPF_RINGBUF_BUSY_BIT) != 0) return false;
    const size_t bytes = header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
    if (bytes > data_bytes_) return true;  // what no kernel writes
    at = At(read_, BPF_RINGBUF_HDR_SZ + bytes);
    if (at == nullptr) return true;
    // Before the handler: one that asks to read again does not get this one once more.
    read_ += (BPF_RINGBUF_HDR_SZ + bytes + kAlign - 1) / kAlign * kAlign;
    if ((header & BPF_RINGBUF_DISCARD_BIT) == 0) handler({at + BPF_RINGBUF_HDR_SZ, bytes});
  }
  return true;
}

bool BpfRing::SkipTo(uint64_t position) {
  if (position < read_ || position > Head()) return false;
  read_ = position;
  return true;
}

// Pairs with the kernel's load of the consumer's position, before it writes over what was there.
void BpfRing::Release() { __atomic_store_n(reinterpret_cast<uint64_t*>(consumer_), read_, __ATOMIC_RELEASE); }

}  // namespace fsherald
