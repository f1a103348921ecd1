// SPDX-License-Identifier: MIT
#include "filesystem/ext4_advice.h"

#include <fmt/format.h>

#include <cerrno>

namespace fsherald {
namespace {

constexpr CodeNote kCodes[] = {
    {EUCLEAN,
     "ext4 counts the error in its superblock; its option errors= says whether it then goes on, makes itself read-only "
     "or "
     "panics. With errors=continue programs go on writing over the damage."},
    {EBADMSG, "a checksum of metadata (metadata_csum) does not match. ext4 has no checksums of file data."},
    {EIO,
     "the device, or ext4 itself: once its journal is aborted, or it is shut down, it answers requests with EIO. The "
     "first error tells the cause."},
    {ENOSPC,
     "in \"Delayed block allocation failed\": data that had been accepted from a program found no room, and is lost."},
    {EROFS,
     "an aborted journal stays aborted until the file system is unmounted: mount -o remount,rw is refused. Unmount, "
     "e2fsck, mount."},
    {ESHUTDOWN, "it was shut down, or aborted (mount -o remount,abort); programs get EIO."},
    {ENOMEM,
     "an operation ran out of memory; nothing on the disk is damaged by that, but the journal may have been aborted."},
};

// Linux, fs/ext4.
constexpr FunctionNote kFunctions[] = {
    {"trigger_test_error", "the test of the error report by /sys/fs/ext4/DEVICE/trigger_fs_error: nothing is damaged"},
    {"ext4_lookup",
     "a name in a directory leads to an inode that is deleted, or that cannot exist: the directory and the inode "
     "contradict each other"},
    {"*ext4_iget",
     "an inode cannot be used as it stands on the disk: its checksum, its mode or its sizes are impossible"},
    {"*ext4_get_inode_loc*", "the block of the inode table that holds the inode cannot be read"},
    {"ext4_reserve_inode_write", "the inode's place in the inode table cannot be got for writing"},
    {"ext4_ext_check_inode",
     "the root of a file's extent tree, in the inode itself, is damaged: where its data lies is not known"},
    {"*ext4_ext_check", "a block of a file's extent tree is damaged: where a part of its data lies is not known"},
    {"ext4_find_extent", "a block of a file's extent tree is damaged: where a part of its data lies is not known"},
    {"*read_extent_tree_block", "a block of a file's extent tree cannot be read, or is damaged"},
    {"ext4_ext_*", "a file's extent tree is damaged: where a part of its data lies is not known"},
    {"ext4_alloc_file_blocks", "space for a file could not be allocated (fallocate)"},
    {"ext4_validate_block_bitmap",
     "the bitmap of a group's used blocks is damaged; ext4 takes no more space from this group until it is checked"},
    {"ext4_validate_inode_bitmap",
     "the bitmap of a group's used inodes is damaged; ext4 makes no more files in this group until it is checked"},
    {"ext4_read_block_bitmap*", "the bitmap of a group's used blocks cannot be read"},
    {"ext4_wait_block_bitmap", "the bitmap of a group's used blocks cannot be read"},
    {"ext4_read_inode_bitmap", "the bitmap of a group's used inodes cannot be read"},
    {"ext4_mb_generate_buddy", "a group's block bitmap and its descriptor disagree about how much is free"},
    {"mb_free_blocks", "blocks are freed that are free already: two files may have shared them"},
    {"ext4_free_inode", "an inode is freed that is free already"},
    {"ext4_mb_mark_diskspace_used", "the space that was found for a file belongs to the file system's own structures"},
    {"*ext4_new_inode", "a new file's inode could not be made: the inode bitmap or table of its group is damaged"},
    {"*ext4_find_entry", "a block of a directory is damaged"},
    {"htree_dirblock_to_tree", "a block of a directory is damaged: names in it cannot be listed"},
    {"*ext4_read_dirblock", "a block of a directory is damaged, or cannot be read"},
    {"ext4_readdir", "a block of a directory is damaged: names in it cannot be listed"},
    {"ext4_search_dir", "a block of a directory is damaged"},
    {"ext4_empty_dir", "a directory that is to be removed is damaged"},
    {"ext4_dx_*", "the index of a large directory is damaged"},
    {"dx_probe", "the index of a large directory is damaged"},
    {"ext4_xattr_*", "the extended attributes (access control lists among them) of a file are damaged"},
    {"ext4_journal_check_start",
     "the journal had been aborted before: an earlier error is the cause, this is what follows from it"},
    {"ext4_end_bio", "file data could not be written: what a program believes written is lost"},
    {"ext4_check_bdev_write_error", "metadata could not be written back: the device failed"},
    {"ext4_put_super", "at unmounting, what was left could not be written"},
    {"ext4_orphan_*", "the list of files that were deleted while open is damaged"},
    {"*ext4_remount", "somebody aborted the file system: mount -o remount,abort"},
    {"ext4_force_shutdown", "somebody shut the file system down (an ioctl)"},
    {"ext4_shutdown", "somebody shut the file system down (an ioctl)"},
};

constexpr std::string_view kNever[] = {
    "never run e2fsck while it is mounted, not even read-only (e2fsck -n then reports damage that is none): both have "
    "their own idea of the disk",
    "do not mount it with errors=continue to be left in peace: damage spreads with each write",
    "do not switch the checksums off (tune2fs -O ^metadata_csum): that hides the damage, and keeps it",
};

std::vector<std::string> Steps(const Patient& patient, Patient::Trouble /*trouble*/) {
  const std::string check = "e2fsck -f " + patient.node;
  if (patient.is_root) return {"boot once with fsck.mode=force, or from another system: " + check};
  return Unmounted(patient, {check});
}

std::vector<std::string> Look(const Patient& patient, const Notification& notification) {
  std::vector<std::string> commands;
  const auto debugfs = [&](const std::string& request) {
    commands.push_back(fmt::format("debugfs -R '{}' {}", request, patient.node));
  };
  const auto& object = notification.object;
  const std::optional<uint64_t> inode = object && object->inode ? object->inode : NumberOf(notification, "inode");
  if (inode) debugfs(fmt::format("stat <{}>", *inode));
  if (inode && !(object && object->path)) debugfs(fmt::format("ncheck {}", *inode));
  if (const auto block = NumberOf(notification, "block"); block && !inode) debugfs(fmt::format("icheck {}", *block));
  return commands;
}

}  // namespace

const Advice kExt4Advice{.codes = kCodes, .functions = kFunctions, .never = kNever, .steps = Steps, .look = Look};

}  // namespace fsherald
