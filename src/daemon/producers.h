// SPDX-License-Identifier: MIT
// Producers: the reporters that are attached. Takes their offers, reads their rings in turns, makes notifications of what
// they say and of what their credentials say, and lets none of them cost the others anything.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "daemon/producer.h"
#include "daemon/user_filesystems.h"
#include "record/notification.h"

namespace fsherald {

// One thread.
class Producers {
 public:
  struct Options {
    std::optional<gid_t> group;  // who may report besides root
    // Quotas of one user (root has none): reporters attached at once, their memory, and notifications told a second. Beyond
    // the last their rings are read more slowly: what they have no room for is counted, and nothing else is lost.
    uint32_t max_reporters = 64;
    uint64_t max_memory_bytes = uint64_t{64} << 20;
    uint32_t max_per_second = 10'000;
    std::string proc_root = "/proc";
    // Whether anybody has marked one of these keys. While nobody has, a ring is not read and its producer is not asked to wake us:
    // what is reported waits in the reporter's memory, the first whole, the rest counted when that is full. Empty: always.
    std::function<bool(std::span<const FilesystemKey> keys)> is_wanted = {};
    // Called before a reporter gets back the room of what the handler was given: so that it is safe by then. May be empty.
    std::function<void(const Producer::Progress&)> before_release = {};
    // Of processes before us, which may have died between the two.
    std::vector<Producer::Progress> unreleased = {};
  };
  // `keys`: its own, and that of all that bear its name. The notification lacks its numbers.
  using Handler = std::function<void(Notification&& notification, std::span<const FilesystemKey> keys)>;

  // `listener`: a listening socket (daemon/peer.h). `filesystems` must outlive it.
  static Result<std::unique_ptr<Producers>> Open(Options options, Fd listener, UserFilesystems& filesystems,
                                                 Handler handler);
  ~Producers();

  // poll(2) says POLLIN when Pump has something to do.
  int fd() const;

  // Accepts, reads a share of each ring that has something, ends those whose process has ended (after what they left was read).
  // Never waits.
  void Pump();

  // Marks have come or gone: rings that nobody wanted may be wanted now. The next Pump reads them; fd() is readable until then.
  void MarksChanged();

  // Reads once more all that waits, without quotas but bounded by the rings' sizes; for the end.
  void Finish();

  // Who may report besides root from now on; who is attached stays so.
  void SetGroup(std::optional<gid_t> group);

  // Of Options::unreleased those whose reporters have not come again.
  const std::vector<Producer::Progress>& unreleased() const;

  size_t attached() const;
  // Offers, rings and records that were refused so far.
  uint64_t refused() const;

 private:
  class Impl;
  explicit Producers(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fsherald
