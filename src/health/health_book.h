// SPDX-License-Identifier: MIT
// HealthBook: the state of every file system, as told by its notifications and by what it was seen to do, and its incidents: the
// first error of a cascade, and what followed it. health/rules.h says what leads where; this class says what has happened.
//
// Pure: the clock is an argument.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "filesystem/filesystem.h"
#include "filesystem/mount_state.h"
#include "health/rules.h"
#include "record/notification.h"

namespace fsherald {

// When something was: both clocks, for intervals and for people.
struct HealthTime {
  uint64_t boottime_ns = 0;
  int64_t utc_ns = 0;
  friend bool operator==(const HealthTime&, const HealthTime&) = default;
};

// A state has changed: to be told, right after what led to it.
struct HealthTold {
  uint32_t key = 0;  // of the file system; 0: it has none now (gone)
  Notification notification;
};

class HealthBook {
 public:
  // Of more file systems than these nothing is kept: the longest unchanged that is not mounted is forgotten first.
  struct Options {
    uint64_t quiet_ns = 60'000'000'000;  // so long without an error ends an incident (the state stays)
    size_t max_mounted = 16384;          // mounted file systems, and those that were
    size_t max_user = 1024;              // those in user space
    size_t max_unmounted = 64;  // what is not mounted but errs: disks, mounts that were refused. They have no state
  };
  HealthBook() : HealthBook(Options{}) {}
  explicit HealthBook(Options options) : options_(options) {}

  // What was found of a file system when it was looked at for the first time under this key.
  struct Found {
    MountState mount = MountState::kWritable;
    std::optional<CounterReading> counters;
    bool is_fresh = false;     // it has been mounted since the last was known of it
    int64_t unseen_utc_s = 0;  // is_fresh: it was not mounted yet. Errors from that second on are told by themselves
    int64_t boot_utc_s = 0;    // when this boot began
  };
  // A key of a file system in the kernel is known from its Begin until its Forget; of one in user space from its first
  // notification on. What was known under another key, and is not mounted there any more, is the same file system if its uuid
  // is; of those without a block device, whose name is all that they have, also if type and device are.
  std::vector<HealthTold> Begin(uint32_t key, const FilesystemInfo& info, const Found& found, HealthTime now);
  std::vector<HealthTold> End(uint32_t key, HealthTime now);
  void Forget(uint32_t key);

  // A notification that has its number: gets its incident. `key` 0: of no single file system.
  std::vector<HealthTold> Add(uint32_t key, Notification& notification, HealthTime now);

  // Its own counters, read again: of all devices together.
  std::vector<HealthTold> Counted(uint32_t key, uint64_t errors, HealthTime now);
  std::vector<HealthTold> Remounted(uint32_t key, HealthTime now);
  // Of a scrub that has begun on, or has ended without an error of its own on, one of so many devices.
  void ScrubBegan(uint32_t key, uint64_t device);
  std::vector<HealthTold> ScrubEnded(uint32_t key, uint64_t device, size_t devices, HealthTime now);

  // The operator's word on what is mounted from this device, as the mount table numbers it. Nothing is told of what is well; empty:
  // it is not known.
  std::optional<std::vector<HealthTold>> ClearMounted(DeviceNumber dev, uint32_t uid, std::string_view reason,
                                                      HealthTime now);
  // The same of one that is known by this uuid, or by the name of its device; what is mounted comes first. Empty: none is.
  std::optional<std::vector<HealthTold>> ClearNamed(std::string_view name, uint32_t uid, std::string_view reason,
                                                    HealthTime now);

  HealthState StateOf(uint32_t key) const;  // kWell: nothing is known
  struct Incident {
    uint64_t first_seq = 0;
    HealthTime first;
    HealthTime last;
    uint64_t notifications = 0;
    uint64_t errors = 0;
    bool is_over = false;  // of an earlier boot: its boot time is none of this one
    friend bool operator==(const Incident&, const Incident&) = default;
  };
  // The last of a file system, over or not.
  std::optional<Incident> IncidentOf(uint32_t key) const;

  // For the next process. What is well, and has no more to remember, is left out.
  std::string Save(std::string_view boot_id) const;
  // In an empty book. False: these are no saved states, or of another version's; nothing is known then.
  bool Restore(Bytes bytes, std::string_view boot_id);
  // All that is mounted has Begun: what else was restored has gone meanwhile.
  std::vector<HealthTold> AllBegun(HealthTime now);

 private:
  enum class Class : uint8_t { kMounted, kUser, kUnmounted };
  static constexpr size_t kClasses = 3;

  struct Filesystem {
    FilesystemInfo info;
    Class what = Class::kMounted;
    HealthState state = HealthState::kWell;
    std::optional<int64_t> since_utc_ns;
    uint64_t errors = 0;                        // told since
    std::optional<uint64_t> counted;            // by itself, as last read
    bool has_counted_errors = false;            // told, of the kinds that one counter of all counts (ext4)
    uint64_t cleared_at = 0;                    // `counted` when the operator cleared it: so many are known
    std::set<std::string> damaged;              // structures that it has marked
    bool has_other_errors = false;              // than marked structures, or more of those than are kept
    std::set<uint64_t> scrubbing;               // devices whose scrub has begun
    std::set<uint64_t> scrubbed;                // and has ended without an error
    std::optional<Incident> incident;           // the last
    std::optional<DeviceNumber> failed_device;  // of the incident
    size_t keys = 0;                            // that are its
    bool is_mounted = false;
    bool is_restored = false;  // and has not begun since
    bool is_of_earlier_boot = false;
    uint64_t changed = 0;  // when, in the order of changes
  };
  struct Why {
    SourceSet sources = {};
    std::optional<uint64_t> incident = {};
    std::optional<uint32_t> uid = {};
    std::optional<std::string> reason = {};
  };

  Filesystem* Find(uint32_t key);
  const Filesystem* Find(uint32_t key) const;
  Filesystem* FindAgain(const FilesystemInfo& info);
  Filesystem* FindFor(const Notification& notification);
  Filesystem* FindNamed(std::string_view name);
  Filesystem* Make(const FilesystemInfo& info, Class what);
  Filesystem* FindMounted(DeviceNumber dev);
  void Attach(uint32_t key, Filesystem& filesystem);
  void DropIfForgotten(Filesystem* filesystem);
  bool DropOne(Class what);

  std::vector<HealthTold> Apply(uint32_t key, Filesystem& filesystem, HealthEvent event, HealthTime now, Why why);
  static HealthEvent EventOf(Filesystem& filesystem, const Notification& notification);
  static HealthEvent EventOf(Filesystem& filesystem, const Found& found);
  void Group(Filesystem& filesystem, HealthEvent event, Notification& notification, HealthTime now);
  const Incident* OpenOnDevice(const Filesystem& filesystem, const Notification& notification, HealthTime now) const;
  bool IsOpen(const std::optional<Incident>& incident, HealthTime now) const;
  std::vector<HealthTold> ClearOne(Filesystem& filesystem, uint32_t uid, std::string_view reason, HealthTime now);

  Options options_;
  std::list<Filesystem> filesystems_;
  std::map<uint32_t, Filesystem*> keys_;
  std::array<size_t, kClasses> counts_ = {};
  uint64_t changes_ = 0;
};

}  // namespace fsherald
