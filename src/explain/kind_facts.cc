// SPDX-License-Identifier: MIT
#include "explain/fact.h"

namespace fsherald {
namespace {

using Words = std::string_view[];

constexpr std::string_view kFindFirst =
    "find the first error: fsherald history; what follows it within a second mostly comes of it";
constexpr std::string_view kNeverOnMounted = "never run fsck or a repair on a file system that is mounted";

constexpr Words kMetadataCauses = {
    "a write that the device lost or put elsewhere, memory that flips bits, a fault of the kernel",
    "a device that cannot read the structure (then the errno is EIO, and device_error says at which sector)",
    "something else that wrote to the device",
};
constexpr Words kMetadataToDo = {
    kFindFirst,
    "save what is not saved elsewhere, unmount, look with the file system's own tool without changing anything, then "
    "repair",
};
constexpr Words kMetadataNever = {kNeverOnMounted, "do not go on writing to it: damage spreads to what is written"};

constexpr Words kDataReadCauses = {
    "sectors that cannot be read",
    "data that does not match its checksum (btrfs; others have none over file data, and give damaged data without a "
    "word)",
};
constexpr Words kDataReadToDo = {
    "restore the file from a backup, or save the rest of it: ddrescue, dd bs=4k conv=noerror,sync",
    "see to the device: more may be damaged than was read",
};
constexpr Words kDataReadNever = {
    "do not let a backup overwrite its last good copy with what can be read now",
};

constexpr Words kDataWriteCauses = {"the device failed, is full below (a thin pool), or is gone"};
constexpr Words kDataWriteToDo = {
    "the program was told: see what it made of it",
    "see to the device, then write again",
};
constexpr Words kDataWriteNever = {
    "do not take the rest of the file for whole: what was written together may be half there"};

constexpr Words kWritebackCauses = {
    "the device failed, is full below (a thin pool), or is gone",
    "no room or no quota when delayed allocation looked for it; a server that refused it (NFS)",
};
constexpr Words kWritebackToDo = {
    "copy the file elsewhere at once: as long as its pages are in memory, reading it may still give what was written",
    "restart programs that keep what they wrote (databases recover from their logs), or let them write it anew",
    "see to the device; then compare the file with its source, or restore it",
};
constexpr Words kWritebackNever = {
    "do not call fsync again and take its success for an answer: the pages are marked clean and are not written again; "
    "only "
    "the first fsync of each open file is told",
    "do not drop caches or reboot before the file is copied: memory may hold the only good copy",
    "do not rely on close(2) to have told of it: it does not wait for the disk",
};

constexpr Words kShutdownCauses = {
    "damage that was met while something was half changed, a log that could not be written, a device that is gone",
    "somebody asked for it (the errno is ESHUTDOWN, XFS gives the reason \"requested\")",
};
constexpr Words kShutdownToDo = {
    kFindFirst,
    "stop what uses it, unmount it, see to the device, mount it (the log is replayed), check it",
};
constexpr Words kShutdownNever = {
    "do not wait for it to come back: only unmounting and mounting ends it",
    "xfs_repair -L throws the log away: only if a mount cannot replay it",
};

constexpr Words kReadOnlyCauses = {
    "an error that it was told to stop at (ext4: errors=remount-ro), or that it cannot go on with (btrfs: an aborted "
    "transaction)",
};
constexpr Words kReadOnlyToDo = {
    kFindFirst,
    "save what is needed: it can be read; then unmount, check, mount",
};
constexpr Words kReadOnlyNever = {
    "do not force it writable (mount -o remount,rw): the damage is still there, and many refuse it",
    kNeverOnMounted,
};

constexpr Words kDeviceCauses = {
    "a medium that fails; a cable, a controller, a path, a power supply",
    "a device that is gone, or a layer below it (thin pool, RAID, network) that is in trouble",
};
constexpr Words kDeviceToDo = {
    "see what the device says of itself (smartctl -a DEVICE) and what lies below it (lsblk -s DEVICE)",
    "copy what is not saved elsewhere, first of all; with ddrescue where sectors fail",
    "replace what fails, then check the file system",
};
constexpr Words kDeviceNever = {
    "do not run a repair on a device that fails: repair a copy",
};

constexpr Words kCounterCauses = {
    "errors before fsherald watched, or while it did not run",
    "errors that have neither an event nor a line, or whose line the kernel's rate limit swallowed",
};
constexpr Words kCounterToDo = {
    "see the kernel's log of that time: journalctl -k",
    "take them as seriously as any other: check the file system",
};
constexpr Words kCounterNever = {
    "do not clear the counter before the file system is checked: it is the only trace of them",
};

constexpr Words kGapCauses = {
    "more reports than the memory that is kept for them holds (a flood), or a reader that is too slow",
    "the kernel itself had no memory for a report",
};
constexpr Words kGapToDo = {
    "see the counts around it: every error of the kind that a file system counts is still in error.count",
    "see the file systems themselves: fsherald status",
};
constexpr Words kGapNever = {"do not take the notifications around it for all there were"};

constexpr Words kHealthCauses = {
    "to a worse state: an error was told, or the file system has made itself read-only or shut itself down",
    "to a better one: it was repaired, scrubbed, mounted anew, or an operator has cleared it (fsherald clear)",
};
constexpr Words kHealthToDo = {
    "see what led to it: fsherald show ID of the incident that it names, and fsherald history",
    "see how it is now: fsherald status",
};
constexpr Words kHealthNever = {
    "do not clear a state that has not been repaired: that hides the next error among the old ones"};

constexpr Fact kMetadata{"The file system's own structures are damaged, or cannot be read or written.", kMetadataCauses,
                         kMetadataToDo, kMetadataNever};
constexpr Fact kDataRead{"A file's data could not be read; who read it was told.", kDataReadCauses, kDataReadToDo,
                         kDataReadNever};
constexpr Fact kDataWrite{"A file's data could not be written; who wrote it was told.", kDataWriteCauses,
                          kDataWriteToDo, kDataWriteNever};
constexpr Fact kWriteback{
    "Data that a program had written, and believed written, could not be put on the disk: it is lost, unless the "
    "program "
    "still has it. Only a program that calls fsync is told.",
    kWritebackCauses, kWritebackToDo, kWritebackNever};
constexpr Fact kShutdown{"The file system has shut itself down, or was shut down: it answers every request with EIO.",
                         kShutdownCauses, kShutdownToDo, kShutdownNever};
constexpr Fact kReadOnly{"The file system has made itself read-only.", kReadOnlyCauses, kReadOnlyToDo, kReadOnlyNever};
constexpr Fact kDevice{
    "The device below a file system failed a request. Whether a file suffers, depends on what lies there and on how "
    "often "
    "the file system tries again.",
    kDeviceCauses, kDeviceToDo, kDeviceNever};
constexpr Fact kCounter{"The file system's own counter shows errors that nobody has told of.", kCounterCauses,
                        kCounterToDo, kCounterNever};
constexpr Fact kGap{"Reports were lost, and counted: this is no error of a file system.", kGapCauses, kGapToDo,
                    kGapNever};

constexpr Fact kHealth{"The state of the file system has changed, by a rule; this is no error itself.", kHealthCauses,
                       kHealthToDo, kHealthNever};

constexpr Kind kKinds[] = {Kind::kMetadata, Kind::kDataRead, Kind::kDataWrite, Kind::kWriteback, Kind::kShutdown,
                           Kind::kReadOnly, Kind::kDevice,   Kind::kCounter,   Kind::kGap,       Kind::kHealth};

}  // namespace

const Fact& FactOf(Kind kind) {
  switch (kind) {
    case Kind::kMetadata: return kMetadata;
    case Kind::kDataRead: return kDataRead;
    case Kind::kDataWrite: return kDataWrite;
    case Kind::kWriteback: return kWriteback;
    case Kind::kShutdown: return kShutdown;
    case Kind::kReadOnly: return kReadOnly;
    case Kind::kDevice: return kDevice;
    case Kind::kCounter: return kCounter;
    case Kind::kGap: return kGap;
    case Kind::kHealth: return kHealth;
  }
  return kMetadata;
}

std::optional<Kind> ParseKind(std::string_view text) {
  for (const Kind kind : kKinds)
    if (Name(kind) == text) return kind;
  return std::nullopt;
}

std::string KindNames() {
  std::string names;
  for (const Kind kind : kKinds) names.append(names.empty() ? "" : ", ").append(Name(kind));
  return names;
}

}  // namespace fsherald
