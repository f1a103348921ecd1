// SPDX-License-Identifier: MIT
#include "filesystem/ext4_owner.h"

#include <endian.h>
#include <ext2fs/ext2fs.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "filesystem/ext2_channel.h"

namespace fsherald {
namespace {

// Documentation/filesystems/ext4 in Linux: inodes.rst, ifork.rst.
constexpr size_t kModeAt = 0;
constexpr size_t kSizeLowAt = 4;
constexpr size_t kLinksAt = 26;
constexpr size_t kFlagsAt = 32;
constexpr size_t kMapAt = 40;
constexpr size_t kMapBytes = 60;
constexpr size_t kGenerationAt = 100;
constexpr size_t kChecksumLowAt = 124;
constexpr size_t kExtraSizeAt = 128;
constexpr size_t kChecksumHighAt = 130;
constexpr uint16_t kExtentMagic = 0xf30a;
constexpr size_t kExtentHeaderBytes = 12;
constexpr size_t kExtentEntryBytes = 12;
constexpr uint16_t kMaxExtentDepth = 5;
constexpr uint16_t kUnwrittenBias = 32768;  // longer: that much less, and not written yet
constexpr unsigned kDirectBlocks = 12;
constexpr size_t kReadBytes = 65536;

template <typename T>
T At(Bytes bytes, size_t offset) {
  T value{};
  if (offset + sizeof(T) <= bytes.size()) std::memcpy(&value, bytes.data() + offset, sizeof(T));
  if constexpr (sizeof(T) == 2) return static_cast<T>(le16toh(value));
  return static_cast<T>(le32toh(value));
}

struct Blocks {
  uint64_t first = 0;
  uint64_t end = 0;  // behind the last
  bool empty() const { return first >= end; }
};

Blocks Common(const Blocks& a, const Blocks& b) { return {std::max(a.first, b.first), std::min(a.end, b.end)}; }

// What of the place is one inode's.
struct Share {
  uint64_t map_blocks = 0;          // that say where its bytes are
  uint64_t data_blocks = 0;         // that hold them
  std::optional<uint64_t> logical;  // where in the file the place begins, as the first piece has it
  bool in_pieces = false;           // and another has it elsewhere
};

class OwnerSearch {
 public:
  OwnerSearch(ext2_filsys fs, const Range& place)
      : fs_(fs), place_(place), inode_bytes_(EXT2_INODE_SIZE(fs->super)), table_(kReadBytes) {
    const uint64_t length = std::max<uint64_t>(place.length_bytes.value_or(1), 1);
    blocks_.first = place.offset_bytes / fs->blocksize;
    const uint64_t last_byte = place.offset_bytes + std::min(length - 1, UINT64_MAX - place.offset_bytes);
    blocks_.end = last_byte / fs->blocksize + 1;
  }

  OwnerResult Run() {
    OwnerResult result;
    if (inode_bytes_ < EXT2_GOOD_OLD_INODE_SIZE || inode_bytes_ > fs_->blocksize) return result;
    if (blocks_.end > ext2fs_blocks_count(fs_->super) || IsOfTheFilesystem()) return result;
    for (dgrp_t group = 0; group < fs_->group_desc_count && !decided_ && !HasGivenUp(fs_->io); ++group)
      SearchGroup(group);
    result.complete = decided_ || (!HasGivenUp(fs_->io) && unread_ == 0);
    result.owner = std::move(owner_);
    return result;
  }

 private:
  bool Touches(uint64_t first, uint64_t count) const { return !Common({first, first + count}, blocks_).empty(); }

