// SPDX-License-Identifier: MIT
// A VFS for SQLite over the default one, of a machine whose power goes at a given write or sync: from then on every one fails.
// What had been written and not synced by then may be on disk, or not, or in parts: the files are made so afterwards.
//
// Or of one on which a given sync fails, and which goes on: what that sync was to bring to disk stays readable, and never gets there
// unless it is written again, as Linux has it. Files are known by their inodes: renames need no care, and count as done.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <random>
#include <set>
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

  // After Begin: this sync, the first is 0, fails.
  void FailSync(uint64_t sync) { failing_sync_ = sync; }
  uint64_t syncs() const { return syncs_; }
  // Power goes now.
  void Crash() { crashed_ = true; }

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
    uint64_t bytes = 0;           // of it as it is read
  };
  bool Survives(File& file, const Change* change);  // counts an operation; false: the power has gone, or a sync fails
  File& Of(const std::string& path);
  void Forget(const std::string& path);
  static void Apply(const Change& change, std::string& contents);

 private:
  uint64_t crash_at_ = UINT64_MAX;
  uint64_t operations_ = 0;
  bool crashed_ = false;
  uint64_t failing_sync_ = UINT64_MAX;
  uint64_t syncs_ = 0;
  std::map<uint64_t, File> files_;               // by inode
  std::set<std::filesystem::path> directories_;  // that they are in
};

}  // namespace fsherald::stress
