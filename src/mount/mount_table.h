// SPDX-License-Identifier: MIT
// The mounted file systems of the machine, each once, however often it is mounted. The device number is never an
// identity: every mounting gets a key of its own, and what is gone keeps its key until nothing can refer to it any more.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "record/notification.h"

namespace fsherald {

// One mounting of one file system: from its first mount(2) to its last umount(2).
struct Mounting {
  uint32_t key = 0;  // 1, 2, 3, ...: never reused in a run
  FilesystemInfo info;
  std::string access_path;  // a path to its root that this process can open, /proc/PID/root/... for another namespace's; empty: none
  bool access_is_root = false;  // access_path is the file system's own root directory (not a bind mount of a part)
  uint64_t since_boottime_ns = 0;           // when it was first seen
  std::optional<uint64_t> gone_boottime_ns;  // when it was first missed
};

// What Refresh found. The pointers live until Forget.
struct MountChanges {
  std::vector<const Mounting*> appeared;
  std::vector<const Mounting*> vanished;
  std::vector<const Mounting*> changed;  // other mount points than before
};

// One thread. Holds no descriptor that pins a mount: only the mount table's own, to wait on.
class MountTable {
 public:
  struct Options {
    std::string proc_root = "/proc";
    std::string sys_root = "/sys";
    // Which types are wanted ("ext4"); others are not looked at further.
    std::function<bool(std::string_view type)> wanted;
  };
  static Result<std::unique_ptr<MountTable>> Open(Options options);
  ~MountTable();

  // poll(2) says POLLPRI|POLLERR when this mount namespace has changed. Refresh rearms it.
  int event_fd() const;

  // Reads the mount table again. A file system of a wanted type that is mounted in another mount namespace only (it
  // stands in <sys>/fs/TYPE/, or is known to have been mounted, but not in ours) is looked for in the mount tables of
  // other processes.
  Result<MountChanges> Refresh(uint64_t now_boottime_ns);

  // All that are mounted now, by key.
  std::vector<const Mounting*> mounted() const;

  const Mounting* Find(uint32_t key) const;  // gone ones too
  // The mounting that device `dev` (or the device of that kernel name) carried at `boottime_ns`; where a uuid is given
  // and known it has to agree. Null: none, or not certain.
  const Mounting* FindByDevice(DeviceNumber dev, const std::optional<Uuid>& uuid, uint64_t boottime_ns) const;
  const Mounting* FindByName(std::string_view device, uint64_t boottime_ns) const;
  // The mounted file system that a path of this process lies on. Errors: as stat(2) gives them; code 0 and a sentence
  // where the path's file system is of no wanted type.
  Result<const Mounting*> FindByPath(const std::string& path) const;

  // Drops what went before `boottime_ns`.
  void Forget(uint64_t boottime_ns);

 private:
  class Impl;
  explicit MountTable(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fsherald