  // Whether the place lies in what no inode owns.
  bool IsOfTheFilesystem() const {
    for (dgrp_t group = 0; group < fs_->group_desc_count; ++group) {
      blk64_t super = 0;
      blk64_t old_descriptors = 0;
      blk64_t new_descriptors = 0;
      ext2fs_super_and_bgd_loc2(fs_, group, &super, &old_descriptors, &new_descriptors, nullptr);
      if (group == 0 && blocks_.first <= super) return true;  // and the boot sector
      if (super != 0 && Touches(super, 1)) return true;
      const uint64_t descriptors = fs_->desc_blocks + fs_->super->s_reserved_gdt_blocks;
      if (old_descriptors != 0 && Touches(old_descriptors, descriptors)) return true;
      if (new_descriptors != 0 && Touches(new_descriptors, 1)) return true;
      if (Touches(ext2fs_block_bitmap_loc(fs_, group), 1) || Touches(ext2fs_inode_bitmap_loc(fs_, group), 1) ||
          Touches(ext2fs_inode_table_loc(fs_, group), fs_->inode_blocks_per_group))
        return true;
    }
    return false;
  }

  uint64_t InodesInUse(dgrp_t group) const {
    uint64_t in_group = fs_->super->s_inodes_per_group;
    if (!ext2fs_has_group_desc_csum(fs_)) return in_group;
    if (ext2fs_bg_flags_test(fs_, group, EXT2_BG_INODE_UNINIT) != 0) return 0;
    return in_group - std::min<uint64_t>(in_group, ext2fs_bg_itable_unused(fs_, group));
  }

  void SearchGroup(dgrp_t group) {
    const uint64_t table = ext2fs_inode_table_loc(fs_, group);
    const uint64_t inodes = InodesInUse(group);
    const uint64_t table_blocks = (inodes * inode_bytes_ + fs_->blocksize - 1) / fs_->blocksize;
    if (table == 0 || table + table_blocks > ext2fs_blocks_count(fs_->super)) return;
    const uint64_t per_read = std::max<uint64_t>(kReadBytes / fs_->blocksize, 1);
    const uint64_t first_inode = uint64_t{group} * fs_->super->s_inodes_per_group + 1;
    for (uint64_t done = 0; done < table_blocks && !decided_; done += per_read) {
      const uint64_t count = std::min(per_read, table_blocks - done);
      if (io_channel_read_blk64(fs_->io, table + done, static_cast<int>(count), table_.data()) != 0) {
        if (HasGivenUp(fs_->io)) return;
        ++unread_;
        continue;
      }
      const uint64_t inodes_before = done * fs_->blocksize / inode_bytes_;
      const uint64_t inodes_here = std::min(inodes - inodes_before, count * fs_->blocksize / inode_bytes_);
      for (uint64_t i = 0; i < inodes_here && !decided_; ++i) {
        const Bytes inode = std::as_bytes(std::span(table_)).subspan(i * inode_bytes_, inode_bytes_);
        CheckInode(first_inode + inodes_before + i, inode);
      }
    }
  }

  void CheckInode(uint64_t number, Bytes inode) {
    if (At<uint16_t>(inode, kModeAt) == 0 && number >= EXT2_FIRST_INO(fs_->super)) return;
    if (At<uint16_t>(inode, kLinksAt) == 0 && number >= EXT2_FIRST_INO(fs_->super)) return;
    if (!HasMap(inode)) return;
    share_ = {};
    const Bytes map = inode.subspan(kMapAt, kMapBytes);
    if ((At<uint32_t>(inode, kFlagsAt) & EXT4_EXTENTS_FL) != 0) CheckExtents(map, std::nullopt);
    else CheckPointers(map);
    if (share_.map_blocks + share_.data_blocks == 0 || !HasGoodChecksum(number, inode)) return;
    decided_ = true;
    if (share_.map_blocks + share_.data_blocks == blocks_.end - blocks_.first) SetOwner(number, inode);
  }

  void SetOwner(uint64_t number, Bytes inode) {
    if (IsTheFilesystems(number) || (At<uint32_t>(inode, kFlagsAt) & EXT4_EA_INODE_FL) != 0) return;
    owner_ = SectorOwner{.inode = number, .generation = At<uint32_t>(inode, kGenerationAt), .range = {}, .path = {}};
    if (share_.map_blocks != 0 || share_.in_pieces) return;
    owner_->range = Range{.offset_bytes = *share_.logical * fs_->blocksize + place_.offset_bytes % fs_->blocksize,
                          .length_bytes = place_.length_bytes};
  }

