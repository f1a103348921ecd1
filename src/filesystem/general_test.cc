// SPDX-License-Identifier: MIT
// Every line of tests/fixtures/lines, and what it says.
#include "filesystem/general.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace fsherald {
namespace {

using Meaning = ErrorReport::Meaning;

std::string Words(const SpecificField& field) {
  if (auto* number = std::get_if<uint64_t>(&field.value)) return fmt::format(" {}={}", field.name, *number);
  if (auto* text = std::get_if<std::string>(&field.value)) return fmt::format(" {}={}", field.name, *text);
  return "";
}

// All that was made of a line, but for its message: "erofs loop1 metadata 117 inode=54".
std::string Understood(std::string_view line) {
  const std::optional<ParsedLog> parsed = ParseLog(line);
  if (!parsed) return "-";
  const ErrorReport& report = parsed->report;
  std::string words = parsed->module == nullptr ? "any" : std::string(parsed->module->type);
  words += fmt::format(" {}", report.device.empty() ? "?" : report.device);
  if (report.meaning == Meaning::kMounted) return words + " mounted";
  if (report.meaning == Meaning::kLost) return fmt::format("{} lost {}", words, report.count);
  words += fmt::format(" {}", Name(report.kind));
  if (report.code) words += fmt::format(" {}", *report.code);
  if (!report.function.empty()) words += " in " + report.function;
  if (report.meaning == Meaning::kAddition) words += " addition";
  if (report.corrected) words += report.count == 0 ? " healthy" : " corrected";
  if (parsed->module == nullptr) return words;
  for (const SpecificField& field : parsed->module->specific(report).fields) words += Words(field);
  return words;
}

struct LineCase {
  const char* file;
  const char* line;
  const char* understood;
};
const std::vector<LineCase>& Cases();

class EveryLine : public testing::TestWithParam<LineCase> {};

TEST_P(EveryLine, SaysWhatItSays) { EXPECT_EQ(Understood(GetParam().line), GetParam().understood) << GetParam().line; }

INSTANTIATE_TEST_SUITE_P(Fixtures, EveryLine, testing::ValuesIn(Cases()));

TEST(EveryLine, OfTheFixturesIsTested) {
  std::map<std::string, std::set<std::string>> tested;
  for (const LineCase& one : Cases()) tested[one.file].insert(one.line);
  for (const auto& [file, lines] : tested) {
    std::ifstream fixture(fmt::format("{}/lines/{}.txt", FSHERALD_FIXTURES, file));
    std::set<std::string> written;
    for (std::string line; std::getline(fixture, line);) written.insert(line);
    EXPECT_EQ(written, lines) << file;
  }
}

TEST(GeneralModule, ATypeWithoutAModuleHasIt) {
  EXPECT_EQ(ModuleOf("no such file system").type, "");
  EXPECT_EQ(ModuleOf("ext4").type, "ext4");
}

const std::vector<LineCase>& Cases() {
  static const std::vector<LineCase> kCases = {
      {"erofs", "erofs (device loop1): bogus i_mode (0) @ nid 54", "erofs loop1 metadata 117 inode=54"},
      {"erofs", "erofs (device loop1): unsupported i_format 255 of nid 54", "erofs loop1 metadata 95 inode=54"},
      {"erofs", "erofs (device loop1): invalid de[0].nameoff 65520 @ nid 46", "erofs loop1 metadata 117 inode=46"},
      {"erofs", "erofs (device loop1): failed to decompress -157 in[4096, 0] out[4833]", "erofs loop1 data_read"},
      {"erofs", "erofs (device loop1): read error -117 @ 1 of nid 44", "erofs loop1 data_read 117 inode=44 page=1"},
      {"erofs", "erofs (device loop1): readahead error at folio 0 @ nid 54", "erofs loop1 data_read inode=54"},
      {"erofs", "erofs (device loop1): bogus lookback distance 1 @ lcn 0 of nid 54",
       "erofs loop1 metadata 117 inode=54"},
      {"erofs", "erofs (device loop1): invalid checksum 0x38e134c4, 0x5654c78f expected", "erofs loop1 metadata 74"},
      {"erofs", "erofs (device loop1): cannot read erofs superblock", "erofs loop1 device 5"},
      {"erofs", "erofs (device loop1): cannot find valid erofs superblock", "-"},
      {"erofs", "erofs (device loop1): unidentified incompatible feature 80000000, please upgrade kernel", "-"},
      {"erofs", "erofs (device loop1): mounted with root inode @ nid 36.", "erofs loop1 mounted"},
      {"erofs", "erofs: (device loop1): z_erofs_lz4_decompress_mem: failed to decompress -157 in[4096, 0] out[4833]",
       "erofs loop1 data_read in z_erofs_lz4_decompress_mem"},
      {"erofs", "erofs: (device loop1): erofs_read_inode: bogus i_mode (0) @ nid 54",
       "erofs loop1 metadata 117 in erofs_read_inode inode=54"},
      {"erofs", "erofs: (device loop1): find_target_dirent: bogus dirent @ nid 46",
       "erofs loop1 metadata 117 in find_target_dirent inode=46"},
      {"exfat", "exFAT-fs (sdb1): error, invalid access to FAT (entry 0xffffffff)",
       "exfat sdb1 metadata 5 cluster=4294967295"},
      {"exfat", "exFAT-fs (sdb1): error, invalid access to FAT free cluster (entry 0x00000005)",
       "exfat sdb1 metadata 5 cluster=5"},
      {"exfat", "exFAT-fs (sdb1): error, invalid access to FAT bad cluster (entry 0x00000005)",
       "exfat sdb1 metadata 5 cluster=5"},
      {"exfat", "exFAT-fs (sdb1): error, failed to access to FAT (entry 0x00000005, err:-5)",
       "exfat sdb1 device 5 cluster=5"},
      {"exfat", "exFAT-fs (sdb1): error, invalid cluster chain (i_pos 5, last_clus 0x00000006 is EOF)",
       "exfat sdb1 metadata"},
      {"exfat",
       "exFAT-fs (sdb1): error, found bogus dentry(3) beyond unused empty group(2) (start_clu : 5, cur_clu : 5)",
       "exfat sdb1 metadata cluster=5"},
      {"exfat", "exFAT-fs (sdb1): error, invalid dentry access beyond EOF (clu : 5, eidx : 77)",
       "exfat sdb1 metadata cluster=5"},
      {"exfat", "exFAT-fs (sdb1): error, bogus directory size (clus : ondisk(2) != counted(1))", "exfat sdb1 metadata"},
      {"exfat", "exFAT-fs (sdb1): Filesystem has been set read-only", "exfat sdb1 read_only 30"},
      {"exfat", "exFAT-fs (sdb1): invalid start cluster (1)", "exfat sdb1 metadata cluster=1"},
      {"exfat", "exFAT-fs (sdb1): Invalid boot checksum (boot checksum : 0xdeadbeef, checksum : 0x0badf00d)",
       "exfat sdb1 metadata"},
      {"exfat", "exFAT-fs (sdb1): invalid boot region", "exfat sdb1 metadata"},
      {"exfat", "exFAT-fs (sdb1): failed to recognize exfat type", "exfat sdb1 metadata addition"},
      {"exfat", "exFAT-fs (sdb1): Volume was not properly unmounted. Some data may be corrupt. Please run fsck.", "-"},
      {"exfat", "exFAT-fs (sdb1): Medium has reported failures. Some data may be lost.", "-"},
      {"ext4_refused", "EXT4-fs (loop1): VFS: Found ext4 filesystem with invalid superblock checksum.  Run e2fsck?",
       "ext4 loop1 metadata 74"},
      {"ext4_refused",
       "EXT4-fs (loop1): ext4_check_descriptors: Block bitmap for group 0 not in group (block 2147483647)!",
       "ext4 loop1 metadata 117 in ext4_check_descriptors group=0"},
      {"ext4_refused", "EXT4-fs (loop1): group descriptors corrupted!", "ext4 loop1 metadata addition"},
      {"ext4_refused", "EXT4-fs (loop1): no journal found", "-"},
      {"ext4_refused", "EXT4-fs (loop1): Could not load journal inode", "ext4 loop1 metadata 22"},
      {"ext4_refused", "EXT4-fs (loop1): get root inode failed", "-"},
      {"ext4_refused", "EXT4-fs (loop1): mount failed", "-"},
      {"ext4_refused", "EXT4-fs (loop1): bad geometry: block count 16384 exceeds size of device (5120 blocks)",
       "ext4 loop1 metadata 22"},
      {"ext4_refused", "EXT4-fs (loop1): unable to read superblock", "ext4 loop1 device 5"},
      {"ext4_refused", "EXT4-fs (loop1): VFS: Can't find ext4 filesystem", "-"},
      {"ext4_refused", "EXT4-fs (loop1): Couldn't mount because of unsupported optional features (80000000)", "-"},
      {"f2fs", "F2FS-fs (sdb1): sanity_check_inode: corrupted inode i_blocks i_ino=3e9 iblocks=0, run fsck to fix.",
       "f2fs sdb1 metadata 117 in sanity_check_inode inode=1001"},
      {"f2fs",
       "F2FS-fs (sdb1): sanity_check_inode: corrupted inode footer i_ino=3e9, ino,nid: [1001, 1002] run fsck to fix.",
       "f2fs sdb1 metadata 117 in sanity_check_inode inode=1001"},
      {"f2fs", "F2FS-fs (sdb1): checksum invalid, nid = 1001, ino_of_node = 3e9, 5f3c2a10 vs. 1b2c3d4e",
       "f2fs sdb1 metadata 74 inode=1001 node=1001"},
      {"f2fs", "F2FS-fs (sdb1): access invalid blkaddr:4294967040", "f2fs sdb1 metadata block=4294967040"},
      {"f2fs", "F2FS-fs (sdb1): Inconsistent error blkaddr:20480, sit bitmap:0", "f2fs sdb1 metadata block=20480"},
      {"f2fs", "F2FS-fs (sdb1): inconsistent node block, nid:1001, node_footer[nid:0,ino:0,ofs:0,cpver:0,blkaddr:0]",
       "f2fs sdb1 metadata node=1001"},
      {"f2fs",
       "F2FS-fs (sdb1): inode mapping table is corrupted, run fsck to fix it, ino:1001, nid:0, level:1, offset:0",
       "f2fs sdb1 metadata 117 inode=1001 node=0"},
      {"f2fs", "F2FS-fs (sdb1): Inconsistent segment (12) type [1, 0] in SSA and SIT", "f2fs sdb1 metadata segment=12"},
      {"f2fs", "F2FS-fs (sdb1): inaccessible inode: 1001, run fsck to repair", "f2fs sdb1 metadata inode=1001"},
      {"f2fs", "F2FS-fs (sdb1): set inode (1001) has corrupted xattr", "f2fs sdb1 metadata 117 inode=1001"},
      {"f2fs", "F2FS-fs (sdb1): invalid namelen(0), ino:1001, run fsck to fix.", "f2fs sdb1 metadata inode=1001"},
      {"f2fs", "F2FS-fs (sdb1): Inconsistent i_blocks, ino:1001, iblocks:0, sectors:8",
       "f2fs sdb1 metadata inode=1001"},
      {"f2fs", "F2FS-fs (sdb1): NAT is corrupt, run fsck to fix it", "f2fs sdb1 metadata"},
      {"f2fs", "F2FS-fs (sdb1): Invalid SB checksum value: 3735928559", "f2fs sdb1 metadata"},
      {"f2fs", "F2FS-fs (sdb1): SIT is corrupted data# 1 2 vs 3", "f2fs sdb1 metadata 117"},
      {"fat", "FAT-fs (sdb1): error, fat_get_cluster: invalid cluster chain (i_pos 0)",
       "vfat sdb1 metadata 5 in fat_get_cluster i_pos=0"},
      {"fat", "FAT-fs (sdb1): error, fat_get_cluster: detected the cluster chain loop (i_pos 4242)",
       "vfat sdb1 metadata 5 in fat_get_cluster i_pos=4242"},
      {"fat", "FAT-fs (sdb1): error, fat_get_cluster: invalid start cluster (i_pos 4242, start 00000001)",
       "vfat sdb1 metadata 5 in fat_get_cluster i_pos=4242 cluster=1"},
      {"fat", "FAT-fs (sdb1): error, invalid access to FAT (entry 0x0fffffff)",
       "vfat sdb1 metadata 5 cluster=268435455"},
      {"fat", "FAT-fs (sdb1): error, fat_free_clusters: deleting FAT entry beyond EOF",
       "vfat sdb1 metadata 5 in fat_free_clusters"},
      {"fat", "FAT-fs (sdb1): error, corrupted directory (invalid entries)", "vfat sdb1 metadata 5"},
      {"fat", "FAT-fs (sdb1): error, corrupted directory (invalid i_start)", "vfat sdb1 metadata 5"},
      {"fat", "FAT-fs (sdb1): error, Corrupted directory (i_pos 4242)", "vfat sdb1 metadata i_pos=4242"},
      {"fat", "FAT-fs (sdb1): Filesystem has been set read-only", "vfat sdb1 read_only 30"},
      {"fat", "FAT-fs (sdb1): FAT read failed (blocknr 37)", "vfat sdb1 device 5 block=37"},
      {"fat", "FAT-fs (sdb1): Directory bread(block 2081) failed", "vfat sdb1 device 5 block=2081"},
      {"fat", "FAT-fs (sdb1): unable to read inode block for updating (i_pos 4242)", "vfat sdb1 device 5 i_pos=4242"},
      {"fat", "FAT-fs (sdb1): Volume was not properly unmounted. Some data may be corrupt. Please run fsck.", "-"},
      {"fat", "FAT-fs (sdb1): bogus number of reserved sectors", "-"},
      {"fat", "FAT-fs (sdb1): Can't find a valid FAT filesystem", "-"},
      {"fuse", "fuse: root generation should be zero", "fuse ? metadata"},
      {"fuse", "I/O error, dev loop0, sector 0 op 0x0:(READ) flags 0x80700 phys_seg 1 prio class 2",
       "any loop0 device 5"},
      {"fuse", "Buffer I/O error on dev loop0, logical block 0, async page read", "any loop0 device 5"},
      {"iso9660", "iso9660: Corrupted directory entry in block 3 of inode 1920",
       "iso9660 ? metadata inode=1920 block=3"},
      {"iso9660", "ISOFS: unable to read i-node block", "iso9660 ? device 5"},
      {"iso9660", "isofs_fill_super: root inode is not a directory. Corrupted media?",
       "iso9660 ? metadata 22 in isofs_fill_super"},
      {"iso9660", "isofs_fill_super: get root inode failed", "iso9660 ? metadata in isofs_fill_super"},
      {"iso9660", "isofs_fill_super: bread failed, dev=sr0, iso_blknum=16, block=32",
       "iso9660 sr0 device 5 in isofs_fill_super block=16"},
      {"iso9660", "rock: directory entry would overflow storage", "iso9660 ? metadata"},
      {"iso9660", "rock: sig=0x4d4e, size=5, remaining=3", "iso9660 ? metadata addition"},
      {"iso9660", "rock: corrupted directory entry. extent=99999, offset=0, size=237",
       "iso9660 ? metadata block=99999"},
      {"iso9660", "Unable to read rock-ridge attributes", "iso9660 ? device 5"},
      {"iso9660", "ISOFS: Bad logical zone size 0", "-"},
      {"iso9660", "ISOFS: Unable to identify CD-ROM format.", "-"},
      {"lost", "loop0: lost file I/O error report for ino 131 type 1 pos 0x8000 len 0x1000 error -5",
       "any loop0 lost 1"},
      {"lost", "loop0: lost filesystem error report for type 5 error -117", "any loop0 lost 1"},
      {"nfs", "nfs: server 10.0.0.5 not responding, still trying", "nfs ? device server=10.0.0.5"},
      {"nfs", "nfs: server 10.0.0.5 not responding, timed out", "nfs ? device server=10.0.0.5"},
      {"nfs", "nfs: server 10.0.0.5 OK", "nfs ? device healthy server=10.0.0.5"},
      {"nfs", "NFS: server 10.0.0.5 error: fileid changed", "nfs ? metadata 116 server=10.0.0.5"},
      {"nfs", "fsid 0:50: expected fileid 0x1234, got 0x1235", "-"},
      {"nfs", "NFS: Server wrote zero bytes, expected 4096.", "nfs ? writeback 5"},
      {"nfs", "NFS: state manager: lease expired failed on NFSv4 server 10.0.0.5 with error 13",
       "nfs ? metadata 13 server=10.0.0.5"},
      {"nfs", "NFS: nfs4_reclaim_locks: lost 2 locks", "nfs ? metadata in nfs4_reclaim_locks locks=2"},
      {"ntfs3", "ntfs3: sdb1: Failed to load $Volume.", "ntfs3 sdb1 metadata"},
      {"ntfs3", "ntfs3: sdb1: Failed to load $MFTMirr.", "ntfs3 sdb1 metadata"},
      {"ntfs3", "ntfs3: sdb1: Failed to load $LogFile.", "ntfs3 sdb1 metadata"},
      {"ntfs3", "ntfs3: sdb1: failed to replay log file. Can't mount rw!", "ntfs3 sdb1 metadata"},
      {"ntfs3", "ntfs3: sdb1: volume is dirty and \"force\" flag is not set!", "-"},
      {"ntfs3", "ntfs3: sdb1: Failed to load $MFT.", "ntfs3 sdb1 metadata"},
      {"ntfs3", "ntfs3: sdb1: Failed to load $Bitmap.", "ntfs3 sdb1 metadata"},
      {"ntfs3", "ntfs3: sdb1: Failed to load root.", "ntfs3 sdb1 metadata"},
      {"ntfs3", "ntfs3: sdb1: RAW NTFS volume: Filesystem size 1.00 Gb > volume size 0.99 Gb. Mount in read-only",
       "ntfs3 sdb1 read_only"},
      {"ntfs3", "ntfs3: sdb1: ino=1a, \"notes.txt\" Correct links count -> 2.",
       "ntfs3 sdb1 metadata corrected inode=26"},
      {"ntfs3", "ntfs3: sdb1: ino=5, ntfs_iget5", "ntfs3 sdb1 metadata inode=5"},
      {"ntfs3", "ntfs3(sdb1): ino=1a, \"notes.txt\" mi_enum_attr", "ntfs3 sdb1 metadata inode=26"},
      {"overlayfs", "overlayfs: failed to create directory /upper/work/work (errno: 5); mounting read-only",
       "overlay ? read_only 5 path=/upper/work/work"},
      {"overlayfs", "overlayfs: cleanup of 'work/#3' failed (-5)", "overlay ? metadata 5 path=work/#3"},
      {"overlayfs", "overlayfs: lookup 'upper/a' failed (-5)", "overlay ? metadata 5 path=upper/a"},
      {"overlayfs", "overlayfs: invalid origin (a/b, ftype=8000, origin ftype=4000).", "overlay ? metadata path=a/b"},
      {"overlayfs", "overlayfs: failed to get metacopy (-5)", "overlay ? metadata 5"},
      {"overlayfs", "overlayfs: failed to get redirect (-5)", "overlay ? metadata 5"},
      {"overlayfs", "overlayfs: overlapping lowerdir path", "-"},
      {"overlayfs",
       "overlayfs: Cannot mount volatile when upperdir has an unseen error. Sync upperdir fs to clear state.",
       "overlay ? writeback 5"},
      {"overlayfs", "overlayfs: statfs failed on '/lower'", "overlay ? metadata path=/lower"},
      {"overlayfs",
       "overlayfs: upperdir is in-use as upperdir/workdir of another mount, accessing files from both mounts will "
       "result in undefined behavior.",
       "-"},
      {"overlayfs", "overlayfs: failed to retrieve upper fileattr (a/b, err=-5)", "overlay ? metadata 5 path=a/b"},
      {"overlayfs", "overlayfs: filesystem on '/upper' not supported as upperdir", "-"},
      {"squashfs", "SQUASHFS error: zlib decompression failed, data probably corrupt", "squashfs ? metadata"},
      {"squashfs", "SQUASHFS error: Failed to read block 0x1d7e3: -5", "squashfs ? metadata 5 block=120803"},
      {"squashfs", "SQUASHFS error: Unable to read metadata cache entry [1d7e1]", "squashfs ? metadata 5"},
      {"squashfs", "SQUASHFS error: Unable to read data cache entry [60]", "squashfs ? data_read 5"},
      {"squashfs", "SQUASHFS error: Unable to read fragment cache entry [1d7b7]", "squashfs ? data_read 5"},
      {"squashfs", "SQUASHFS error: Unable to read page, block 60, size ebb3", "squashfs ? data_read 5 block=96"},
      {"squashfs", "SQUASHFS error: Unable to read inode 0xe8", "squashfs ? metadata 5 inode_reference=232"},
      {"squashfs", "SQUASHFS error: Unable to read directory block [1d852:56]", "squashfs ? metadata 5 block=120914"},
      {"squashfs", "SQUASHFS error: Unable to read symlink [1d7e1:4]", "squashfs ? metadata 5 block=120801"},
      {"squashfs", "SQUASHFS error: Unknown inode type 0 in squashfs_iget!", "squashfs ? metadata 22"},
      {"squashfs", "SQUASHFS error: zstd decompression error: 20", "squashfs ? metadata"},
      {"squashfs", "Can't find a SQUASHFS superblock on loop1", "-"},
      {"squashfs", "Major/Minor mismatch, trying to mount newer 9.0 filesystem", "-"},
      {"squashfs", "Filesystem uses \"zstd\" compression. This is not supported", "-"},
      {"udf",
       "UDF-fs: error (device sr0): udf_verify_fi: directory (ino 1200) has entry at pos 40 with incorrect tag 0",
       "udf sr0 metadata in udf_verify_fi inode=1200"},
      {"udf", "UDF-fs: error (device sr0): udf_verify_fi: directory (ino 1200) has too big (4100) entry at pos 40",
       "udf sr0 metadata in udf_verify_fi inode=1200"},
      {"udf",
       "UDF-fs: error (device sr0): udf_fiiter_advance_blk: extent after position 2048 not allocated in directory (ino "
       "1200)",
       "udf sr0 metadata in udf_fiiter_advance_blk inode=1200"},
      {"udf", "UDF-fs: error (device sr0): __udf_iget: (ino 1200) failed !bh",
       "udf sr0 metadata in __udf_iget inode=1200"},
      {"udf", "UDF-fs: error (device sr0): udf_read_inode: (ino 1200) failed ident=0",
       "udf sr0 metadata in udf_read_inode inode=1200"},
      {"udf", "UDF-fs: error (device sr0): udf_read_tagged: read failed, block=257, location=257",
       "udf sr0 device 5 in udf_read_tagged block=257"},
      {"udf", "UDF-fs: error (device sr0): udf_read_tagged: tag checksum failed, block 257: 0x00 != 0x5a",
       "udf sr0 metadata in udf_read_tagged block=257"},
      {"udf", "UDF-fs: error (device sr0): udf_next_aext: too many indirect extents in inode 1200",
       "udf sr0 metadata in udf_next_aext inode=1200"},
      {"udf",
       "UDF-fs: error (device sr0): udf_bitmap_new_block: bitmap for partition 0 corrupted (block 900 marked as free, "
       "partition length is 800)",
       "udf sr0 metadata in udf_bitmap_new_block block=900 partition=0"},
      {"udf", "UDF-fs: warning (device sr0): udf_update_inode: IO error syncing udf inode [000004b0]",
       "udf sr0 writeback 5 in udf_update_inode inode=1200"},
      {"udf", "UDF-fs: warning (device sr0): udf_load_vrs: No VRS found", "-"},
      {"udf", "UDF-fs: warning (device sr0): udf_fill_super: No partition found (1)", "-"},
      {"udf", "UDF-fs: Scanning with blocksize 512 failed", "-"},
  };
  return kCases;
}

TEST(GeneralLine, OfAnUnknownWordingIsNothing) {
  EXPECT_EQ(Understood("erofs (device loop1): EXPERIMENTAL compressed inline data feature in use"), "-");
  EXPECT_EQ(Understood("FAT-fs (sdb1): utf8 is not a recommended IO charset"), "-");
  EXPECT_EQ(Understood("overlayfs: \"xino\" feature enabled using 2 upper inode bits."), "-");
}

TEST(GeneralLine, ThatIsTornIsNothingOrLess) {
  EXPECT_EQ(Understood("erofs (device loop1"), "-");
  EXPECT_EQ(Understood("erofs (device loop1): read error -"), "-");
  EXPECT_EQ(Understood("erofs (device lo op1): cannot read erofs superblock"), "-") << "no device has such a name";
  EXPECT_EQ(Understood("SQUASHFS error: "), "-");
}

TEST(GeneralLine, KeepsTheWordsBehindTheHead) {
  EXPECT_EQ(ParseLog("erofs (device loop1): bogus i_mode (0) @ nid 54\n")->report.message, "bogus i_mode (0) @ nid 54");
  EXPECT_EQ(ParseLog("FAT-fs (sdb1): error, invalid access to FAT (entry 0x0fffffff)")->report.message,
            "invalid access to FAT (entry 0x0fffffff)");
}

TEST(GeneralLine, FieldsThatItDoesNotHaveAreNull) {
  const ParsedLog parsed = *ParseLog("erofs (device loop1): cannot read erofs superblock");
  const Specific specific = parsed.module->specific(parsed.report);
  EXPECT_EQ(specific.type, "erofs");
  const std::vector<SpecificField> fields = {{"inode", std::monostate{}}, {"page", std::monostate{}}};
  EXPECT_EQ(specific.fields, fields);
}

TEST(GeneralLine, OfAFilesDataCanHaveItsInodeLoadedAndOfADamagedInodeNot) {
  EXPECT_TRUE(IsGeneralObjectLoadable(ParseLog("erofs (device a): read error -117 @ 1 of nid 44")->report));
  EXPECT_FALSE(IsGeneralObjectLoadable(ParseLog("erofs (device a): bogus i_mode (0) @ nid 54")->report));
}

TEST(Helpers, ArePartOfNoLocation) {
  EXPECT_TRUE(IsReportingFrame("_erofs_printk"));
  EXPECT_TRUE(IsReportingFrame("__fat_fs_error"));
  EXPECT_TRUE(IsReportingFrame("f2fs_printk"));
  EXPECT_FALSE(IsReportingFrame("erofs_read_inode"));
}

}  // namespace
}  // namespace fsherald
