// SPDX-License-Identifier: MIT
// The source `health`: the health monitor that XFS has from Linux 7.0 on: a descriptor by ioctl of the root directory, from which
// events are read. A file system has but one, and a repair daemon (xfs_healer) may want it: so it is used only where it was
// asked for. It pins no mount, and ends with it.
//
// No kernel at hand has it: the reader is tested with a pipe in the kernel's place.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/poller.h"
#include "base/result.h"
#include "mount/mount_table.h"
#include "source/signal.h"

namespace fsherald {

// Opens the monitor of a mounted XFS. Errors: sentences.
Result<Fd> OpenXfsHealthMonitor(const Mounting& mounting);

// Whether the kernel's XFS has a health monitor, by a mount of it; nothing is opened but the directory.
Result<bool> HasXfsHealthMonitor(const std::string& path);

struct XfsHealthSignals {
  std::vector<Signal> signals;
  bool unmounted = false;  // one of them: the mount table has changed
  uint64_t refused = 0;
};

// One thread.
class XfsHealthSource {
 public:
  using Opener = std::function<Result<Fd>(const Mounting&)>;
  static Result<XfsHealthSource> Open(Opener open = OpenXfsHealthMonitor);

  static bool IsOf(std::string_view type) { return type == "xfs"; }

  // Begins to hear of a mounted file system. Errors: a sentence that says why not; adding a key again changes nothing.
  Status Add(const Mounting& mounting, uint64_t now_boottime_ns);
  void Forget(FilesystemKey key);
  bool Covers(FilesystemKey key) const { return monitors_.contains(key); }
  size_t size() const { return monitors_.size(); }

  // To poll(2) for POLLIN.
  int fd() const { return poller_.fd(); }

  // All that has come.
  XfsHealthSignals Read(uint64_t now_boottime_ns, int64_t now_utc_ns);

 private:
  struct Monitor {
    Fd fd;
    std::string device;  // the file system's own
    uint64_t since_boottime_ns = 0;
    uint64_t last_read_boottime_ns = 0;
  };
  struct Now {
    uint64_t boottime_ns;
    int64_t utc_ns;
  };

  XfsHealthSource(Opener open, Poller poller) : open_(std::move(open)), poller_(std::move(poller)) {}
  // False: the monitor has ended.
  static bool Drain(FilesystemKey key, Monitor& monitor, const Now& now, XfsHealthSignals& out);
  static void Take(FilesystemKey key, Monitor& monitor, std::span<const std::byte> bytes, const Now& now,
                   XfsHealthSignals& out);

  Opener open_;
  Poller poller_;
  std::map<FilesystemKey, Monitor> monitors_;
};

}  // namespace fsherald
