// SPDX-License-Identifier: MIT
#include "filesystem/disk_types.h"

#include <unistd.h>

#include <cerrno>

#include "filesystem/table_advice.h"

namespace fsherald {
namespace {

using Meaning = ErrorReport::Meaning;

// f2fs prints inode numbers in decimal, but behind "ino=" in hexadecimal without "0x". EUCLEAN is its EFSCORRUPTED, EBADMSG
// its EFSBADCRC.
constexpr std::string_view kF2fsPrefixes[] = {"F2FS-fs ("};
constexpr LineRow kF2fsRows[] = {
    {.pattern = "Mounted with checkpoint version", .meaning = Meaning::kMounted},
    {.pattern = "Remounting filesystem read-only", .kind = Kind::kReadOnly, .code = EROFS},
    {.pattern = "Stopped filesystem due to reason: {reason}", .kind = Kind::kShutdown},
    {.pattern = "{function:s}: corrupted inode {*}ino={inode:x}", .code = EUCLEAN},
    {.pattern = "{function:s}: corrupted inline inode ino={inode:x}"},
    {.pattern = "{function:s}: inode (ino={inode:x}", .code = EUCLEAN},
    {.pattern = "{function:s}: inode ino={inode:x} has corrupted"},
    {.pattern = "{function:s}: corrupted namelen="},
    {.pattern = "checksum invalid, nid = {node}, ino_of_node = {inode:x},", .code = EBADMSG},
    {.pattern = "checksum invalid, nid = {inode},", .kind = Kind::kDataRead},
    {.pattern = "access invalid blkaddr:{block}"},
    {.pattern = "invalid blkaddr: {block},"},
    {.pattern = "inconsistent node block, nid:{node},"},
    {.pattern = "inode mapping table is corrupted, run fsck to fix it, ino:{inode}, nid:{node},", .code = EUCLEAN},
    {.pattern = "nat entry is corrupted, run fsck to fix it, ino:{inode}, nid:{node},", .code = EUCLEAN},
    {.pattern = "inaccessible inode: {inode},"},
    {.pattern = "set inode ({inode}) has corrupted xattr", .code = EUCLEAN},
    {.pattern = "lookup inode ({inode}) has corrupted xattr", .code = EUCLEAN},
    {.pattern = "list inode ({inode}) has corrupted xattr"},
    {.pattern = "inode ({inode}) has invalid last xattr entry"},
    {.pattern = "invalid namelen(0), ino:{inode},"},
    {.pattern = "Inconsistent error blkaddr:{block},"},
    {.pattern = "Inconsistent segment ({segment})"},
    {.pattern = "Inconsistent {*}ino:{inode}"},
    {.pattern = "{*}inconsistent {*}ino:{inode}"},
    {.pattern = "SIT is corrupted ", .code = EUCLEAN},
    {.pattern = "NAT is corrupt"},
    {.pattern = "Corrupted nid {node} in free_nid_list"},
    {.pattern = "Invalid SB checksum value"},
    {.pattern = "Corrupted "},
    {.pattern = "quota {*}may be corrupted"},
    {.pattern = "{*}run fsck"},
};
constexpr LineHead kF2fsHeads[] = {{"F2FS-fs ({device:s}): ", kF2fsRows}};
constexpr std::string_view kF2fsFields[] = {"inode", "node", "block", "segment", "reason"};
constexpr std::string_view kF2fsHelpers[] = {"f2fs_printk"};

// The kernel says by itself whether this f2fs reports to fanotify (I/O: one file of sysfs; from Linux 7.1).
bool F2fsSendsFanotify(std::string_view) { return ::access("/sys/fs/f2fs/features/fserror", F_OK) == 0; }

// FAT (fs/fat/misc.c, __fat_fs_error) and exFAT say "error, " of what they find damaged, and then, as errors= wants it, that
// they are read-only from now on. i_pos is the position of a directory entry: FAT has no inodes.
constexpr std::string_view kFatPrefixes[] = {"FAT-fs ("};
constexpr LineRow kFatErrors[] = {
    {.pattern = "{function:s}: invalid cluster chain (i_pos {i_pos})", .code = EIO},
    {.pattern = "{function:s}: detected the cluster chain loop (i_pos {i_pos})", .code = EIO},
    {.pattern = "{function:s}: request beyond EOF (i_pos {i_pos})", .code = EIO},
    {.pattern = "{function:s}: invalid start cluster (i_pos {i_pos}, start {cluster:x})", .code = EIO},
    {.pattern = "{function:s}: deleting FAT entry beyond EOF", .code = EIO},
    {.pattern = "invalid access to FAT (entry {cluster:x})", .code = EIO},
    {.pattern = "corrupted directory (invalid ", .code = EIO},
    {.pattern = "{*}(i_pos {i_pos}"},
    {.pattern = ""},
};
constexpr LineRow kFatRows[] = {
    {.pattern = "Filesystem has been set read-only", .kind = Kind::kReadOnly, .code = EROFS},
    {.pattern = "FAT read failed (blocknr {block})", .kind = Kind::kDevice, .code = EIO},
    {.pattern = "Directory bread(block {block}) failed", .kind = Kind::kDevice, .code = EIO},
    {.pattern = "unable to read inode block for updating (i_pos {i_pos})", .kind = Kind::kDevice, .code = EIO},
    {.pattern = "unable to read block({block}) for building NFS inode", .kind = Kind::kDevice, .code = EIO},
    {.pattern = "unable to read ", .kind = Kind::kDevice, .code = EIO},
    {.pattern = "bread failed", .kind = Kind::kDevice, .code = EIO},
    {.pattern = "clusters badly computed"},
    {.pattern = "Failed to update on disk inode", .kind = Kind::kWriteback},
};
constexpr LineHead kFatHeads[] = {{"FAT-fs ({device:s}): error, ", kFatErrors}, {"FAT-fs ({device:s}): ", kFatRows}};
constexpr std::string_view kFatFields[] = {"i_pos", "cluster", "block"};
constexpr std::string_view kFatHelpers[] = {"_fat_msg", "__fat_fs_error"};

constexpr std::string_view kExfatPrefixes[] = {"exFAT-fs ("};
constexpr LineRow kExfatErrors[] = {
    {.pattern = "invalid access to FAT {*}(entry {cluster:x})", .code = EIO},
    {.pattern = "failed to access to FAT (entry {cluster:x}, err:{errno})", .kind = Kind::kDevice},
    {.pattern = "found bogus dentry({*}) {*}(start_clu : {cluster},"},
    {.pattern = "invalid dentry access beyond EOF (clu : {cluster},"},
    {.pattern = ""},
};
constexpr LineRow kExfatRows[] = {
    {.pattern = "Filesystem has been set read-only", .kind = Kind::kReadOnly, .code = EROFS},
    {.pattern = "invalid start cluster ({cluster})"},
    {.pattern = "start_clu is invalid cluster({cluster:x})"},
    {.pattern = "Invalid boot checksum ", .topic = "boot region", .part = 1, .more = true},
    {.pattern = "Invalid exboot-signature", .topic = "boot region", .part = 1, .more = true},
    {.pattern = "invalid boot region", .topic = "boot region", .follows = true, .part = 2, .more = true},
    {.pattern = "failed to load upcase table (idx", .topic = "upcase table", .part = 1, .more = true},
    {.pattern = "failed to load upcase table", .topic = "upcase table", .part = 2, .more = true},
    {.pattern = "failed to load alloc-bitmap", .topic = "bitmap", .more = true},
    {.pattern = "failed to scan clusters", .topic = "clusters", .more = true},
    {.pattern = "failed to count the number of clusters in root", .topic = "root", .more = true},
    {.pattern = "failed to recognize exfat type", .meaning = Meaning::kAddition, .follows = true},
    {.pattern = "failed to initialize root inode", .meaning = Meaning::kAddition, .follows = true},
    {.pattern = "failed to read sector(", .kind = Kind::kDevice, .code = EIO},
    {.pattern = "unable to read boot sector", .kind = Kind::kDevice, .code = EIO},
    {.pattern = "failed to read boot sector", .kind = Kind::kDevice, .code = EIO},
    {.pattern = "abnormal access to deleted "},
};
constexpr LineHead kExfatHeads[] = {{"exFAT-fs ({device:s}): error, ", kExfatErrors},
                                    {"exFAT-fs ({device:s}): ", kExfatRows}};
constexpr std::string_view kExfatFields[] = {"cluster"};
constexpr std::string_view kExfatHelpers[] = {"__exfat_fs_error", "exfat_msg"};

// ntfs3 (fs/ntfs3/super.c) prints an inode's number in hexadecimal without "0x". The head changed with Linux 6.8.
constexpr std::string_view kNtfs3Prefixes[] = {"ntfs3: ", "ntfs3("};
constexpr LineRow kNtfs3InodeRows[] = {
    {.pattern = "{*} Correct links count -> ", .corrected = true},
    {.pattern = ""},
};
constexpr LineRow kNtfs3Rows[] = {
    {.pattern = "RAW NTFS volume: ", .kind = Kind::kReadOnly},
    {.pattern = "Failed to load "},
    {.pattern = "failed to replay log file"},
};
constexpr LineHead kNtfs3Heads[] = {{"ntfs3: {device:s}: ino={inode:x},", kNtfs3InodeRows},
                                    {"ntfs3({device:s}): ino={inode:x},", kNtfs3InodeRows},
                                    {"ntfs3: {device:s}: ", kNtfs3Rows},
                                    {"ntfs3({device:s}): ", kNtfs3Rows}};
constexpr std::string_view kNtfs3Fields[] = {"inode"};
constexpr std::string_view kNtfs3Helpers[] = {"ntfs_printk", "ntfs_inode_printk"};

}  // namespace

const GeneralType kF2fs{.type = "f2fs",
                        .prefixes = kF2fsPrefixes,
                        .heads = kF2fsHeads,
                        .fields = kF2fsFields,
                        .helpers = kF2fsHelpers,
                        .sends_fanotify = F2fsSendsFanotify,
                        .advice = &kF2fsAdvice};
const GeneralType kVfat{.type = "vfat",
                        .prefixes = kFatPrefixes,
                        .heads = kFatHeads,
                        .fields = kFatFields,
                        .helpers = kFatHelpers,
                        .advice = &kVfatAdvice};
const GeneralType kExfat{.type = "exfat",
                         .prefixes = kExfatPrefixes,
                         .heads = kExfatHeads,
                         .fields = kExfatFields,
                         .helpers = kExfatHelpers,
                         .advice = &kExfatAdvice};
const GeneralType kNtfs3{.type = "ntfs3",
                         .prefixes = kNtfs3Prefixes,
                         .heads = kNtfs3Heads,
                         .fields = kNtfs3Fields,
                         .helpers = kNtfs3Helpers,
                         .advice = &kNtfs3Advice};

}  // namespace fsherald
