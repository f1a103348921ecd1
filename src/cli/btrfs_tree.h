// SPDX-License-Identifier: MIT
// Where things lie in an image of btrfs, by what `btrfs inspect-internal dump-tree` prints of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fsherald {

// Pure. Empty: the texts do not say.
class BtrfsTree {
 public:
  // What dump-tree says of the tree of files (-t 5) and of the tree of chunks (-t chunk).
  BtrfsTree(std::string files, std::string chunks) : files_(std::move(files)), chunks_(std::move(chunks)) {}

  std::optional<uint64_t> InodeOf(std::string_view path) const;  // "music/song.ogg"
  // Logical addresses: of the first extent of a file's data, and of the leaf that holds its inode.
  std::optional<uint64_t> ExtentOf(std::string_view path) const;
  std::optional<uint64_t> LeafOf(std::string_view path) const;
  // The bytes of the disk that hold a logical address, one for each copy.
  std::vector<uint64_t> CopiesOf(uint64_t logical) const;

 private:
  std::optional<uint64_t> EntryOf(uint64_t folder, std::string_view name) const;

  std::string files_;
  std::string chunks_;
};

}  // namespace fsherald
