// SPDX-License-Identifier: MIT
// Notification: one error report as a value. Everything that is not known is empty, never guessed.
// Renderings of it stand beside this file: json.h (one line of JSON) and text.h (a block for people).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fsherald {

// A block device's number. It is reused by the next mount: never an identity by itself.
struct DeviceNumber {
  uint32_t major = 0;
  uint32_t minor = 0;
  friend auto operator<=>(const DeviceNumber&, const DeviceNumber&) = default;
};

// What statfs(2) gives as f_fsid, and fanotify as the first half of a FID record.
struct Fsid {
  uint32_t word0 = 0;
  uint32_t word1 = 0;
  friend auto operator<=>(const Fsid&, const Fsid&) = default;
};

struct Uuid {
  std::array<uint8_t, 16> bytes{};
  friend auto operator<=>(const Uuid&, const Uuid&) = default;
};

// Which file system, as it was mounted when the error happened.
struct FilesystemInfo {
  std::string type;    // "ext4"; empty: not known
  std::string device;  // the kernel's own name of it in messages (s_id): "loop0", "dm-3"; empty: not known
  std::optional<DeviceNumber> dev;
  std::optional<Uuid> uuid;
  std::optional<Fsid> fsid;
  std::vector<std::string> mounts;  // mount points as this process sees them, raw bytes, the shortest first
  friend bool operator==(const FilesystemInfo&, const FilesystemInfo&) = default;
};

// The generic record.
struct ErrorInfo {
  std::optional<int> code;  // errno, positive
  uint64_t count = 1;       // how many errors this notification stands for
  friend bool operator==(const ErrorInfo&, const ErrorInfo&) = default;
};

// The location record: where in the kernel (or in a user-space file system) the error was reported.
struct Location {
  std::string function;
  std::optional<uint32_t> line;
  std::vector<std::string> stack;  // "function+0xoffset", innermost first, reporting helpers left out
  std::string file = {};           // "fs/xfs/xfs_fsops.c", where the report itself names it; empty: not known
  friend bool operator==(const Location&, const Location&) = default;
};

// The file-system-specific record: named values that the file system's own module (filesystem/) defines, then its words
// and bytes.
struct SpecificField {
  std::string name;
  std::variant<std::monostate, uint64_t, std::string> value;  // monostate: null
  friend bool operator==(const SpecificField&, const SpecificField&) = default;
};
struct Specific {
  std::string type;  // "ext4"
  std::vector<SpecificField> fields;
  std::optional<std::string> message;  // the file system's free text, raw bytes
  std::optional<std::string> blob;     // of a file system in user space: raw bytes in a format of its own
  friend bool operator==(const Specific&, const Specific&) = default;
};

// Which of the ways found the path (design: the object); or a file system in user space said it.
enum class PathSource { kHandle, kOpenFile, kWalk, kProducer, kIoctl };

struct ObjectInfo {
  std::optional<uint64_t> inode;  // empty: a file system in user space told the path alone
  std::optional<uint32_t> generation;
  std::optional<std::string> path;  // raw bytes, below a mount point; without one as the file system names its objects
  std::optional<PathSource> path_source;
  friend bool operator==(const ObjectInfo&, const ObjectInfo&) = default;
};

// A byte range of the file (or of the device, where there is no object).
struct Range {
  uint64_t offset_bytes = 0;
  std::optional<uint64_t> length_bytes;
  friend auto operator<=>(const Range&, const Range&) = default;
};

// What the device below reported, where that is the error, or what caused it.
struct DeviceError {
  enum class Operation { kUnknown, kRead, kWrite, kFlush, kDiscard };
  std::string device;               // the kernel's name of the block device: "sda", "loop0"
  std::optional<DeviceNumber> dev;  // of the same
  Operation operation = Operation::kUnknown;
  std::optional<uint64_t> sector;   // the first that failed, in units of 512 bytes from the device's start
  std::optional<uint64_t> sectors;  // how many, of 512 bytes
  std::optional<int> code;          // errno, positive
  uint64_t count = 1;               // requests that failed
  friend bool operator==(const DeviceError&, const DeviceError&) = default;
};

// The task in whose context the kernel reported; of a file system in user space the process that reported.
struct Task {
  std::optional<uint32_t> pid;  // thread group; 0 is the idle task; empty: only the log line's comm is known
  std::optional<uint32_t> tid;
  std::string comm;                   // raw bytes, up to 15
  std::optional<std::string> cgroup;  // path in the unified hierarchy
  friend bool operator==(const Task&, const Task&) = default;
};

enum class Kind {
  kMetadata,
  kDataRead,
  kDataWrite,
  kWriteback,
  kShutdown,
  kReadOnly,
  kDevice,
  kCounter,
  kGap,
  kHealth
};
enum class Origin { kKernel, kUser };
// kGroup: only of a gap, the subscriber's own ring was full. kMounts: the mount table, of a state alone.
// kHealth: a health monitor of the file system's own.
enum class SourceId { kFanotify, kTrace, kKmsg, kCounters, kProducer, kGroup, kMounts, kHealth };
inline constexpr int kSourceCount = 8;

