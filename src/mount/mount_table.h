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

#include "base/result.h"
#include "record/notification.h"

namespace fsherald {

// One mounting of one file system: from its first mount(2) to its last umount(2).
struct Mounting {
  uint32_t key = 0;  // 1, 2, 3, ...: never reused in a run
  // mounts: of this mount namespace, bind mounts of parts too; empty for what is mounted in others only.
  FilesystemInfo info;
  // A path by which this process reached it at the last Refresh: a directory, or a file where only files are bind-mounted;
  // /proc/PID/root/... for another namespace's. Empty: none (mounted in a namespace without a process, detached but still
  // in use, or hidden below other mounts). Who opens it compares st_dev or f_fsid before relying on it.
  std::string access_path;
  bool access_is_root = false;  // access_path is the file system's own root directory (not a bind mount of a part)
  // Other mount points than before were seen at mounts_since_boottime_ns; a file system that is going has none left.
  std::vector<std::string> mounts_before;
  uint64_t mounts_since_boottime_ns = 0;
  uint64_t since_boottime_ns = 0;            // when it was first seen
  std::optional<uint64_t> gone_boottime_ns;  // when it was first missed
};

// What Refresh found. The pointers live until Forget.
struct MountChanges {
  std::vector<const Mounting*> appeared;
  std::vector<const Mounting*> vanished;
  std::vector<const Mounting*> changed;  // other mount points, access path, fsid or uuid than before
};

// One thread. Holds no descriptor that pins a mount: only the mount table's own, to wait on.
//
// When a device number or name is found mounted again, it is the same mounting only if nothing tells otherwise: the inode
// number of <sys>/fs/TYPE/NAME, which sysfs gives to no two superblocks; where there is no such directory, the fsid, and
// the mounts' ids (unique ones from Linux 6.8; before, an unmount and mount between two Refreshes can go unseen).
class MountTable {
 public:
  struct Options {
    std::string proc_root = "/proc";
    std::string sys_root = "/sys";
    std::string dev_root = "/dev";  // nodes of block devices, for the uuid where the kernel does not tell it
    // Which types are wanted ("ext4"); others are not looked at further.
    std::function<bool(std::string_view type)> wanted;
  };
  static Result<std::unique_ptr<MountTable>> Open(Options options);
  ~MountTable();

  // poll(2) says POLLPRI|POLLERR when this mount namespace has changed. Refresh rearms it. The kernel tells nothing of
  // other namespaces this way: there only the file system's own lines in the kernel's log say that it is time.
  int event_fd() const;

  // Reads the mount table again. A file system of a wanted type that is mounted in another mount namespace only (it
  // stands in <sys>/fs/TYPE/, or is known to have been mounted, but not in ours) is looked for in the mount tables of
  // other processes; also where none has it, it stands in the table until its superblock is gone. `now_boottime_ns` is
  // taken just before the call. Errors: the mount table cannot be read; all stays as it was.
  Result<MountChanges> Refresh(uint64_t now_boottime_ns);

  // When to call Refresh again even if event_fd is silent: while a file system is in no mount table that we see, but its
  // superblock lives, it is either about to appear or about to end, and no event tells which. First 20 ms after it was
  // first seen so, then ever more rarely, for a minute. Empty: no need.
  std::optional<uint64_t> recheck_boottime_ns() const;

  // All that are mounted now, by key.
  std::vector<const Mounting*> mounted() const;

  const Mounting* Find(uint32_t key) const;  // gone ones too

  // The mounting that device `dev` (or the device of that kernel name) carried at `boottime_ns`; where a uuid is given
  // and known it has to agree. Null: none, or not certain.
  // A mounting can have been there from the last Refresh that did not see it to the first that missed it, and kSlackNs to
  // either side: the caller's clock is read before the table is, and a source's time can be coarse. It was there for
  // certain from kSlackNs after the first to the last Refresh that saw it. Found is the one that was there for certain,
  // else the only one that can have been; of several mountings of one file system (by its uuid) the latest. One still
  // in the table is taken to last: Refresh first if event_fd is ready.
  // What the first Refresh finds is taken to have been there for kBeforeFirstNs before (sources start before the table);
  // for times before that a given uuid has to agree.
  static constexpr uint64_t kSlackNs = 10'000'000;
  static constexpr uint64_t kBeforeFirstNs = 1'000'000'000;
  const Mounting* FindByDevice(DeviceNumber dev, const std::optional<Uuid>& uuid, uint64_t boottime_ns) const;
  const Mounting* FindByName(std::string_view device, uint64_t boottime_ns) const;

  // The mounted file system that a path of this process lies on. Errors: as stat(2) gives them; code 0 and a sentence
  // where the path's file system is of no wanted type, or was not mounted at the last Refresh.
  Result<const Mounting*> FindByPath(const std::string& path) const;

  // Drops what was gone before `boottime_ns`.
  void Forget(uint64_t boottime_ns);

 private:
  class Impl;
  explicit MountTable(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fsherald
