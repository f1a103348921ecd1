// SPDX-License-Identifier: MIT
#include "filesystem/image_types.h"

#include <cerrno>

#include "filesystem/table_advice.h"

namespace fsherald {
namespace {

using Meaning = ErrorReport::Meaning;

// squashfs tells one damage in a chain of up to five lines, each of the function above the one before: what did not
// decompress (a read-ahead may have said so before), the block, the cache, then who wanted it. It names no device. Where a file's
// data goes straight into its pages (SQUASHFS_FILE_DIRECT, as Debian builds it), the chain ends with the block.
constexpr uint32_t kDecompressed = 1;
constexpr uint32_t kReadBlock = 2;
constexpr uint32_t kWanted = 8;

constexpr std::string_view kSquashfsPrefixes[] = {"SQUASHFS error: ", "squashfs: SQUASHFS error: "};
constexpr LineRow kSquashfsRows[] = {
    {.pattern = "{*} decompression failed", .topic = "decompression", .part = kDecompressed, .more = true},
    {.pattern = "{*} decompression error", .topic = "decompression", .part = kDecompressed, .more = true},
    {.pattern = "Failed to read block {block:x}: {errno}",
     .topic = "block #",
     .follows = true,
     .part = kReadBlock,
     .more = true},
    {.pattern = "Unable to read metadata cache entry [", .code = EIO, .topic = "cache", .follows = true, .more = true},
    {.pattern = "Unable to read {*} cache entry [",
     .kind = Kind::kDataRead,
     .code = EIO,
     .topic = "cache",
     .follows = true,
     .more = true},
    {.pattern = "Unable to read page, block {block:x}, size ",
     .kind = Kind::kDataRead,
     .code = EIO,
     .topic = "page",
     .follows = true,
     .part = kWanted},
    {.pattern = "Unable to read inode {inode_reference:x}",
     .code = EIO,
     .topic = "inode",
     .follows = true,
     .part = kWanted},
    {.pattern = "Unable to read directory block [{block:x}:",
     .code = EIO,
     .topic = "directory",
     .follows = true,
     .part = kWanted},
    {.pattern = "Unable to read symlink [{block:x}:",
     .code = EIO,
     .topic = "symlink",
     .follows = true,
     .part = kWanted},
    {.pattern = "Unable to read ", .topic = "other", .follows = true, .part = kWanted},
    {.pattern = "read_indexes: reading block [{block:x}:", .topic = "indexes", .follows = true, .part = kWanted},
    {.pattern = "Unknown inode type ", .code = EINVAL},
    {.pattern = "Root inode create failed", .meaning = Meaning::kAddition, .follows = true},
};
constexpr LineHead kSquashfsHeads[] = {{"SQUASHFS error: ", kSquashfsRows},
                                       {"squashfs: SQUASHFS error: ", kSquashfsRows}};
constexpr std::string_view kSquashfsFields[] = {"block", "inode_reference"};

// erofs reads compressed data ahead, and decompresses it in a worker: the reader then meets the same damage once more, and
// only then is the inode told.
constexpr std::string_view kErofsPrefixes[] = {"erofs (device ", "erofs: (device "};
constexpr LineRow kErofsRows[] = {
    {.pattern = "mounted with root inode", .meaning = Meaning::kMounted},
    {.pattern = "cannot find valid erofs superblock", .told = false},
    {.pattern = "{*}please upgrade kernel", .told = false},
    {.pattern = "{*}n't supported", .told = false},
    {.pattern = "{*}not supported", .told = false},
    {.pattern = "invalid checksum 0x", .code = EBADMSG},
    {.pattern = "cannot read erofs superblock", .kind = Kind::kDevice, .code = EIO},
    {.pattern = "rootino(nid {inode}) is not a directory"},
    {.pattern = "unsupported i_format {*} of nid {inode}", .code = EOPNOTSUPP, .topic = "nid #"},
    {.pattern = "unsupported datalayout {*} of nid {inode}", .code = EOPNOTSUPP, .topic = "nid #"},
    {.pattern = "bogus i_mode {*}@ nid {inode}", .code = EUCLEAN, .topic = "nid #"},
    {.pattern = "bogus dirent @ nid {inode}", .code = EUCLEAN, .topic = "nid #"},
    {.pattern = "invalid de[0].nameoff {*}@ nid {inode}", .code = EUCLEAN, .topic = "nid #"},
    {.pattern = "corrupted dir block {*}@ nid {inode}", .code = EUCLEAN, .topic = "nid #"},
    {.pattern = "fail to readdir of logical block {*} of nid {inode}", .topic = "nid #"},
    {.pattern = "failed to decompress ", .kind = Kind::kDataRead, .topic = "read", .more = true, .by_worker = true},
    {.pattern = "read error {errno} @ {page} of nid {inode}",
     .kind = Kind::kDataRead,
     .topic = "read",
     .follows = true,
     .part = 1},
    {.pattern = "failed to read, err [{errno}]", .kind = Kind::kDataRead, .topic = "read", .follows = true, .part = 1},
    {.pattern = "readahead error at {*} @ nid {inode}",
     .kind = Kind::kDataRead,
     .topic = "nid #",
     .more = true,
     .by_worker = true},
    {.pattern = "readmore error at {*} @ nid {inode}",
     .kind = Kind::kDataRead,
     .topic = "nid #",
     .more = true,
     .by_worker = true},
    {.pattern = "failed to get inode {*}(nid: {inode}) {*}err {errno}", .topic = "nid #"},
    {.pattern = "bogus lookback distance {*}nid {inode}", .code = EUCLEAN, .topic = "nid #", .more = true},
    {.pattern = "bogus {*}nid {inode}", .topic = "nid #", .more = true},
    {.pattern = "invalid {*}nid {inode}", .topic = "nid #", .more = true},
    {.pattern = "inconsistent {*}nid {inode}", .topic = "nid #", .more = true},
    {.pattern = "unknown {*}nid {inode}", .topic = "nid #", .more = true},
};
// The function stands in the line before Linux 6.9.
constexpr LineHead kErofsHeads[] = {{"erofs (device {device:s}): ", kErofsRows},
                                    {"erofs: (device {device:s}): {function:s}: ", kErofsRows},
                                    {"erofs: (device {device:s}): ", kErofsRows}};
constexpr std::string_view kErofsFields[] = {"inode", "page"};
constexpr std::string_view kErofsHelpers[] = {"_erofs_printk", "_erofs_err", "_erofs_info"};

// isofs has no way of its own to print; most of its lines name no device.
constexpr std::string_view kIso9660Prefixes[] = {
    "iso9660: ", "ISOFS: ", "isofs_fill_super: ", "rock: ", "Unable to read rock-ridge attributes"};
constexpr LineRow kIso9660Rows[] = {
    {.pattern = "Corrupted directory entry in block {block} of inode {inode}"},
    {.pattern = "unable to read i-node block", .kind = Kind::kDevice, .code = EIO},
};
constexpr LineRow kIso9660MountRows[] = {
    {.pattern = "root inode is not a directory", .code = EINVAL},
    {.pattern = "get root inode failed"},
    {.pattern = "bread failed, dev={device:s}, iso_blknum={block},", .kind = Kind::kDevice, .code = EIO},
};
constexpr LineRow kRockRidgeRows[] = {
    {.pattern = "directory entry would overflow storage", .topic = "rock ridge", .part = 1, .more = true},
    {.pattern = "sig=0x", .meaning = Meaning::kAddition, .follows = true},
    {.pattern = "corrupted directory entry. extent={block},"},
};
constexpr LineRow kRockRidgeReadRows[] = {{.pattern = "", .kind = Kind::kDevice, .code = EIO}};
constexpr LineHead kIso9660Heads[] = {{"iso9660: ", kIso9660Rows},
                                      {"ISOFS: ", kIso9660Rows},
                                      {"rock: ", kRockRidgeRows},
                                      {"Unable to read rock-ridge attributes", kRockRidgeReadRows},
                                      {"{function:s}: ", kIso9660MountRows}};
constexpr std::string_view kIso9660Fields[] = {"inode", "block"};

constexpr std::string_view kUdfPrefixes[] = {"UDF-fs: error (device ", "UDF-fs: warning (device "};
constexpr LineRow kUdfErrors[] = {
    {.pattern = "read failed, block={block},", .kind = Kind::kDevice, .code = EIO},
    {.pattern = "tag checksum failed, block {block}:"},
    {.pattern = "directory (ino {inode})"},
    {.pattern = "{*} directory (ino {inode})"},
    {.pattern = "(ino {inode}) failed"},
    {.pattern = "{*} inode {inode}"},
    {.pattern = "bitmap for partition {partition} corrupted (block {block}"},
    {.pattern = "unsupported ", .told = false},
    {.pattern = "minUDFReadRev=", .told = false},
    {.pattern = "Couldn't allocate ", .told = false},
    {.pattern = ""},
};
constexpr LineRow kUdfWarnings[] = {
    {.pattern = "IO error syncing udf inode [{inode:x}]", .kind = Kind::kWriteback, .code = EIO},
    {.pattern = "error reading from METADATA, trying to read from MIRROR", .kind = Kind::kDevice, .code = EIO},
};
constexpr LineHead kUdfHeads[] = {{"UDF-fs: error (device {device:s}): {function:s}: ", kUdfErrors},
                                  {"UDF-fs: warning (device {device:s}): {function:s}: ", kUdfWarnings}};
constexpr std::string_view kUdfFields[] = {"inode", "block", "partition"};
constexpr std::string_view kUdfHelpers[] = {"_udf_err", "_udf_warn"};

}  // namespace

const GeneralType kSquashfs{.type = "squashfs",
                            .prefixes = kSquashfsPrefixes,
                            .heads = kSquashfsHeads,
                            .fields = kSquashfsFields,
                            .advice = &kImageAdvice};
const GeneralType kErofs{.type = "erofs",
                         .prefixes = kErofsPrefixes,
                         .heads = kErofsHeads,
                         .fields = kErofsFields,
                         .helpers = kErofsHelpers,
                         .advice = &kImageAdvice};
const GeneralType kIso9660{.type = "iso9660",
                           .prefixes = kIso9660Prefixes,
                           .heads = kIso9660Heads,
                           .fields = kIso9660Fields,
                           .advice = &kImageAdvice};
const GeneralType kUdf{.type = "udf",
                       .prefixes = kUdfPrefixes,
                       .heads = kUdfHeads,
                       .fields = kUdfFields,
                       .helpers = kUdfHelpers,
                       .advice = &kImageAdvice};

}  // namespace fsherald