// A set of sources.
class SourceSet {
 public:
  constexpr SourceSet() = default;
  constexpr SourceSet(SourceId id) : bits_(Bit(id)) {}  // NOLINT: implicit by intent
  constexpr bool Has(SourceId id) const { return (bits_ & Bit(id)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr SourceSet& Add(SourceSet other) {
    bits_ |= other.bits_;
    return *this;
  }
  constexpr SourceSet& Remove(SourceId id) {
    bits_ &= ~Bit(id);
    return *this;
  }
  friend constexpr bool operator==(SourceSet, SourceSet) = default;

 private:
  static constexpr unsigned Bit(SourceId id) { return 1U << static_cast<unsigned>(id); }
  unsigned bits_ = 0;
};

// A counted loss.
struct Gap {
  SourceId source = SourceId::kTrace;
  std::optional<uint64_t> count;  // empty: not known
  bool exact = true;              // false: at least `count`
  int64_t from_utc_ns = 0;
  int64_t to_utc_ns = 0;
  friend bool operator==(const Gap&, const Gap&) = default;
};

// The state of a file system. The worse, the later; kNotCovered is none of these.
enum class HealthState {
  kNotCovered,  // file systems of its type keep nothing that would tell an error: as much as can be known of it
  kWell,
  kPastErrors,  // of before this boot or this mounting, or of a time that is not kept; nothing says that they are repaired
  kErrors,      // errors since; or structures known to be damaged
  kReadOnly,  // it has made itself read-only
  kShutDown,
  kGone,     // it was not well, and is not mounted any more
  kUnknown,  // its type keeps something that would tell an error, and none of it could be read
};
inline constexpr int kHealthStateCount = 8;

// What has led from one state to another: how it is entered, then how it is left (docs/health.md).
enum class HealthRule {
  kErrors,
  kReadOnly,
  kShutdown,
  kGone,   // unmounted, or its server has ended
  kFound,  // it was so when it was looked at for the first time
  kRemounted,
  kCountersReset,  // its own counters have been set back: by fsck, or the device's statistics by hand
  kRepaired,       // it says itself that what was damaged is healthy
  kScrubbed,       // it has been read whole without an error
  kMountedAgain,
  kCleared,  // by the operator, who has said why
};
inline constexpr int kHealthRuleCount = 11;

struct HealthChange {
  HealthState from = HealthState::kWell;
  HealthState to = HealthState::kWell;
  HealthRule rule = HealthRule::kErrors;
  std::optional<int64_t> since_utc_ns;  // when `from` was entered; empty: it has never been anything else
  uint64_t errors = 0;                  // that were told while it was in `from`, corrected ones left out
  std::optional<uint32_t> uid;          // kCleared: by whom
  std::optional<std::string> reason;    // kCleared: raw bytes, up to kMaxReasonBytes
  friend bool operator==(const HealthChange&, const HealthChange&) = default;
};
inline constexpr size_t kMaxReasonBytes = 255;

struct Notification {
  uint64_t seq = 0;             // 1, 2, 3, ... in the order told; 0: not told yet, or a group's own gap
  uint64_t filesystem_seq = 0;  // the same among those of this file system; 0: not told yet, or of no single one
  int64_t utc_ns = 0;
  std::optional<uint64_t> boottime_ns;  // empty where only a wall-clock second is known (counters)
  FilesystemInfo filesystem;
  ErrorInfo error;
  std::optional<Location> location;
  std::optional<Specific> specific;
  std::optional<ObjectInfo> object;
  std::optional<Range> range;
  std::optional<DeviceError> device_error;
  std::optional<Task> task;
  Kind kind = Kind::kMetadata;
  Origin origin = Origin::kKernel;
  SourceSet sources;
  bool corrected = false;  // the file system has put right what was wrong: nothing is lost
  bool trusted = true;     // false: user space wrote the log line, nobody else has seen the error
  std::optional<Gap> gap;  // kind == kGap
  std::optional<uint64_t> incident = std::nullopt;  // seq of the first error of the incident that it belongs to, or is
  std::optional<HealthChange> health = std::nullopt;  // kind == kHealth
  friend bool operator==(const Notification&, const Notification&) = default;
};

// A structure that was damaged no longer is: told as all is, but no error.
inline bool IsHealthyAgain(const Notification& n) {
  return n.kind != Kind::kHealth && n.corrected && n.error.count == 0;
}

// How many errors it stands for: a gap and a change of health for none.
inline uint64_t ErrorCount(const Notification& n) {
  return n.kind == Kind::kGap || n.kind == Kind::kHealth ? 0 : n.error.count;
}

// What all notifications of one run of one machine share.
struct Host {
  std::string boot_id;         // /proc/sys/kernel/random/boot_id
  std::string kernel_release;  // uname -r
};

// The words of the JSON and of the messages: "metadata", "handle", "fanotify", ...
std::string_view Name(Kind kind);
std::string_view Name(PathSource source);
std::string_view Name(Origin origin);
std::string_view Name(SourceId source);
std::string_view Name(DeviceError::Operation operation);  // empty: unknown
std::string_view Name(HealthState state);
std::string_view Name(HealthRule rule);

std::string ToString(DeviceNumber dev);  // "7:0"
std::string ToString(Fsid fsid);         // "11eb8c2d:756d63ee"
std::string ToString(const Uuid& uuid);  // "8cd4a1e8-....": lower case, as blkid prints it
std::optional<Uuid> ParseUuid(std::string_view text);

}  // namespace fsherald
