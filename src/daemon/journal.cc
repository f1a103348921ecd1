// SPDX-License-Identifier: MIT
#include "daemon/journal.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>

#include "fsherald/record.h"

namespace fsherald {
namespace {

constexpr uint64_t kMagic = 0x316c6e726a687366;  // "fshjrnl1", little-endian: the version is in it
constexpr size_t kHeaderBytes = 4096;
constexpr size_t kAlign = 16;
constexpr uint64_t kPageBytes = 65536;  // of any machine, or a multiple
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

// Where states that are large begin.
uint64_t LargeFrom(const Journal::Options& options) {
  return (FileBytes(options) + kPageBytes - 1) / kPageBytes * kPageBytes;
}

}  // namespace

// What one commit stands for.
struct Journal::Slot {
  uint64_t head;  // of the ring
  uint64_t last_seq;
  uint64_t state_bytes;
};

// Of the file.
struct Journal::Place {
  uint64_t offset;
  uint64_t bytes;  // 0: there is none
  friend bool operator==(const Place&, const Place&) = default;
};

struct Journal::Header {
  uint64_t magic;
  uint32_t ring_bytes;
  uint32_t state_bytes;
  std::atomic<uint32_t> current;  // of `slots` and of the states
  uint32_t reserved;
  Slot slots[2];
  std::atomic<uint64_t> tail;  // of the ring: before it all is stored
  Place large[2];              // for the slot's state, where that has more than `state_bytes`
};

Journal::Header& Journal::header() const { return *reinterpret_cast<Header*>(memory_.data()); }
const Journal::Slot& Journal::current() const { return header().slots[header().current & 1]; }
std::span<std::byte> Journal::reads_memory() const { return memory_.subspan(kHeaderBytes, RawReads::kBytes); }
// Of the current one, or of one that is about to be written and has its place.
std::byte* Journal::state_at(uint32_t index) const {
  if (header().slots[index & 1].state_bytes > options_.state_bytes) return large_[index & 1].data();
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
  const auto file_bytes = static_cast<uint64_t>(stat_buffer.st_size);
  const bool had_bytes = file_bytes != 0;
  const bool is_whole = file_bytes >= bytes;
  if (!is_whole && ::ftruncate(fd.get(), 0) != 0) return ErrnoError("clear", path);
  if (int code = ::posix_fallocate(fd.get(), 0, static_cast<off_t>(bytes)); code != 0)
    return ErrnoError("reserve " + std::to_string(bytes >> 20) + " MiB for", path, code);
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (memory == MAP_FAILED) return ErrnoError("map", path);
  std::unique_ptr<Journal> journal(new Journal(std::move(fd), path, {static_cast<std::byte*>(memory), bytes}, options));
  if (!is_whole || !journal->IsValid(file_bytes)) {
    journal->was_refused_ = had_bytes;
    journal->Format();
  }
  if (Status taken = journal->TakeUpLarge(); !taken) return taken.error();
  journal->written_ = journal->current().head;
  journal->written_seq_ = journal->current().last_seq;
  journal->kept_ = journal->header().tail;
  const std::optional<Kept> first = journal->Next(0, 0);
  journal->kept_after_seq_ = first ? first->seq - 1 : journal->written_seq_;
  return journal;
}

Journal::~Journal() {
  for (std::span<std::byte> memory : {memory_, large_[0], large_[1]})
    if (!memory.empty()) ::munmap(memory.data(), memory.size());
}

void Journal::Format() {
  std::memset(memory_.data(), 0, kHeaderBytes + RawReads::kBytes);
  Header& made = header();
  made.ring_bytes = options_.ring_bytes;
  made.state_bytes = options_.state_bytes;
  // The magic last: what bears it is whole.
  std::atomic_signal_fence(std::memory_order_release);
  made.magic = kMagic;
}

bool Journal::IsValid(uint64_t file_bytes) const {
  const Header& found = header();
  if (found.magic != kMagic || found.ring_bytes != options_.ring_bytes || found.state_bytes != options_.state_bytes)
    return false;
  const Slot& slot = current();
  const uint64_t tail = found.tail;
  if (found.current > 1 || tail > slot.head || slot.head - tail > options_.ring_bytes) return false;
  if (slot.state_bytes > options_.state_bytes) {
    const Place& place = found.large[found.current];
    if (place.offset % kPageBytes != 0 || place.offset < LargeFrom(options_) || place.offset > file_bytes ||
        place.bytes > file_bytes - place.offset || slot.state_bytes > place.bytes)
      return false;
  }
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

Status Journal::MapLarge(uint32_t index) {
  const Place& place = header().large[index];
  void* memory =
      ::mmap(nullptr, place.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), static_cast<off_t>(place.offset));
  if (memory == MAP_FAILED) return ErrnoError("map", path_);
  large_[index] = {static_cast<std::byte*>(memory), place.bytes};
  return {};
}

// Behind the other slot's, or before it where that leaves room. Twice as large as the one that was too small, so that a state
// that grows is not moved for each commit.
Status Journal::MakeLarge(uint32_t index, size_t bytes) {
  if (bytes <= large_[index].size()) return {};
  if (bytes > options_.max_state_bytes)
    return Error{"the daemon's state has " + std::to_string(bytes) + " bytes, and its journal holds " +
                     std::to_string(options_.max_state_bytes),
                 ENOSPC};
  DropLarge(index);
  const uint64_t from = LargeFrom(options_);
  const Place& other = header().large[index ^ 1];
  const Place place{.offset = 0, .bytes = std::max<uint64_t>(std::bit_ceil(bytes), kPageBytes)};
  const bool is_before = other.bytes == 0 || from + place.bytes <= other.offset;
  const uint64_t offset = is_before ? from : other.offset + other.bytes;
  if (int code = ::posix_fallocate(fd_.get(), static_cast<off_t>(offset), static_cast<off_t>(place.bytes)); code != 0) {
    DropLarge(index);  // what it has of it
    return ErrnoError("reserve " + std::to_string((place.bytes + (1 << 20) - 1) >> 20) + " MiB more for", path_, code);
  }
  header().large[index] = {.offset = offset, .bytes = place.bytes};
  Status mapped = MapLarge(index);
  if (!mapped) DropLarge(index);
  return mapped;
}

// The file ends where the other slot's ends then, and what is before it holds no memory.
void Journal::DropLarge(uint32_t index) {
  if (!large_[index].empty()) ::munmap(large_[index].data(), large_[index].size());
  large_[index] = {};
  header().large[index] = {};
  const Place& other = header().large[index ^ 1];
  const uint64_t from = LargeFrom(options_);
  const uint64_t end = other.bytes == 0 ? FileBytes(options_) : other.offset + other.bytes;
  // A file that stays larger than it need be is one all the same.
  [[maybe_unused]] const int cut = ::ftruncate(fd_.get(), static_cast<off_t>(end));
  if (other.bytes != 0 && other.offset > from)
    (void)::fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(from),
                      static_cast<off_t>(other.offset - from));
}

// Of an earlier process only what counts.
Status Journal::TakeUpLarge() {
  const uint32_t index = header().current & 1;
  if (current().state_bytes <= options_.state_bytes) header().large[index] = {};
  DropLarge(index ^ 1);
  return header().large[index].bytes == 0 ? Status() : MapLarge(index);
}

Status Journal::Commit(std::string_view state) {
  std::lock_guard lock(mutex_);
  Header& to = header();
  const uint32_t next = (to.current & 1) ^ 1;
  if (state.size() > options_.state_bytes) {
    if (Status made = MakeLarge(next, state.size()); !made) return made;
  } else if (!large_[next].empty() && state.size() <= options_.state_bytes / 2) {
    DropLarge(next);
  }
  to.slots[next].state_bytes = state.size();  // it says which place it has
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
