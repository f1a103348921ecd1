// SPDX-License-Identifier: MIT
// Errors of one file system whose signals came under two mountings of it. Where it is unmounted and mounted again faster than the
// mount table is looked at, the trace has the moment of an error and the uuid, and lays it to one of two mountings that can have been
// there; fanotify and the counter know which. What these two tell alone has been told then. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "record/notification.h"
#include "source/signal.h"

namespace fsherald {

class StrayErrors {
 public:
  // How long after an error that comes to light.
  static constexpr uint64_t kKeepNs = 1'000'000'000;

  // The trace has laid errors that fanotify and the counter tell too to that mounting.
  void Traced(const Uuid& filesystem, FilesystemKey mounting, uint64_t boottime_ns, uint64_t count);
  // Fanotify has told some of these of the same mounting.
  void Confirmed(const Uuid& filesystem, FilesystemKey mounting, uint64_t count);

  // Of `count` errors that fanotify, or the counter, alone tells of a mounting: those that the trace has laid to another one of the
  // file system. Each is given once to each of the two.
  enum class Teller { kFanotify, kCounter };
  uint64_t Take(const Uuid& filesystem, FilesystemKey mounting, Teller teller, uint64_t count,
                uint64_t now_boottime_ns);

 private:
  static constexpr size_t kMaxFilesystems = 4096;
  struct Laid {
    FilesystemKey mounting;
    uint64_t last_boottime_ns = 0;
    uint64_t of_fanotify = 0;  // that it has not told
    uint64_t of_counter = 0;
  };
  std::map<Uuid, std::vector<Laid>> laid_;
};

}  // namespace fsherald
