// SPDX-License-Identifier: MIT
#include "filesystem/btrfs_advice.h"

#include <fmt/format.h>

#include <cerrno>

namespace fsherald {
namespace {

constexpr CodeNote kCodes[] = {
    {EUCLEAN,
     "a block of a tree is not valid: its checksum does not match; or (\"corrupt leaf\", \"corrupt node\") its "
     "checksum is "
     "right and its content impossible, which comes of memory that flips bits before the checksum is made: test the "
     "memory."},
    {EIO,
     "the device; or no copy of what was read matches its checksum: a reader of damaged data gets EIO. Where another "
     "copy "
     "is good (DUP, RAID1 and their like), it is taken, and the bad one is written anew."},
    {ENOENT,
     "of a transaction that was aborted: a record is not where another tree says it is. The trees contradict each "
     "other; "
     "no file is meant."},
    {EEXIST,
     "of a transaction that was aborted: a record is there already. The trees contradict each other; no file is "
     "meant."},
    {ENOSPC,
     "df may show room where all is allocated to chunks of the other kind: btrfs filesystem usage tells. An aborted "
     "transaction with it is no damage, but the file system is read-only until it is mounted anew."},
    {EROFS, "after an aborted transaction it stays read-only until it is unmounted: mount -o remount,rw is refused."},
};

// Linux, fs/btrfs.
constexpr FunctionNote kFunctions[] = {
    {"*validate_extent_buffer", "a block of a tree is damaged: its checksum, its place or its owner does not match"},
    {"*verify_parent_transid",
     "a block of a tree is older than who points to it says: a write was lost. A disk (or its cache) had said that it "
     "was "
     "written"},
    {"*check_leaf*", "a block of a tree has an impossible content; its checksum is right, so suspect the memory"},
    {"*btrfs_check_node", "a block of a tree has an impossible content; its checksum is right, so suspect the memory"},
    {"btrfs_data_csum_ok", "file data does not match its checksum"},
    {"btrfs_check_data_csum", "file data does not match its checksum"},
    {"*btrfs_free_extent",
     "the tree of extents contradicts the others: what is to be freed is not there as it must be"},
    {"lookup_inline_extent_backref", "the tree of extents contradicts the others: a reference is missing"},
    {"btrfs_run_delayed_refs", "the tree of extents could not be brought up to date"},
    {"write_all_supers", "the superblock could not be written to enough devices: what was to be committed is lost"},
    {"btrfs_commit_transaction", "a transaction could not be committed: the error just before it is the cause"},
    {"cleanup_transaction", "a transaction was aborted: the error just before it is the cause"},
    {"open_ctree", "the file system could not be mounted"},
    {"scrub_*", "scrub, which reads everything, found it"},
};

constexpr std::string_view kNever[] = {
    "btrfs check --repair is the last resort: only when everything is saved, and one who knows its output advises it",
    "never run btrfs check while it is mounted",
    "do not balance a file system that is damaged or full: it rewrites everything, and needs room for that",
};

std::vector<std::string> Steps(const Patient& patient, Patient::Trouble trouble) {
  std::vector<std::string> steps = {"btrfs device stats " + MountPointOf(patient)};
  const auto add = [&](std::vector<std::string> more) { steps.insert(steps.end(), more.begin(), more.end()); };
  if (trouble == Patient::Trouble::kErrors) {
    add({"btrfs scrub start -B " + MountPointOf(patient),
         "when all is repaired: btrfs device stats -z " + MountPointOf(patient)});
  } else {
    add({"save what is not saved elsewhere: it can still be read"});
    add(Unmounted(patient, {"btrfs check --readonly " + patient.node}));
  }
  return steps;
}

std::vector<std::string> Look(const Patient& patient, const Notification& notification) {
  std::vector<std::string> commands;
  const auto ask = [&](const std::string& request, const std::string& of) {
    commands.push_back(fmt::format("btrfs inspect-internal {} {}", request, of));
  };
  const auto& object = notification.object;
  const std::optional<uint64_t> inode = object && object->inode ? object->inode : NumberOf(notification, "inode");
  if (inode && !(object && object->path)) ask(fmt::format("inode-resolve {}", *inode), MountPointOf(patient));
  if (const auto logical = NumberOf(notification, "logical")) {
    if (notification.kind == Kind::kMetadata) ask(fmt::format("dump-tree -b {}", *logical), patient.node);
    else ask(fmt::format("logical-resolve {}", *logical), MountPointOf(patient));
  }
  return commands;
}

}  // namespace

const Advice kBtrfsAdvice{.codes = kCodes, .functions = kFunctions, .never = kNever, .steps = Steps, .look = Look};

}  // namespace fsherald
