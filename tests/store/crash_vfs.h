// SPDX-License-Identifier: MIT
// A VFS for SQLite over the default one, of a machine whose power goes at a given write or sync: from then on every one fails.
// What had been written and not synced by then may be on disk, or not, or in parts: the files are made so afterwards.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace fsherald::stress {

inline constexpr char kCrashVfs[] = "crash";

enum class Unsynced { kKept, kDropped, kTorn };

// There is one. Not while a connection is open.
class CrashVfs {
 public:
  static CrashVfs& Instance();  // registers it

  // Power goes at this write, sync or truncation, the first is 0; all files are unknown again.
  void Begin(uint64_t crash_at);
  bool crashed() const { return crashed_; }
  uint64_t operations() const { return operations_; }

  // Makes of the files what is on disk after the crash.
  void Restart(Unsynced unsynced, uint64_t seed);

  // For the VFS itself.
  struct Change {
    uint64_t offset = 0;
    std::string bytes;
    bool is_truncation = false;  // to `offset`
  };
  struct File {
    std::string durable;          // as of the last sync
    std::vector<Change> changes;  // since
  };
  bool Survives(File& file, const Change* change);  // counts an operation; false: the power has gone
  File& Of(const std::string& path);
  void Forget(const std::string& path) { files_.erase(path); }
  static void Apply(const Change& change, std::string& contents);

 private:
  uint64_t crash_at_ = UINT64_MAX;
  uint64_t operations_ = 0;
  bool crashed_ = false;
  std::map<std::string, File> files_;
};

}  // namespace fsherald::stress
