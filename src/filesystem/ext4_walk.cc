// SPDX-License-Identifier: MIT
#include "filesystem/ext4_walk.h"

#include <endian.h>
#include <ext2fs/ext2fs.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "filesystem/ext2_channel.h"

namespace fsherald {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxDirectories = size_t{1} << 19;                // 12 MiB at the most, while the set grows
constexpr uint32_t kFirstOrdinaryInode = EXT2_GOOD_OLD_FIRST_INO;  // below: the file system's own, and the root
constexpr size_t kEntryHeaderBytes = 8;                            // inode, rec_len, name_len, file_type
constexpr size_t kInlineParentBytes = 4;  // an inline directory begins with the number of its parent
constexpr size_t kInlineFirstBytes = 60;  // and its entries lie in two parts: i_block, then an extended attribute

struct DirectoryEntry {
  ext2_ino_t inode = 0;
  uint8_t type = EXT2_FT_UNKNOWN;
  std::string_view name;
};

// False: enough.
using EntryVisitor = std::function<bool(const DirectoryEntry&)>;

// The length of an entry as the disk has it: with blocks of 64 KiB, which 16 bits cannot count, two low bits are the
// high.
size_t DecodeEntryLength(uint16_t raw, size_t block_bytes) {
  if (block_bytes < 65536) return raw;
  if (raw == 0 || raw == 65535) return block_bytes;
  return (raw & 0xfffcU) | (size_t{raw & 3U} << 16);
}

// Visits the entries of one directory block, or of one part of an inline directory, up to the first that is damaged.
bool VisitEntries(Bytes block, size_t block_bytes, const EntryVisitor& visit) {
  while (block.size() >= kEntryHeaderBytes) {
    ByteReader reader(block);
    const ext2_ino_t inode = le32toh(reader.Read<uint32_t>().value());
    const size_t length = DecodeEntryLength(le16toh(reader.Read<uint16_t>().value()), block_bytes);
    const uint8_t name_bytes = reader.Read<uint8_t>().value();
    const uint8_t type = reader.Read<uint8_t>().value();
    if (length < kEntryHeaderBytes + name_bytes || length % 4 != 0 || length > block.size()) return true;
    const std::string_view name(reinterpret_cast<const char*>(reader.rest().data()), name_bytes);
    if (inode != 0 && !visit(DirectoryEntry{inode, type, name})) return false;
    block = block.subspan(length);
  }
  return true;
}

bool IsUsableName(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find_first_of(std::string_view("/\0", 2)) == name.npos;
}

// The directories seen, each with the one that it was found in. Open addressing, because there can be many.
class DirectorySet {
 public:
  size_t size() const { return size_; }

  // False: it is in the set already.
  bool Insert(ext2_ino_t inode, ext2_ino_t parent) {
    if (2 * (size_ + 1) > slots_.size()) Grow();
    Slot& slot = *FindSlot(slots_, inode);
    if (slot.inode != 0) return false;
    slot = Slot{inode, parent};
    ++size_;
    return true;
  }

  ext2_ino_t Parent(ext2_ino_t inode) { return FindSlot(slots_, inode)->parent; }

 private:
  struct Slot {
    ext2_ino_t inode = 0;  // 0: free
    ext2_ino_t parent = 0;
  };

  static Slot* FindSlot(std::span<Slot> slots, ext2_ino_t inode) {
    const size_t mask = slots.size() - 1;
    size_t i = (inode * size_t{0x9e3779b1}) & mask;
    while (slots[i].inode != 0 && slots[i].inode != inode) i = (i + 1) & mask;
    return &slots[i];
  }

  void Grow() {
    std::vector<Slot> grown(std::max<size_t>(64, 2 * slots_.size()));
    for (const Slot& slot : slots_) {
      if (slot.inode != 0) *FindSlot(grown, slot.inode) = slot;
    }
    slots_ = std::move(grown);
  }

  std::vector<Slot> slots_;
  size_t size_ = 0;
};

class Walk {
 public:
  Walk(ext2_filsys fs, ext2_ino_t target) : fs_(fs), target_(target), block_(fs->blocksize) {}

  WalkResult Run(bool generation_wanted) {
    WalkResult result;
    if (generation_wanted)
      if (const auto inode = ReadInode(target_)) result.generation = inode->i_generation;
    if (target_ == EXT2_ROOT_INO) {
      result.path = "";
    } else if (target_ >= kFirstOrdinaryInode) {
      result.path = Search();
      result.complete = result.path || !gave_up_;
    }
    return result;
  }

 private:
  // Level by level, each in the order of the inode numbers, which is about that of the disk.
  std::optional<std::string> Search() {
    std::vector<ext2_ino_t> level{EXT2_ROOT_INO};
    directories_.Insert(EXT2_ROOT_INO, EXT2_ROOT_INO);
    while (!level.empty()) {
      std::sort(level.begin(), level.end());
      std::vector<ext2_ino_t> next;
      for (const ext2_ino_t directory : level) {
        if (MustStop()) return std::nullopt;
        if (const auto name = SearchDirectory(directory, next)) return PathOf(directory, *name);
      }
      level = std::move(next);
    }
    return std::nullopt;
  }

  // The target's name, if it is in this directory. Adds to `next` the directories below that have not been seen.
  std::optional<std::string> SearchDirectory(ext2_ino_t directory, std::vector<ext2_ino_t>& next) {
    std::optional<std::string> found;
    VisitDirectory(directory, [&](const DirectoryEntry& entry) {
      if (!IsUsableName(entry.name)) return true;
      if (entry.inode == target_) {
        found = entry.name;
        return false;
      }
      if (!CanBeDirectory(entry) || !directories_.Insert(entry.inode, directory)) return true;
      if (directories_.size() > kMaxDirectories) gave_up_ = true;
      next.push_back(entry.inode);
      return !gave_up_;
    });
    return found;
  }

