// SPDX-License-Identifier: MIT
// Producer: one reporter that is attached: its memory, and who it is by its credentials.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "daemon/peer.h"
#include "record/notification.h"
#include "ring/ring_reader.h"
#include "ring/ticks.h"
#include "source/signal.h"

namespace fsherald {

// What is known of the process that reports, by its credentials.
Task TaskOf(pid_t pid, const std::string& proc_root);

// Boot time of what producers submitted, whichever of the two clocks they use.
class ProducerClock {
 public:
  // Before a batch; `now_ns` is boot time.
  void Update(ring::Clock clock, uint64_t now_ns);
  // Never later than the batch.
  uint64_t ToBoottimeNs(ring::Clock clock, uint64_t ticks) const;

 private:
  ring::TickTranslator& Of(ring::Clock clock) { return clock == ring::kTsc ? tsc_ : boottime_; }
  ring::TickTranslator boottime_{ring::kBoottimeNs};
  ring::TickTranslator tsc_{ring::kTsc};
  uint64_t now_ns_ = 0;
};

// A mapping of memory that another process writes.
class SharedMemory {
 public:
  // EINVAL: it cannot be mapped to be read and written.
  static Result<SharedMemory> Map(int memfd, size_t bytes);
  SharedMemory(SharedMemory&& other) noexcept : span_(std::exchange(other.span_, {})) {}
  SharedMemory& operator=(SharedMemory&&) = delete;
  ~SharedMemory();
  std::span<std::byte> span() const { return span_; }

 private:
  explicit SharedMemory(std::span<std::byte> span) : span_(span) {}
  std::span<std::byte> span_;
};

// One thread.
class Producer {
 public:
  using Tell = std::function<void(Notification&& notification, std::span<const FilesystemKey> keys)>;
  struct Identity {
    Peer peer;
    FilesystemInfo filesystem;
    std::string mount_point;  // paths are below it; empty: they stay as they are
    std::vector<FilesystemKey> keys;
  };
  // Errors: code EINVAL: its memory holds no ring.
  static Result<std::unique_ptr<Producer>> Make(Identity identity, SharedMemory memory, Fd eventfd,
                                                const std::string& proc_root);
  // It lives as long as this does.
  void Connect(Fd connection) { connection_ = std::move(connection); }

  enum class Turn {
    kMore,    // there may be more to read
    kAsleep,  // there is none; its eventfd will tell when there is
    kBroken,  // it writes what no reporter writes; that has been told
  };
  // Reads up to `limit` records, and tells them. Adds to `told` what it told, and one where it was kept awake for nothing: it may
  // be so for ever; to `refused` what was not valid.
  Turn Read(uint32_t limit, ProducerClock& clock, uint64_t now_ns, const Tell& tell, uint32_t& told, uint64_t& refused);

  // Which ring it is, and how far it was read; what was told of it is safe once the caller of Read has been told `before_release`.
  struct Progress {
    uint64_t ring = 0;  // the memfd's inode number
    ring::RingReader::Progress read;
  };
  Progress progress() const { return {ring_, reader_.progress()}; }
  // Called before anything that Read has told is given back to the reporter; may be empty.
  using BeforeRelease = std::function<void(const Progress&)>;
  void SetBeforeRelease(uint64_t ring, BeforeRelease before_release) {
    ring_ = ring;
    before_release_ = std::move(before_release);
  }
  // As another process had come to it.
  void GiveBack(const Progress& progress) { reader_.GiveBack(progress.read); }

  // No connection any more: what is left is bounded by its ring's size.
  void End() {
    connection_.Reset();
    ended_ = true;
  }
  bool has_ended() const { return ended_; }
  // What came since End is more than a ring holds: its memory is still written to.
  bool is_beyond_its_end() const { return ended_ && read_since_end_ > memory_.span().size(); }

  int connection() const { return connection_.get(); }
  int eventfd() const { return eventfd_.get(); }
  std::span<const FilesystemKey> keys() const { return identity_.keys; }
  const Peer& peer() const { return identity_.peer; }
  size_t memory_bytes() const { return memory_.span().size(); }

 private:
  Producer(Identity identity, SharedMemory memory, ring::RingReader reader, Fd eventfd);
  void RefreshTask(uint64_t now_ns);
  Notification Complete(Notification notification, uint64_t boottime_ns) const;
  Notification Counted(uint64_t count, uint64_t now_ns) const;
  Notification Broken(uint64_t now_ns) const;

  Identity identity_;
  uint64_t ring_ = 0;
  BeforeRelease before_release_;
  SharedMemory memory_;
  ring::RingReader reader_;
  Fd connection_;
  Fd eventfd_;
  std::string proc_root_;
  Task task_;
  uint64_t task_read_ns_ = 0;
  int64_t last_utc_ns_;  // of the last reading that found it whole
  uint64_t read_since_end_ = 0;
  bool ended_ = false;
};

}  // namespace fsherald
