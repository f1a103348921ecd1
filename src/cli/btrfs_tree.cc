// SPDX-License-Identifier: MIT
#include "cli/btrfs_tree.h"

#include <charconv>

namespace fsherald {
namespace {

constexpr uint64_t kRootInode = 256;  // BTRFS_FIRST_FREE_OBJECTID

// Calls `take` with each line, without the tabs before it, until it says false.
template <typename Take>
void EachLine(std::string_view text, Take take) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    line.remove_prefix(std::min(line.find_first_not_of('\t'), line.size()));
    if (!take(line)) return;
  }
}

std::optional<uint64_t> NumberAfter(std::string_view line, std::string_view before) {
  const size_t at = line.find(before);
  if (at == std::string_view::npos) return std::nullopt;
  const char* digits = line.data() + at + before.size();
  uint64_t value = 0;
  if (std::from_chars(digits, line.data() + line.size(), value).ec != std::errc()) return std::nullopt;
  return value;
}

bool IsItem(std::string_view line) { return line.starts_with("item "); }

bool IsItemOf(std::string_view line, uint64_t inode, std::string_view kind) {
  return line.find("key (" + std::to_string(inode) + " " + std::string(kind)) != std::string_view::npos;
}

}  // namespace

std::optional<uint64_t> BtrfsTree::EntryOf(uint64_t folder, std::string_view name) const {
  bool inside = false;
  std::optional<uint64_t> target;
  std::optional<uint64_t> found;
  EachLine(files_, [&](std::string_view line) {
    if (IsItem(line)) inside = IsItemOf(line, folder, "DIR_INDEX ");
    else if (inside && line.starts_with("location key (")) target = NumberAfter(line, "location key (");
    else if (inside && line.starts_with("name: ") && line.substr(6) == name) found = target;
    return !found;
  });
  return found;
}

std::optional<uint64_t> BtrfsTree::InodeOf(std::string_view path) const {
  std::optional<uint64_t> inode = kRootInode;
  while (inode && !path.empty()) {
    const size_t slash = path.find('/');
    inode = EntryOf(*inode, path.substr(0, slash));
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
  return inode;
}

std::optional<uint64_t> BtrfsTree::ExtentOf(std::string_view path) const {
  const std::optional<uint64_t> inode = InodeOf(path);
  if (!inode) return std::nullopt;
  bool inside = false;
  std::optional<uint64_t> found;
  EachLine(files_, [&](std::string_view line) {
    if (IsItem(line)) inside = IsItemOf(line, *inode, "EXTENT_DATA 0)");
    else if (inside) found = NumberAfter(line, "extent data disk byte ");
    return !found;
  });
  return found;
}

std::optional<uint64_t> BtrfsTree::LeafOf(std::string_view path) const {
  const std::optional<uint64_t> inode = InodeOf(path);
  if (!inode) return std::nullopt;
  std::optional<uint64_t> leaf;
  bool found = false;
  EachLine(files_, [&](std::string_view line) {
    // "leaf 123 items 5 ...", and then once more with its flags.
    if (line.starts_with("leaf ")) leaf = NumberAfter(line, "leaf ");
    found = IsItem(line) && IsItemOf(line, *inode, "INODE_ITEM 0)");
    return !found;
  });
  return found ? leaf : std::nullopt;
}

std::vector<uint64_t> BtrfsTree::CopiesOf(uint64_t logical) const {
  std::optional<uint64_t> start;
  bool inside = false;
  std::vector<uint64_t> copies;
  EachLine(chunks_, [&](std::string_view line) {
    if (IsItem(line)) {
      inside = false;
      start = NumberAfter(line, "CHUNK_ITEM ");
    } else if (const auto length = NumberAfter(line, "length "); start && length && line.starts_with("length ")) {
      inside = logical >= *start && logical - *start < *length;
    } else if (const auto offset = NumberAfter(line, " offset "); inside && offset && line.starts_with("stripe ")) {
      copies.push_back(*offset + (logical - *start));
    }
    return true;
  });
  return copies;
}

}  // namespace fsherald
