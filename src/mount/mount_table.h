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
#include "mount/sysfs.h"
#include "record/notification.h"

namespace fsherald {

// One mounting of one file system: from its first mount(2) to its last umount(2).
struct Mounting {
  uint32_t key = 0;  // 1, 2, 3, ...: never reused in a run
  // mounts: of this mount namespace, bind mounts of parts too; empty for what is mounted in others only. dev: as in the
  // mount table and in the kernel's tracepoints; stat(2) gives another one for each subvolume of btrfs. device: where the
  // file system has none, or is of another machine or a process, the source of its mount ("server:/export"). fsid: as at
  // access_path; each subvolume of btrfs has its own.
  FilesystemInfo info;
  // The block devices right below it, by name: one, or several (btrfs); empty: none, or not known. Current as of the last
  // Refresh: no event tells that one has been added or removed.
  std::vector<BlockDevice> devices;
  // Of the file system, not of a mount, as last seen in our mount table: "rw,errors=remount-ro,emergency_ro". What its
  // mounts show differently (btrfs: subvol) is left out. read_only: they have "ro" among them. Neither follows by itself:
  // event_fd tells what mount(2) changes, but not what the file system does to itself after an error (ext4's
  // "emergency_ro" and "shutdown", btrfs's "ro"); XFS never shows its shutdown.
  std::string super_options;
  bool read_only = false;
  // How many of its mounts in our table are read-only themselves: who remounts one read-only makes both so, the file
  // system that makes itself read-only leaves its mounts as they were.
  size_t read_only_mounts = 0;
  // A path by which this process reached it at the last Refresh: a directory, or a file where only files are bind-mounted;
  // /proc/PID/root/... for another namespace's. Empty: none (mounted in a namespace without a process, detached but still
  // in use, hidden below other mounts; or each way leads through a mount that may hang, or it is one itself). Who opens it
  // compares st_dev or f_fsid before relying on it.
  std::string access_path;
  bool access_is_root = false;  // access_path is the file system's own root directory (not a bind mount of a part)
  // Other mount points than before were seen at mounts_since_boottime_ns; a file system that is going has none left.
  std::vector<std::string> mounts_before;
  uint64_t mounts_since_boottime_ns = 0;
  // When it was first seen, and first missed: when that look at the mount table had ended.
  uint64_t since_boottime_ns = 0;
  std::optional<uint64_t> gone_boottime_ns;
};

// What Refresh found. The pointers live until Forget.
struct MountChanges {
  std::vector<const Mounting*> appeared;
  std::vector<const Mounting*> vanished;
  std::vector<const Mounting*> changed;  // other info, devices, super options or access path than before
};

// A file system, and where a block device has its place below it.
struct MountingAbove {
  const Mounting* mounting = nullptr;
  BlockDevice device;              // the one that the file system is on: the given one, a partition of it, a holder
  std::optional<uint64_t> sector;  // the given sector, counted from that device's beginning; empty: not known
};

// One thread. Holds no descriptor that pins a mount: only the mount table's own, to wait on.
//
// A file system that may hang (Options::may_hang) is never asked anything, and nothing is asked by a path that leads
// through it: all that is known of it is its line in our mount table, and it is gone when that has none. The root mount of
// this process is no obstacle: without it no path leads anywhere.
//
// When a device number or name is found mounted again, it is the same mounting only if nothing tells otherwise: the inode
// number of <sys>/fs/TYPE/NAME, which sysfs gives to no two superblocks; where there is no such directory, the fsid, and
// the mounts' ids (unique ones from Linux 6.8; before, an unmount and mount between two Refreshes can go unseen).
class MountTable {
 public:
  struct Options {
    std::string proc_root = "/proc";
    std::string sys_root = "/sys";
    // Whose mount table is the machine's, a process's number. Where it is not ours, ours is a copy that follows it, and of our
    // mounts only those are told that it has too, and as it has them (mount/mount_info.h, AsSeenBy).
    std::string mounts_of = "self";
    std::string dev_root = "/dev";  // nodes of block devices, for the uuid where the kernel does not tell it
    // Which types are wanted ("ext4"); others are not looked at further. Empty: all.
    std::function<bool(std::string_view type)> wanted;
    // Of which types a mount may never answer: those of other machines and of processes. Empty: none.
    std::function<bool(std::string_view type)> may_hang;
    std::function<uint64_t()> clock;  // boot time; empty: the kernel's
  };
  static Result<std::unique_ptr<MountTable>> Open(Options options);
  ~MountTable();

