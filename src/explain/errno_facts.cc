// SPDX-License-Identifier: MIT
// The errnos that file systems and the devices below them report. The block layer's are from Linux, block/blk-core.c,
// blk_errors[]; there each has the words that its log line begins with.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "explain/fact.h"

namespace fsherald {
namespace {

using Words = std::string_view[];

constexpr std::string_view kNeverOnMounted = "never run fsck or a repair on a file system that is mounted";
constexpr std::string_view kCopyFirst =
    "copy what is not saved elsewhere while it can still be read; where sectors fail, copy the whole device with "
    "ddrescue "
    "and repair the copy";
constexpr std::string_view kNeverRepairFailing =
    "do not run a repair on a device that fails: every access can make it worse, and the repair decides by what it "
    "cannot "
    "read";
constexpr std::string_view kNoFsyncAgain =
    "do not call fsync again and take its success for an answer: the failed pages are marked clean, and are not "
    "written again";
constexpr std::string_view kSeeDevice =
    "see what the device says of itself: smartctl -a DEVICE, nvme smart-log DEVICE; for md, dm, multipath: mdadm "
    "--detail, "
    "dmsetup status, multipath -ll";
constexpr std::string_view kSeeLog =
    "read the kernel's log around the first error (dmesg, journalctl -k): it names device and sector";

constexpr Words kIoCauses = {
    "a medium that fails, or sectors that cannot be read",
    "a cable, a controller, a power supply, a network or a path to the storage that drops out",
    "a device that is gone: unplugged, offline, an iSCSI or multipath device without a path",
    "a layer below that answers so: a thin pool that is full, a broken RAID, dm-error",
    "the file system itself: once it is shut down, or its journal is aborted, it answers requests with EIO",
};
constexpr Words kIoToDo = {kSeeLog, kSeeDevice, kCopyFirst,
                           "replace what fails, then check the file system, then restore the damaged files"};
constexpr Words kIoNever = {kNeverRepairFailing, kNoFsyncAgain};

constexpr Words kCleanCauses = {
    "a device or its cache that lost a write, or wrote it elsewhere, and said that it was done: a loss of power, "
    "firmware",
    "memory that flips bits",
    "a fault in the kernel's file system code",
    "something else that wrote to the device: a second machine that has it mounted, dd, a repair while it was mounted",
    "old damage that nothing has touched until now",
};
constexpr Words kCleanToDo = {
    "save what is not saved elsewhere: what can be read now may not be after the repair",
    "unmount it, and look at it with its own tool without changing it: e2fsck -fn, xfs_repair -n, btrfs check "
    "--readonly",
    "if that finds damage: make a copy of the device or of its metadata (e2image, xfs_metadump), then repair",
    "if it comes back: test the memory (memtest86+), the device (smartctl -t long), the cables",
};
constexpr Words kCleanNever = {
    kNeverOnMounted,
    "do not go on writing to it for days: damage spreads to what is written",
    "do not begin with the strongest option: xfs_repair -L throws the log away, btrfs check --repair is the last "
    "resort",
};

constexpr Words kChecksumCauses = {
    "bits that changed: on the medium, on the way, or in memory after the checksum was made",
    "a block that is older than it should be: a write that was lost, although the device said that it was done",
    "a write that was torn by a loss of power",
    "something else that wrote to the device",
};
constexpr Words kChecksumNever = {
    kNeverOnMounted,
    "do not switch the checksums off to be rid of the message: the damage stays, and nothing tells of the next",
};

constexpr Words kSpaceCauses = {
    "the file system is full: blocks, or inodes while there are blocks",
    "the device below is: a thin pool, a sparse image on a full file system, a snapshot's space. The file system does "
    "not see "
    "that",
    "btrfs has given all room to chunks of the other kind; XFS has no piece that is large enough for inodes",
};
constexpr Words kSpaceToDo = {
    "see both: df -h PATH and df -i PATH; of btrfs: btrfs filesystem usage PATH",
    "see what is below: lvs -a (Data% and Meta% of a thin pool), df of the file system that an image lies on",
    "a thin pool: extend it before anything else; then see whether the file system made itself read-only meanwhile",
};
constexpr Words kSpaceNever = {
    "do not run fsck because of it, nor on a thin pool that is still full: it must be able to write",
    "do not start a full btrfs balance on a full file system: it needs room itself; a few empty chunks do (-dusage=5)",
    "do not take data that was written before for safe: with delayed allocation the lack shows when it is written back",
};

constexpr Words kQuotaCauses = {
    "the quota of a user, a group, a project or a subvolume is used up; root's own writes can meet it too (project, "
    "qgroup)",
    "a server's quota (NFS): programs are told at fsync or close",
};
constexpr Words kQuotaToDo = {
    "see whose: quota -u USER, repquota -a, xfs_quota -x -c report PATH, btrfs qgroup show PATH",
    "raise the limit, or remove something; then write again what was refused",
};

constexpr Words kReadOnlyCauses = {
    "it was mounted read-only, or remounted so",
    "it made itself read-only after an error: an earlier one is the cause",
    "the device is write-protected: blockdev --getro DEVICE says 1 (a switch, a snapshot, a drive at the end of its "
    "life)",
};
constexpr Words kReadOnlyToDo = {
    "see which: fsherald status PATH, and fsherald history for the first error",
    "if it made itself so: save what is needed, unmount, check, mount",
};
constexpr Words kReadOnlyNever = {
    "do not force it writable (mount -o remount,rw) before it is checked: the damage is still there",
    kNeverOnMounted,
};

constexpr Words kShutdownCauses = {
    "it met an error that it could not go on with: damage while something was changed, a log that could not be "
    "written, a "
    "device that is gone",
    "somebody asked for it: xfs_io -x -c shutdown, mount -o remount,abort, an ioctl",
};
constexpr Words kShutdownToDo = {
    "find the first error: fsherald history, dmesg",
    "stop what uses it, unmount it, see to the device, mount it (its log is replayed), then check it",
};
constexpr Words kShutdownNever = {
    "do not wait for it to come back: only unmounting and mounting ends it",
    "do not take what was written shortly before for safe: look at it, or write it again",
};

constexpr Words kMediumCauses = {
    "sectors that the drive cannot read any more, or (rarely) cannot write",
    "of an extended attribute, to a program: that there is none; that is no error of the file system",
};
constexpr Words kMediumToDo = {
    kSeeDevice,
    "find the files: fsherald history names the file where it is certain whose the sector is",
    "of RAID: let it read everything and write anew from the other copies (echo check > /sys/block/mdX/md/sync_action; "
    "btrfs "
    "scrub start PATH)",
    "without RAID: restore the file from a backup; the sector is replaced by the drive when it is written",
    "replace a drive whose count of such sectors grows (smartctl: Current_Pending_Sector, Reallocated_Sector_Ct, Media "
    "errors)",
};
constexpr Words kMediumNever = {
    kNeverRepairFailing,
    "do not read the failing place again and again: the drive spends its strength on it",
};

constexpr Words kProtectionCauses = {
    "a block does not match its protection data: T10 PI (DIF/DIX), dm-integrity, dm-crypt with authentication",
    "bits that changed, a write that was lost, or a device that was written past that layer",
    "dm-integrity that was never written there, or whose journal was switched off before a loss of power",
};
constexpr Words kProtectionToDo = {
    kSeeLog,
    "of RAID above such a device: let it repair from the other copy",
    "else: restore what lies there; to write it anew makes it readable again",
};
constexpr Words kProtectionNever = {
    "do not bypass the protection (dm-integrity's recovery mode) but to save data: it gives damaged data for good"};

constexpr Words kTimeoutCauses = {
    "a device that does not answer in time: a drive that tries to read a bad sector for minutes, firmware that hangs, "
    "an "
    "overloaded array",
    "a network between: iSCSI, NVMe over fabrics, a network file system that is mounted soft",
};
constexpr Words kTimeoutToDo = {
    kSeeLog,
    kSeeDevice,
    "of drives in RAID: give up before the kernel does (smartctl -l scterc,70,70), or let the kernel wait longer "
    "(/sys/block/DEVICE/device/timeout)",
};
constexpr Words kTimeoutNever = {
    "do not mount soft (NFS) what is written to",
    kNoFsyncAgain,
};

constexpr Words kLinkCauses = {
    "the path to the device failed, not the device: a cable, a switch, an HBA, a target that restarts",
    "all paths of a multipath device at once",
};
constexpr Words kLinkToDo = {
    "see the paths: multipath -ll, iscsiadm -m session, nvme list-subsys",
    "when they are back: unmount, check, mount, if the file system made itself read-only meanwhile",
};
constexpr Words kLinkNever = {
    "do not replace a drive because of it alone",
    "do not run a repair while the paths come and go",
};

constexpr Words kTargetCauses = {
    "the device refused the command: it does not know it (discard, write zeroes), or it failed inside",
    "a write beyond its end, or to a device that is write-protected",
};
constexpr Words kTargetToDo = {
    "read the SCSI lines in the kernel's log just before: the sense key says which (Illegal Request, Hardware Error)",
    "Illegal Request for discard only: mount without discard; nothing is damaged",
    kSeeDevice,
};

constexpr Words kSupportCauses = {
    "a device that does not do what it was asked: discard, write zeroes, a flush, a barrier",
    "a file system or a layer below that lacks the operation (fallocate, reflink, direct I/O)",
};
constexpr Words kSupportToDo = {
    "see which request it was; of discard nothing is damaged: mount without discard, or use fstrim where it works",
    "of a write or a flush: the layers below do not fit together; see lsblk -s and the kernel's log",
};

constexpr Words kMemoryCauses = {
    "the machine, or the cgroup of the program, was out of memory",
    "a large allocation of the kernel that found no piece in one part",
};
constexpr Words kMemoryToDo = {
    "see the kernel's log for \"page allocation failure\" and \"Out of memory\", and memory.events of the cgroup",
    "if the file system made itself read-only or shut down thereupon: unmount and mount it; no damage is to be "
    "expected, but "
    "check it",
};
constexpr Words kMemoryNever = {"do not repair because of it alone"};

constexpr Words kGoneCauses = {
    "the device is gone: unplugged, removed by the bus, offline after too many errors, a session that was closed",
    "a request beyond its end: the file system is larger than the device (a partition or an image that was cut)",
};
constexpr Words kGoneToDo = {
    kSeeLog,
    "see whether it is there: lsblk, dmesg; and its size: blockdev --getsize64 DEVICE",
    "unmount what lay on it (umount -l if it must be), bring the device back, mount: it may have another name now",
};
constexpr Words kGoneNever = {
    "do not mount the returned device while the old mount still exists",
    "do not shrink a device below its file system; if that was done, give it back its size before any repair",
};

constexpr Words kReservationCauses = {
    "another machine holds a reservation of the device (SCSI persistent reservations): a cluster has fenced this one",
};
constexpr Words kReservationToDo = {
    "see who holds it: sg_persist -r DEVICE (sg3-utils), and what the cluster's manager says of this machine",
};
constexpr Words kReservationNever = {
    "do not clear the reservation before the other machine is certainly off: two that write destroy the file system",
};

constexpr Words kStaleCauses = {
    "a network file system: the file was removed at the server, or something else is exported in its place",
    "overlayfs: a lower directory was changed or moved",
};
constexpr Words kStaleToDo = {"open the file anew by its path; if that fails as well: unmount and mount"};

constexpr Words kInvalidCauses = {
    "at mounting: a superblock, or an option, that makes no sense to this kernel: damage, another type, a feature that "
    "is "
    "too new",
    "to a program: a wrong argument; that is no error of the file system",
};
constexpr Words kInvalidToDo = {
    "read the kernel's log: the line of the file system says what it did not like",
    "see what is on the device: blkid -p DEVICE, wipefs DEVICE (without options it only shows)",
};
constexpr Words kInvalidNever = {
    "do not make a new file system to get rid of the message: a superblock can be restored from a copy"};

constexpr Words kConnectionCauses = {
    "the process that serves the file system (FUSE) has ended, or its connection was aborted"};
constexpr Words kConnectionToDo = {
    "unmount it (fusermount3 -u PATH, or umount), see in its log why it ended, start it again",
};

constexpr Words kRecordCauses = {
    "trees of the file system that contradict each other: a write that was lost, memory that flips bits, a fault of "
    "the kernel",
    "to a program: that a file is (not) there; that is no error of the file system",
};

constexpr Words kTransientCauses = {
    "a request that was not allowed to wait, or a device that was busy: mostly it is tried again"};
constexpr Words kTransientToDo = {"nothing, if it does not come again; else look at the load and at the device"};

struct Row {
  int code;
  Fact fact;
};
constexpr Row kRows[] = {
    {EIO,
     {"The device below, or the way to it, could not read or write what was asked.", kIoCauses, kIoToDo, kIoNever}},
    {EUCLEAN,
     {"A structure of the file system on the disk is damaged: it was read, and does not hold what it must.",
      kCleanCauses, kCleanToDo, kCleanNever}},
    {EBADMSG,
     {"A checksum does not match: what was read from the disk is not what was written there.", kChecksumCauses,
      kCleanToDo, kChecksumNever}},
    {ENOSPC,
     {"There is no room. To a program that is an answer; as an error of the file system it means that something which "
      "had "
      "already been accepted found none.",
      kSpaceCauses, kSpaceToDo, kSpaceNever}},
    {EDQUOT,
     {"A quota is used up. Where it is met at write-back, data that had been accepted is lost.",
      kQuotaCauses,
      kQuotaToDo,
      {}}},
    {EROFS, {"The file system cannot be written to.", kReadOnlyCauses, kReadOnlyToDo, kReadOnlyNever}},
    {ESHUTDOWN,
     {"The file system has been shut down: it reads and writes nothing any more, in order to make nothing worse. "
      "Programs "
      "get EIO.",
      kShutdownCauses, kShutdownToDo, kShutdownNever}},
    {ENODATA,
     {"The medium could not give the sector (the block layer's \"critical medium error\").", kMediumCauses, kMediumToDo,
      kMediumNever}},
    {EILSEQ,
     {"A block does not match the protection data that a layer below keeps with it (the block layer's \"protection "
      "error\").",
      kProtectionCauses, kProtectionToDo, kProtectionNever}},
    {ETIMEDOUT, {"The device, or a server, did not answer in time.", kTimeoutCauses, kTimeoutToDo, kTimeoutNever}},
    {ETIME,
     {"The device gave the request up at the time limit that was set for it (command duration limits).", kTimeoutCauses,
      kTimeoutToDo, kTimeoutNever}},
    {ENOLINK,
     {"The path to the device failed (the block layer's \"recoverable transport error\").", kLinkCauses, kLinkToDo,
      kLinkNever}},
    {EREMOTEIO,
     {"The device itself refused the request (the block layer's \"critical target error\").",
      kTargetCauses,
      kTargetToDo,
      {}}},
    {EOPNOTSUPP, {"The device, or the file system, does not do what was asked.", kSupportCauses, kSupportToDo, {}}},
    {ENOMEM,
     {"The kernel had no memory for it. Nothing on the disk is wrong.", kMemoryCauses, kMemoryToDo, kMemoryNever}},
    {ENXIO, {"The device is not there, or ends before what was asked for.", kGoneCauses, kGoneToDo, kGoneNever}},
    {ENODEV,
     {"The device is not there any more (the block layer's \"device offline error\").", kGoneCauses, kGoneToDo,
      kGoneNever}},
    {EBADE,
     {"The device is reserved for another machine (the block layer's \"reservation conflict\" or \"critical nexus "
      "error\").",
      kReservationCauses, kReservationToDo, kReservationNever}},
    {ESTALE, {"What was open is not there any more, or is another now.", kStaleCauses, kStaleToDo, {}}},
    {EINVAL,
     {"What was asked, or found, makes no sense to the file system.", kInvalidCauses, kInvalidToDo, kInvalidNever}},
    {ENOTCONN, {"Nobody serves the file system.", kConnectionCauses, kConnectionToDo, {}}},
    {ECONNABORTED, {"Nobody serves the file system.", kConnectionCauses, kConnectionToDo, {}}},
    {ENOENT,
     {"A record that must be there is missing. (To a program: there is no such file.)", kRecordCauses, kCleanToDo,
      kCleanNever}},
    {EEXIST,
     {"A record is there already that must not be. (To a program: the file exists.)", kRecordCauses, kCleanToDo,
      kCleanNever}},
    {EAGAIN, {"It could not be done without waiting.", kTransientCauses, kTransientToDo, {}}},
    {EBUSY, {"The device, or what was asked for, was busy.", kTransientCauses, kTransientToDo, {}}},
};

// Linux, fs/ext4/ext4.h, fs/xfs/xfs_linux.h and others define their own names.
struct KernelName {
  std::string_view name;
  int code;
};
constexpr KernelName kKernelNames[] = {
    {"EFSCORRUPTED", EUCLEAN}, {"EFSBADCRC", EBADMSG}, {"ENOTSUP", EOPNOTSUPP}, {"EWOULDBLOCK", EAGAIN}};

constexpr int kLargestErrno = 4095;  // Linux, include/linux/err.h, MAX_ERRNO

bool IsSameWord(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) { return std::toupper(x) == std::toupper(y); });
}

}  // namespace

