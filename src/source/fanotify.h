// SPDX-License-Identifier: MIT
// The source `fanotify`: FAN_FS_ERROR marks on whole file systems. The kernel never drops an error here, it merges them
// and counts; so this source has the exact number.
//
// The kernel names a file system by its fsid, and two mounted clones of one image have the same. So a file system goes
// into the first group in which no other has its fsid, and is known by (group, fsid).
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/kept_fds.h"
#include "base/result.h"
#include "filesystem/filesystem.h"
#include "mount/mount_table.h"
#include "source/fanotify_record.h"
#include "source/raw_reads.h"
#include "source/signal.h"

namespace fsherald {

// Whether a mark brings errors ("covered"). fanotify_mark succeeds also where nothing ever comes. Null module: no.
bool FanotifyCovers(const FilesystemModule* module, std::string_view kernel_release);

struct FanotifyEvents {
  std::vector<std::pair<FilesystemKey, FanotifySignal>> errors;
  std::vector<GapSignal> gaps;  // a queue was full; which file systems lost something is not known
  FanotifyRefusals refused;
  uint64_t unknown = 0;  // errors of file systems that are not marked, or not any more
};

// One thread. Marks pin no mount and die with it.
class FanotifySource {
 public:
  // In which group a file system is marked: of two with one fsid each is in another.
  struct Place {
    uint32_t group = 0;
    Fsid fsid;
    DeviceNumber dev;
  };
  // What an earlier process has left.
  struct Left {
    KeptFds* fds = nullptr;          // its groups, and the errors that wait in them
    std::vector<Place> places = {};  // where it had marked what
  };
  // Errors: a sentence that says why not, and what would help.
  static Result<std::unique_ptr<FanotifySource>> Open(Left left);
  static Result<std::unique_ptr<FanotifySource>> Open() { return Open(Left{}); }
  // Whether the groups are those of an earlier process.
  bool is_taken_over() const { return is_taken_over_; }

  // Begins to hear of the errors of a mounted file system. Errors: it has no access path, another file system lies there
  // now, or as fanotify_mark(2). Marking a key again changes nothing.
  Status Mark(const Mounting& mounting);

  // After the unmount. What the kernel had queued of it comes with the next Read.
  void Forget(FilesystemKey key);

  // To poll(2) for POLLIN; there is one more after a Mark that needed it.
  std::vector<int> fds() const;

  // Whether the mark is of an earlier process: then all errors since that one are in the queue.
  bool WasMarkedBefore(FilesystemKey key) const;

  // Reads are made into `reads` from now on; what it holds already, of groups that were taken over, comes with the next Read. It
  // must outlive the source. Call it when all is marked.
  void ReadInto(RawReads& reads, uint64_t now_boottime_ns);

  std::vector<Place> places() const;
  // What to keep for one that takes over; grows with the groups.
  std::vector<FdToKeep> descriptors() const;
  size_t descriptor_count() const { return groups_.size(); }

  // Whether a Forget has taken what the next Read gives: no descriptor is readable for it any more.
  bool has_taken() const { return !pending_.errors.empty() || !pending_.gaps.empty(); }

  // All that has come. Errors that the kernel had merged are one signal with their count.
  FanotifyEvents Read(uint64_t now_boottime_ns);

 private:
  struct Member {
    Fsid fsid;
    FilesystemKey key;
    DeviceNumber dev;
    bool was_marked_before = false;
  };
  struct Group {
    Fd fd;
    std::vector<Member> members;
    uint64_t emptied_boottime_ns = 0;  // what is in the queue is later
  };

  FanotifySource() = default;
  Result<Group*> GroupFor(Fsid fsid, DeviceNumber dev);
  ssize_t ReadOnce(const Group& group, std::span<std::byte>& buffer);
  void Drain(Group& group, uint64_t now_boottime_ns);
  void Add(const Group& group, FanotifyBatch&& batch, uint64_t now_boottime_ns);

  std::vector<Group> groups_;
  std::vector<Place> left_;  // of the earlier process
  bool is_taken_over_ = false;
  RawReads* reads_ = nullptr;
  FanotifyEvents pending_;
};

}  // namespace fsherald