  std::optional<std::string> PathOf(ext2_ino_t directory, std::string path) {
    while (directory != EXT2_ROOT_INO) {
      const ext2_ino_t parent = directories_.Parent(directory);
      std::optional<std::string> name;
      VisitDirectory(parent, [&](const DirectoryEntry& entry) {
        if (entry.inode == directory && IsUsableName(entry.name)) name = entry.name;
        return !name;
      });
      if (!name) {  // renamed or removed since
        gave_up_ = true;
        return std::nullopt;
      }
      path.insert(0, *name + '/');
      directory = parent;
    }
    return path;
  }

  // Whether to look below it. The directory itself may be damaged: its entry's word is taken then.
  bool CanBeDirectory(const DirectoryEntry& entry) {
    if (entry.inode < kFirstOrdinaryInode || entry.inode > fs_->super->s_inodes_count) return false;
    if (ext2fs_has_feature_filetype(fs_->super) && entry.type != EXT2_FT_UNKNOWN) return entry.type == EXT2_FT_DIR;
    const auto inode = ReadInode(entry.inode);
    return inode && LINUX_S_ISDIR(inode->i_mode);
  }

  void VisitDirectory(ext2_ino_t directory, const EntryVisitor& visit) {
    const auto inode = ReadInode(directory);
    if (!inode || inode->i_links_count == 0 || (inode->i_flags & EXT4_ENCRYPT_FL) != 0) return;
    const unsigned type = inode->i_mode & LINUX_S_IFMT;
    const bool is_garbage = type == 0;  // as "deleted"; then its first block must prove that it is the directory's
    if (type != LINUX_S_IFDIR && !is_garbage) return;
    if ((inode->i_flags & EXT4_INLINE_DATA_FL) != 0) {
      VisitInline(directory, visit);
    } else {
      VisitBlocks(BlockVisit{this, &visit, directory, EXT2_I_SIZE(&*inode), is_garbage});
    }
  }

  void VisitInline(ext2_ino_t directory, const EntryVisitor& visit) {
    size_t size = 0;
    if (ext2fs_inline_data_size(fs_, directory, &size) != 0) return;
    if (size < kInlineFirstBytes || size > block_.size()) return;
    if (ext2fs_inline_data_get(fs_, directory, nullptr, block_.data(), &size) != 0) return;
    const Bytes data = std::as_bytes(std::span(block_)).first(std::min(size, block_.size()));
    if (data.size() < kInlineFirstBytes) return;
    const Bytes first = data.first(kInlineFirstBytes).subspan(kInlineParentBytes);
    if (!VisitEntries(first, fs_->blocksize, visit)) return;
    VisitEntries(data.subspan(kInlineFirstBytes), fs_->blocksize, visit);
  }

  struct BlockVisit {
    Walk* walk;
    const EntryVisitor* visit;
    ext2_ino_t directory;
    uint64_t size_bytes;
    bool needs_proof;
  };

  void VisitBlocks(BlockVisit visit) {
    const int flags = BLOCK_FLAG_READ_ONLY | BLOCK_FLAG_DATA_ONLY;
    ext2fs_block_iterate3(fs_, visit.directory, flags, nullptr, &Walk::OnBlock, &visit);  // what fails is left out
  }

  static int OnBlock(ext2_filsys fs, blk64_t* block, e2_blkcnt_t index, blk64_t, int, void* context) {
    const auto& visit = *static_cast<const BlockVisit*>(context);
    Walk& walk = *visit.walk;
    if (walk.MustStop() || static_cast<uint64_t>(index) * fs->blocksize >= visit.size_bytes) return BLOCK_ABORT;
    const bool is_first = index == 0;
    if (io_channel_read_blk64(fs->io, *block, 1, walk.block_.data()) != 0) {
      return is_first && visit.needs_proof ? BLOCK_ABORT : 0;
    }
    const Bytes bytes = std::as_bytes(std::span(walk.block_));
    if (is_first && visit.needs_proof && !NamesItself(bytes, visit.directory)) return BLOCK_ABORT;
    return VisitEntries(bytes, fs->blocksize, *visit.visit) ? 0 : BLOCK_ABORT;
  }

  static bool NamesItself(Bytes first_block, ext2_ino_t directory) {
    bool names_itself = false;
    VisitEntries(first_block, first_block.size(), [&](const DirectoryEntry& entry) {
      names_itself = entry.inode == directory && entry.name == ".";
      return false;
    });
    return names_itself;
  }

  std::optional<ext2_inode> ReadInode(ext2_ino_t number) {
    ext2_inode inode{};
    if (number > fs_->super->s_inodes_count || ext2fs_read_inode(fs_, number, &inode) != 0) return std::nullopt;
    return inode;
  }

  bool MustStop() {
    if (HasGivenUp(fs_->io)) gave_up_ = true;
    return gave_up_;
  }

  ext2_filsys fs_;
  ext2_ino_t target_;
  std::vector<char> block_;  // the one block being looked at
  DirectorySet directories_;
  bool gave_up_ = false;
};

}  // namespace

Result<WalkResult> FindExt4Path(const std::string& device_path, WalkTarget target, Clock::time_point deadline) {
  auto fs = OpenExt2(device_path, deadline);
  if (!fs) return fs.error();
  if (target.unreadable) Avoid((*fs)->io, *target.unreadable);
  if (target.inode == 0 || target.inode > (*fs)->super->s_inodes_count) return WalkResult{};
  return Walk(fs->get(), static_cast<ext2_ino_t>(target.inode)).Run(target.generation_wanted);
}

}  // namespace fsherald
