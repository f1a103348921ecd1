// SPDX-License-Identifier: MIT
#include "daemon/journal.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "base/fd.h"
#include "fsherald/record.h"

namespace fsherald {
namespace {

constexpr uint64_t kMagic = 0x316c6e726a687366;  // "fshjrnl1", little-endian: the version is in it
constexpr size_t kHeaderBytes = 4096;
constexpr size_t kAlign = 16;
constexpr uint32_t kSkip = 0xffffffff;

struct Record {
  uint64_t seq;
  uint32_t bytes;  // kSkip: the rest of the ring's end is empty
  uint32_t reserved;
};
static_assert(sizeof(Record) == kAlign);

size_t RecordBytes(size_t bytes) { return (sizeof(Record) + bytes + kAlign - 1) / kAlign * kAlign; }

size_t FileBytes(const Journal::Options& options) {
  return kHeaderBytes + RawReads::kBytes + 2 * size_t{options.state_bytes} + options.ring_bytes;
}

}  // namespace

// What one commit stands for.
struct Journal::Slot {
  uint64_t head;  // of the ring
  uint64_t last_seq;
  uint64_t state_bytes;
};

struct Journal::Header {
  uint64_t magic;
  uint32_t ring_bytes;
  uint32_t state_bytes;
  std::atomic<uint32_t> current;  // of `slots` and of the states
  uint32_t reserved;
  Slot slots[2];
  std::atomic<uint64_t> tail;  // of the ring: before it all is stored
};

Journal::Header& Journal::header() const { return *reinterpret_cast<Header*>(memory_.data()); }
const Journal::Slot& Journal::current() const { return header().slots[header().current & 1]; }
std::span<std::byte> Journal::reads_memory() const { return memory_.subspan(kHeaderBytes, RawReads::kBytes); }
std::byte* Journal::state_at(uint32_t index) const {
  return memory_.data() + kHeaderBytes + RawReads::kBytes + size_t{index & 1} * options_.state_bytes;
}
std::byte* Journal::ring() const {
  return memory_.data() + kHeaderBytes + RawReads::kBytes + 2 * size_t{options_.state_bytes};
}

Result<std::unique_ptr<Journal>> Journal::Open(const std::string& path, Options options) {
  static_assert(sizeof(Header) <= kHeaderBytes);
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return ErrnoError("open", path);
  struct stat stat_buffer {};
  if (::fstat(fd.get(), &stat_buffer) != 0) return ErrnoError("stat", path);
  const size_t bytes = FileBytes(options);
  const bool had_bytes = stat_buffer.st_size != 0;
  const bool is_whole = static_cast<size_t>(stat_buffer.st_size) == bytes;
  if (!is_whole && ::ftruncate(fd.get(), 0) != 0) return ErrnoError("clear", path);
  if (int code = ::posix_fallocate(fd.get(), 0, static_cast<off_t>(bytes)); code != 0)
    return ErrnoError("reserve " + std::to_string(bytes >> 20) + " MiB for", path, code);
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (memory == MAP_FAILED) return ErrnoError("map", path);
  std::unique_ptr<Journal> journal(new Journal({static_cast<std::byte*>(memory), bytes}, options));
  if (!is_whole || !journal->IsValid()) {
    journal->was_refused_ = had_bytes;
    journal->Format();
  }
  journal->written_ = journal->current().head;
  journal->written_seq_ = journal->current().last_seq;
  journal->kept_ = journal->header().tail;
  const std::optional<Kept> first = journal->Next(0, 0);
  journal->kept_after_seq_ = first ? first->seq - 1 : journal->written_seq_;
  return journal;
}

Journal::~Journal() { ::munmap(memory_.data(), memory_.size()); }

void Journal::Format() {
  std::memset(memory_.data(), 0, kHeaderBytes + RawReads::kBytes);
  Header& made = header();
  made.ring_bytes = options_.ring_bytes;
  made.state_bytes = options_.state_bytes;
  // The magic last: what bears it is whole.
  std::atomic_signal_fence(std::memory_order_release);
  made.magic = kMagic;
}

bool Journal::IsValid() const {
  const Header& found = header();
  if (found.magic != kMagic || found.ring_bytes != options_.ring_bytes || found.state_bytes != options_.state_bytes)
    return false;
  const Slot& slot = current();
  const uint64_t tail = found.tail;
  if (found.current > 1 || slot.state_bytes > options_.state_bytes || tail > slot.head ||
      slot.head - tail > options_.ring_bytes)
    return false;
  return Walk(tail, slot.head, [](const Record&, const std::byte*, uint64_t) { return true; }) == slot.head;
}

// Goes over the records for as long as `use` wants more; where it has come to. What is no ring ends it early.
template <typename Use>
uint64_t Journal::Walk(uint64_t from, uint64_t to, Use use) const {
  while (from < to) {
    const size_t offset = from & (options_.ring_bytes - 1);
    const size_t left = options_.ring_bytes - offset;
    Record record;
    std::memcpy(&record, ring() + offset, sizeof record);
    if (record.bytes == kSkip) {
      if (left > to - from) return from;
      from += left;
      continue;
    }
    const size_t bytes = RecordBytes(record.bytes);
    if (bytes > left || bytes > to - from) return from;
    if (!use(record, ring() + offset + sizeof record, from)) return from;
    from += bytes;
  }
  return from;
}

std::string Journal::state() const {
  std::lock_guard lock(mutex_);
  return {reinterpret_cast<const char*>(state_at(header().current)), current().state_bytes};
}

uint64_t Journal::last_seq() const {
  std::lock_guard lock(mutex_);
  return current().last_seq;
}

bool Journal::has_waiting() const {
  std::lock_guard lock(mutex_);
  return header().tail != current().head;
}

// With one that might not fit at the ring's end, which then is left empty.
bool Journal::HasRoom(size_t bytes) const {
  return written_ - header().tail + bytes + FSHERALD_MAX_NOTIFICATION_BYTES <= options_.ring_bytes;
}

bool Journal::Append(uint64_t seq, std::string_view bytes) {
  const size_t wanted = RecordBytes(bytes.size());
  const size_t offset = written_ & (options_.ring_bytes - 1);
  const size_t left = options_.ring_bytes - offset;
  const size_t skipped = left < wanted ? left : 0;
  if (wanted > options_.ring_bytes / 2 || written_ + skipped + wanted - header().tail > options_.ring_bytes)
    return false;
  GiveUpKept(written_ + skipped + wanted);
  if (skipped > 0) {
    const Record skip{.seq = 0, .bytes = kSkip, .reserved = 0};
    std::memcpy(ring() + offset, &skip, sizeof skip);
    written_ += skipped;
  }
  std::byte* at = ring() + (written_ & (options_.ring_bytes - 1));
  const Record record{.seq = seq, .bytes = static_cast<uint32_t>(bytes.size()), .reserved = 0};
  std::memcpy(at, &record, sizeof record);
  std::memcpy(at + sizeof record, bytes.data(), bytes.size());
  written_ += wanted;
  written_seq_ = seq;
  return true;
}

// What is overwritten when the ring is written up to `to`.
void Journal::GiveUpKept(uint64_t to) {
  if (to - kept_ <= options_.ring_bytes) return;
  kept_ = Walk(kept_, written_, [&](const Record& record, const std::byte*, uint64_t position) {
    if (to - position <= options_.ring_bytes) return false;
    kept_after_seq_ = record.seq;
    return true;
  });
}

Status Journal::Commit(std::string_view state) {
  if (state.size() > options_.state_bytes)
    return Error{"the daemon's state has " + std::to_string(state.size()) + " bytes, and its journal holds " +
                     std::to_string(options_.state_bytes),
                 ENOSPC};
  std::lock_guard lock(mutex_);
  Header& to = header();
  const uint32_t next = (to.current & 1) ^ 1;
  std::memcpy(state_at(next), state.data(), state.size());
  to.slots[next] = {.head = written_, .last_seq = written_seq_, .state_bytes = state.size()};
  // Everything above is in memory before this: whoever is killed here has committed, or has not.
  to.current.store(next, std::memory_order_release);
  return {};
}

std::optional<Journal::Kept> Journal::Next(uint64_t at, uint64_t after_seq) const {
  std::optional<Kept> found;
  Walk(std::max(at, kept_), written_, [&](const Record& record, const std::byte* bytes, uint64_t position) {
    if (record.seq <= after_seq) return true;
    found = {.seq = record.seq, .bytes = {bytes, record.bytes}, .next = position + RecordBytes(record.bytes)};
    return false;
  });
  return found;
}

Journal::Batch Journal::Take(size_t most) const {
  Batch batch;
  std::lock_guard lock(mutex_);
  const Slot& slot = current();
  batch.end = Walk(header().tail, slot.head, [&](const Record& record, const std::byte* at, uint64_t) {
    if (batch.notifications.size() == most) return false;
    batch.notifications.emplace_back(at, record.bytes);
    batch.last_seq = record.seq;
    return true;
  });
  if (batch.end == slot.head)
    batch.state.emplace(reinterpret_cast<const char*>(state_at(header().current)), slot.state_bytes);
  return batch;
}

void Journal::Stored(const Batch& batch) {
  std::lock_guard lock(mutex_);
  header().tail.store(std::max<uint64_t>(header().tail, batch.end), std::memory_order_release);
}

}  // namespace fsherald