const Fact* FactOf(int code) {
  const auto row = std::ranges::find(kRows, code, &Row::code);
  return row == std::end(kRows) ? nullptr : &row->fact;
}

std::optional<int> ParseErrno(std::string_view text) {
  for (const KernelName& each : kKernelNames)
    if (IsSameWord(each.name, text)) return each.code;
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number = error == std::errc() && end == text.data() + text.size();
  if (is_number && number < 0) number = number < -kLargestErrno ? 0 : -number;
  for (int code = 1; code <= kLargestErrno; ++code) {
    const char* name = ::strerrorname_np(code);
    if (name != nullptr && (is_number ? code == number : IsSameWord(name, text))) return code;
  }
  return std::nullopt;
}

std::string ErrnoTitle(int code) {
  const char* name = ::strerrorname_np(code);
  if (name == nullptr) return fmt::format("errno {}", code);
  const char* words = ::strerrordesc_np(code);
  return fmt::format("{} ({}): {}", name, code, words != nullptr ? words : "no words for it");
}

std::string_view KernelNameOf(int code) {
  const auto name = std::ranges::find(kKernelNames, code, &KernelName::code);
  return name == std::end(kKernelNames) || !name->name.starts_with("EFS") ? std::string_view() : name->name;
}

}  // namespace fsherald