  // poll(2) says POLLPRI|POLLERR when the machine's mount namespace has changed. The kernel tells nothing of other namespaces this
  // way: there only the file system's own lines in the kernel's log say that it is time. It is for waking up alone: the kernel
  // tells each change to one poll(2) of a descriptor, and of an epoll within an epoll the outer one's counts. Ask TakeChange.
  int event_fd() const;
  // Whether it has changed since the last call, and the last Refresh.
  bool TakeChange();

  // Reads the mount table again. A file system of a wanted type that is mounted in another mount namespace only (it
  // stands in <sys>/fs/TYPE/, or is known to have been mounted, but not in ours) is looked for in the mount tables of
  // other processes; also where none has it, it stands in the table until its superblock is gone. `now_boottime_ns` is
  // taken just before the call. Errors: the mount table cannot be read; all stays as it was.
  Result<MountChanges> Refresh(uint64_t now_boottime_ns);

  // Reads the super options again, and nothing else: no file system is asked, none appears or vanishes. For what the file
  // systems do to themselves, which no event tells. Returns those that show others now; the pointers live until Forget.
  std::vector<const Mounting*> ReadOptions();

  // When to call Refresh again even if event_fd is silent: while a file system is in no mount table that we see, but its
  // superblock lives, it is either about to appear or about to end, and no event tells which. First 20 ms after it was
  // first seen so, then ever more rarely, for a minute. Empty: no need.
  std::optional<uint64_t> recheck_boottime_ns() const;

  // All that are mounted now, by key.
  std::vector<const Mounting*> mounted() const;

  const Mounting* Find(uint32_t key) const;  // gone ones too

  // The mounting that device `dev` (or the device of that kernel name) carried at `boottime_ns`; where a uuid, or a type
  // as in the mount table, is given and known it has to agree. Any of its block devices finds it. The name in a message can
  // be that of a device that btrfs has given up since, and that carries something else by now: give the type where it is
  // known. The source of a file system that may hang is no name: any user can choose it. Null: none, or not certain.
  // A mounting can have been there from the last Refresh that did not see it to the end of the first that missed it, and kSlackNs
  // to either side: a source's time can be coarse. It was there for certain from kSlackNs after the end of the first to the last
  // Refresh that saw it. Found is the one that was there for certain,
  // else the only one that can have been; of several the one whose uuid is known to agree; of several mountings of one file
  // system (by its uuid) the latest. One still in the table is taken to last: Refresh first if event_fd is ready.
  // What the first Refresh finds is taken to have been there for kBeforeFirstNs before (sources start before the table);
  // for times before that a given uuid has to agree.
  static constexpr uint64_t kSlackNs = 10'000'000;
  static constexpr uint64_t kBeforeFirstNs = 1'000'000'000;
  const Mounting* FindByDevice(DeviceNumber dev, const std::optional<Uuid>& uuid, uint64_t boottime_ns) const;
  const Mounting* FindByName(std::string_view device, uint64_t boottime_ns, std::string_view type = {}) const;

  // The file system that was above block device `disk` at `boottime_ns`: on that very device; else on the partition of it
  // that `sector` (of 512 bytes) lies in; else the only one on all that lies above (partitions, device mapper, md, ...).
  // Empty: none, or it can be any of several. What lies on what is read from sysfs as it is now (some 20 system calls).
  std::optional<MountingAbove> FindAboveDevice(DeviceNumber disk, std::optional<uint64_t> sector,
                                               uint64_t boottime_ns) const;

  // The number of the block device of that name now; empty: none.
  std::optional<DeviceNumber> NumberOf(const std::string& device) const;

  // The mounted file system that a path of this process lies on. Errors: as stat(2) gives them; code 0 and a sentence
  // where the path's file system is of no wanted type, or was not mounted at the last Refresh. On one that may hang a path
  // is not looked up, so that it need not exist there. A path that leads into it by a symbolic link or by ".." still waits
  // for it, unless it ends on the mount point itself.
  Result<const Mounting*> FindByPath(const std::string& path) const;

  // Drops what was gone before `boottime_ns`.
  void Forget(uint64_t boottime_ns);

 private:
  class Impl;
  explicit MountTable(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fsherald
