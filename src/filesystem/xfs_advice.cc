// SPDX-License-Identifier: MIT
#include "filesystem/xfs_advice.h"

#include <fmt/format.h>

#include <cerrno>

namespace fsherald {
namespace {

constexpr CodeNote kCodes[] = {
    {EUCLEAN,
     "XFS answers the caller so; where a change was already half made, it shuts itself down instead of leaving it "
     "half."},
    {EBADMSG, "the checksum of a block of metadata does not match. XFS has no checksums of file data."},
    {EIO,
     "the device; or XFS is shut down, and answers everything so. By default it retries a metadata write that fails "
     "for "
     "ever (/sys/fs/xfs/DEVICE/error/metadata/EIO/max_retries)."},
    {ENOSPC,
     "from the device: a thin pool below is full. XFS retries its metadata writes for ever by default: extend the "
     "pool, "
     "and it goes on."},
    {ENODEV, "the device is gone: XFS does not retry its writes, and shuts itself down."},
    {ESHUTDOWN, "it was shut down, by itself or by somebody (xfs_io -x -c shutdown); programs get EIO."},
};

// Linux, fs/xfs. A verifier looks at each block of metadata after it is read and before it is written.
constexpr FunctionNote kFunctions[] = {
    {"xfs_*_write_verify",
     "a block of metadata was wrong in memory, just before it was to be written: the disk still has the old one. "
     "Suspect "
     "the memory, or a fault of the kernel, before the disk"},
    {"xfs_sb_*verify", "a superblock is damaged"},
    {"xfs_agf_*verify", "the header of an allocation group's free space (AGF) is damaged"},
    {"xfs_agi_*verify", "the header of an allocation group's inodes (AGI) is damaged"},
    {"xfs_agfl_*verify", "the free list of an allocation group (AGFL) is damaged"},
    {"xfs_allocbt_*verify", "a block of the trees of free space is damaged"},
    {"xfs_inobt_*verify", "a block of the tree of inodes is damaged"},
    {"xfs_rmapbt_*verify", "a block of the reverse map is damaged"},
    {"xfs_refcountbt_*verify", "a block of the tree of shared extents is damaged"},
    {"xfs_bmbt_*verify", "a block of a file's extent tree is damaged: where a part of its data lies is not known"},
    {"xfs_dir*verify", "a block of a directory is damaged"},
    {"xfs_da3_*verify", "a block of the index of a directory or of extended attributes is damaged"},
    {"xfs_attr*verify", "a block of extended attributes is damaged"},
    {"xfs_symlink_*verify", "the target of a symbolic link is damaged"},
    {"xfs_inode_buf_verify", "a block of inodes does not hold inodes"},
    {"xfs_dinode_verify*", "an inode is damaged"},
    {"xfs_iformat_*", "an inode is damaged"},
    {"*xfs_dir3_*", "a directory is damaged"},
    {"xfs_da_*", "the index of a directory or of extended attributes is damaged, or cannot be read"},
    {"xfs_bmap_*", "the map of a file is damaged: where a part of its data lies is not known"},
    {"xfs_alloc_read_ag*", "the header of an allocation group cannot be read"},
    {"xfs_alloc_*", "the trees of free space are damaged, or contradict each other"},
    {"xfs_free_ag_extent", "space is freed that is free already, or does not exist"},
    {"xfs_btree_*", "a pointer or a block of one of XFS's trees is damaged"},
    {"xfs_read_ag*", "the header of an allocation group cannot be read"},
    {"xfs_trans_read_buf_map", "metadata that a change needs cannot be read"},
    {"xfs_trans_cancel",
     "a change was given up when it was half made, so XFS shut itself down: the error just before it is the cause"},
    {"xfs_trans_mod_sb", "the counters of the superblock would become impossible"},
    {"xfs_defer_finish*", "a change in several steps could not be finished: the error just before it is the cause"},
    {"xfs_fs_reserve_ag_blocks", "space for the file system's own use could not be reserved in an allocation group"},
    {"xfs_fs_goingdown", "somebody shut the file system down (xfs_io -x -c shutdown, or an ioctl)"},
    {"xlog_recover*", "the log could not be replayed at mounting"},
    {"xlog_*", "the log could not be written: XFS cannot go on without it"},
    {"xfs_buf_ioend_handle_error", "metadata could not be written back"},
};

constexpr std::string_view kNever[] = {
    "never run xfs_repair while it is mounted",
    "xfs_repair -L throws the log away, and with it the last changes: only if the log cannot be replayed by a mount",
    "do not begin with xfs_repair without -n: it changes the disk at once, and there is no way back without a copy",
};

std::vector<std::string> Steps(const Patient& patient, Patient::Trouble /*trouble*/) {
  std::vector<std::string> steps = Unmounted(patient, {"xfs_repair -n " + patient.node});
  steps.push_back("if that finds damage: mount and unmount it once (the log is replayed), then xfs_repair " +
                  patient.node);
  return steps;
}

std::vector<std::string> Look(const Patient& patient, const Notification& notification) {
  std::vector<std::string> commands;
  const auto print = [&](const std::string& place) {
    commands.push_back(fmt::format("xfs_db -r -c '{}' -c print {}", place, patient.node));
  };
  const auto& object = notification.object;
  const std::optional<uint64_t> inode = object && object->inode ? object->inode : NumberOf(notification, "inode");
  if (inode) print(fmt::format("inode {}", *inode));
  if (inode && !(object && object->path))
    commands.push_back(fmt::format("find {} -xdev -inum {}", MountPointOf(patient), *inode));
  if (const auto daddr = NumberOf(notification, "daddr")) print(fmt::format("daddr {}", *daddr));
  return commands;
}

}  // namespace

const Advice kXfsAdvice{.codes = kCodes, .functions = kFunctions, .never = kNever, .steps = Steps, .look = Look};

}  // namespace fsherald
