// SPDX-License-Identifier: MIT
// Journal: a file in /run, mapped, that holds what the daemon must not lose when it is killed: the notifications that have a
// number and are not stored yet, and the state that belongs to them. Whoever opens it next finds what was committed last, whole:
// of a process that dies the memory stays as it is, so one store of a word, the last, decides.
//
//   journal.Append(seq, bytes);  // some, on the main thread
//   journal.Commit(state);       // from here on all of it is what the next process finds
//
//   Batch batch = journal.Take(1000);  // on the store's thread
//   store.Append(batch...);
//   journal.Stored(batch);
//
// It does not survive the machine: what does is the store.
//
// The file: Header | memory for RawReads | state A | state B | ring. The header names the state that counts and how far the ring
// was written when it was committed. A state that is too large for its place lies behind the ring: the file grows for it, and
// shrinks again when it is small. A record of the ring is its length and its number, then the bytes, to a multiple of 16; it
// never crosses the end. The reader's position (`tail`) is stored by whoever stores, after it is durable: what is stored twice is
// told apart by its number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"
#include "source/raw_reads.h"

namespace fsherald {

// Two threads: one appends and commits, the other takes.
class Journal {
 public:
  struct Options {
    uint32_t ring_bytes = 8U << 20;   // a power of two
    uint32_t state_bytes = 1U << 20;  // that there is always room for; a larger one makes the file grow
    uint64_t max_state_bytes = 32U << 20;
  };
  // Takes up what an earlier process has left, or begins anew: also where the file is none of ours or of another version, which
  // `was_refused` tells. The memory is there from here on, whatever fills the directory later. Errors: as open(2); ENOSPC.
  static Result<std::unique_ptr<Journal>> Open(const std::string& path, Options options);
  static Result<std::unique_ptr<Journal>> Open(const std::string& path) { return Open(path, Options{}); }
  ~Journal();

  bool was_refused() const { return was_refused_; }
  // As committed last; empty: nothing was, ever.
  std::string state() const;
  uint64_t last_seq() const;
  // Whether anything waits to be stored.
  bool has_waiting() const;

  // The main thread's. One more, after the last; nobody sees it before Commit. False: there is no room, or it is too large.
  bool Append(uint64_t seq, std::string_view bytes);
  // Whether records of so many bytes in all, their heads included, find room.
  bool HasRoom(size_t bytes) const;
  // Errors: ENOSPC: the state is larger than its place, and there is no room for it in the directory either; nothing has changed.
  Status Commit(std::string_view state);
  // What was appended last stays in the ring's memory, stored or not, until others need its place: the first of it from position
  // `at` on whose number is above `after_seq`. The view holds until the next Append.
  struct Kept {
    uint64_t seq = 0;
    Bytes bytes;
    uint64_t next = 0;  // the position behind it
  };
  std::optional<Kept> Next(uint64_t at, uint64_t after_seq) const;
  // All that was appended above this number is there.
  uint64_t kept_after_seq() const { return kept_after_seq_; }
  std::span<std::byte> reads_memory() const;

  // The store's thread.
  struct Batch {
    std::vector<Bytes> notifications;  // in the journal's memory, which stays as it is until Stored
    uint64_t last_seq = 0;
    std::optional<std::string> state;  // with the last of all that was committed
    uint64_t end = 0;                  // position in the ring
  };
  Batch Take(size_t most) const;
  void Stored(const Batch& batch);

 private:
  struct Header;
  struct Slot;
  struct Place;
  Journal(Fd fd, std::string path, std::span<std::byte> memory, Options options)
      : fd_(std::move(fd)), path_(std::move(path)), memory_(memory), options_(options) {}
  Header& header() const;
  const Slot& current() const;
  std::byte* ring() const;
  std::byte* state_at(uint32_t index) const;
  bool IsValid(uint64_t file_bytes) const;
  void Format();
  // Of the states behind the ring; `index`: of the slot.
  Status MapLarge(uint32_t index);
  Status MakeLarge(uint32_t index, size_t bytes);
  void DropLarge(uint32_t index);
  Status TakeUpLarge();
  template <typename Use>
  uint64_t Walk(uint64_t from, uint64_t to, Use use) const;
  void GiveUpKept(uint64_t to);

  Fd fd_;
  std::string path_;
  std::span<std::byte> memory_;
  std::span<std::byte> large_[2];  // mapped; empty: the slot has none
  Options options_;
  bool was_refused_ = false;
  uint64_t written_ = 0;  // of the ring, committed or not
  uint64_t written_seq_ = 0;
  uint64_t kept_ = 0;  // of the ring: from here on it is as it was written; never behind the tail
  uint64_t kept_after_seq_ = 0;
  mutable std::mutex mutex_;  // of the header's words; never held while anything is copied out of the ring
};

}  // namespace fsherald