  // The journal, quotas and the like: files without a name.
  bool IsTheFilesystems(uint64_t number) const {
    const ext2_super_block& super = *fs_->super;
    const std::array<uint32_t, 5> own = {super.s_journal_inum, super.s_usr_quota_inum, super.s_grp_quota_inum,
                                         super.s_prj_quota_inum, super.s_orphan_file_inum};
    if (number == EXT2_ROOT_INO) return false;
    return number < EXT2_FIRST_INO(fs_->super) || std::ranges::find(own, number) != own.end();
  }

  // Whether i_block is a map, rather than the data itself or a device's number.
  static bool HasMap(Bytes inode) {
    const uint32_t flags = At<uint32_t>(inode, kFlagsAt);
    if ((flags & EXT4_INLINE_DATA_FL) != 0) return false;
    switch (At<uint16_t>(inode, kModeAt) & LINUX_S_IFMT) {
      case LINUX_S_IFREG:
      case LINUX_S_IFDIR: return true;
      case LINUX_S_IFLNK: return (flags & EXT4_EXTENTS_FL) != 0 || At<uint32_t>(inode, kSizeLowAt) >= kMapBytes;
      default: return false;
    }
  }

  bool HasGoodChecksum(uint64_t number, Bytes inode) const {
    if (!ext2fs_has_feature_metadata_csum(fs_->super)) return true;
    std::vector<unsigned char> bytes(inode.size());
    std::memcpy(bytes.data(), inode.data(), inode.size());
    const bool has_high = inode.size() > kExtraSizeAt && At<uint16_t>(inode, kExtraSizeAt) >= 4;
    std::memset(bytes.data() + kChecksumLowAt, 0, 2);
    if (has_high) std::memset(bytes.data() + kChecksumHighAt, 0, 2);
    const uint32_t number_le = htole32(static_cast<uint32_t>(number));
    uint32_t sum = ext2fs_crc32c_le(fs_->csum_seed, reinterpret_cast<const unsigned char*>(&number_le), 4);
    sum = ext2fs_crc32c_le(sum, bytes.data() + kGenerationAt, 4);
    sum = ext2fs_crc32c_le(sum, bytes.data(), bytes.size());
    uint32_t stored = At<uint16_t>(inode, kChecksumLowAt);
    if (has_high) stored |= uint32_t{At<uint16_t>(inode, kChecksumHighAt)} << 16;
    else sum &= 0xffff;
    return sum == stored;
  }

  void AddData(uint64_t logical, uint64_t physical, uint64_t count) {
    const Blocks common = Common({physical, physical + count}, blocks_);
    if (common.empty()) return;
    share_.data_blocks += common.end - common.first;
    // Where the place begins in the file, if all of it goes on as this piece does.
    const uint64_t begin = logical + (common.first - physical) - (common.first - blocks_.first);
    if (share_.logical && *share_.logical != begin) share_.in_pieces = true;
    share_.logical = begin;
  }

  // Whether to look into a block of the map: what the device cannot read is not tried.
  bool AddMap(uint64_t block) {
    if (!Touches(block, 1)) return true;
    ++share_.map_blocks;
    return false;
  }

  // One node of an extent tree. `depth` is what its parent says it must have; the root may have any.
  void CheckExtents(Bytes node, std::optional<uint16_t> depth) {
    if (At<uint16_t>(node, 0) != kExtentMagic) return;
    const uint16_t own_depth = At<uint16_t>(node, 6);
    if (depth ? own_depth != *depth : own_depth > kMaxExtentDepth) return;
    const size_t entries =
        std::min<size_t>(At<uint16_t>(node, 2), (node.size() - kExtentHeaderBytes) / kExtentEntryBytes);
    for (size_t i = 0; i < entries && !HasGivenUpNow(); ++i) {
      const Bytes entry = node.subspan(kExtentHeaderBytes + i * kExtentEntryBytes, kExtentEntryBytes);
      if (own_depth == 0) AddExtent(entry);
      else CheckChild(entry, static_cast<uint16_t>(own_depth - 1));
    }
  }

  void AddExtent(Bytes entry) {
    const uint16_t length = At<uint16_t>(entry, 4);
    const uint64_t physical = uint64_t{At<uint16_t>(entry, 6)} << 32 | At<uint32_t>(entry, 8);
    AddData(At<uint32_t>(entry, 0), physical, length > kUnwrittenBias ? length - kUnwrittenBias : length);
  }

  void CheckChild(Bytes entry, uint16_t depth) {
    const uint64_t block = uint64_t{At<uint16_t>(entry, 8)} << 32 | At<uint32_t>(entry, 4);
    std::vector<std::byte> node;
    if (AddMap(block) && ReadBlock(block, node)) CheckExtents(node, depth);
  }

  // The map of ext2 and ext3: twelve blocks, then the blocks of pointers to one, two and three levels.
  void CheckPointers(Bytes map) {
    for (unsigned i = 0; i < kDirectBlocks; ++i) AddPointer(At<uint32_t>(map, 4 * i), i);
    const uint64_t per_block = fs_->blocksize / 4;
    uint64_t logical = kDirectBlocks;
    uint64_t span = 1;  // how many blocks a pointer of that level stands for
    for (unsigned level = 0; level < 3; ++level, logical += span) {
      CheckIndirect(At<uint32_t>(map, 4 * (kDirectBlocks + level)), level, logical);
      span *= per_block;
    }
  }

  void AddPointer(uint32_t block, uint64_t logical) {
    if (block != 0) AddData(logical, block, 1);
  }

  void CheckIndirect(uint32_t block, unsigned level, uint64_t logical) {
    std::vector<std::byte> pointers;
    if (block == 0 || !AddMap(block) || !ReadBlock(block, pointers)) return;
    const uint64_t per_block = fs_->blocksize / 4;
    uint64_t span = 1;
    for (unsigned i = 0; i < level; ++i) span *= per_block;
    for (uint64_t i = 0; i < per_block && !HasGivenUpNow(); ++i) {
      const uint32_t pointer = At<uint32_t>(pointers, 4 * i);
      if (level == 0) AddPointer(pointer, logical + i);
      else CheckIndirect(pointer, level - 1, logical + i * span);
    }
  }

  bool ReadBlock(uint64_t block, std::vector<std::byte>& bytes) {
    if (block == 0 || block >= ext2fs_blocks_count(fs_->super)) return false;
    bytes.resize(fs_->blocksize);
    if (io_channel_read_blk64(fs_->io, block, 1, bytes.data()) == 0) return true;
    ++unread_;
    return false;
  }

  // The clock is read by each read of a block anyway; a leaf needs none.
  bool HasGivenUpNow() { return unread_ != 0 && HasGivenUp(fs_->io); }

  ext2_filsys fs_;
  const Range place_;
  Blocks blocks_;
  const size_t inode_bytes_;
  std::vector<char> table_;  // the piece of an inode table that is being looked at
  Share share_;              // of the inode that is being looked at
  std::optional<SectorOwner> owner_;
  bool decided_ = false;  // an inode has it, or a part of it
  uint64_t unread_ = 0;
};

}  // namespace

Result<OwnerResult> FindExt4Owner(const std::string& device_path, const Range& place,
                                  std::chrono::steady_clock::time_point deadline) {
  auto fs = OpenExt2(device_path, deadline);
  if (!fs) return fs.error();
  Avoid((*fs)->io, place);
  return OwnerSearch(fs->get(), place).Run();
}

}  // namespace fsherald
