// SPDX-License-Identifier: MIT
#include "filesystem/btrfs_owner.h"

#include <endian.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace fsherald {
namespace {

constexpr uint64_t kMaxDevices = 1024;
constexpr uint64_t kMaxBlocks = 1024;  // of one place
constexpr size_t kMaxReferences = 16;  // of one block; more are shared anyway
constexpr uint64_t kStriped =
    BTRFS_BLOCK_GROUP_RAID0 | BTRFS_BLOCK_GROUP_RAID10 | BTRFS_BLOCK_GROUP_RAID5 | BTRFS_BLOCK_GROUP_RAID6;

// The number that the file system has for one of its devices.
std::optional<uint64_t> DeviceIdOf(int fd, DeviceNumber device) {
  btrfs_ioctl_fs_info_args info{};
  if (::ioctl(fd, BTRFS_IOC_FS_INFO, &info) != 0) return std::nullopt;
  for (uint64_t id = 1; id <= std::min<uint64_t>(info.max_id, kMaxDevices); ++id) {
    auto args = std::make_unique<btrfs_ioctl_dev_info_args>();
    args->devid = id;
    if (::ioctl(fd, BTRFS_IOC_DEV_INFO, args.get()) != 0) continue;
    struct stat node {};
    args->path[sizeof(args->path) - 1] = 0;
    if (::stat(reinterpret_cast<const char*>(args->path), &node) != 0 || !S_ISBLK(node.st_mode)) continue;
    if (node.st_rdev == ::makedev(device.major, device.minor)) return id;
  }
  return std::nullopt;
}

// As struct btrfs_data_container, with room for values.
template <typename Values>
struct Container {
  uint32_t bytes_left = 0;
  uint32_t bytes_missing = 0;
  uint32_t count = 0;
  uint32_t missed = 0;
  Values values{};
};
using ByteContainer = Container<std::array<char, 4096>>;
static_assert(offsetof(ByteContainer, values) == offsetof(btrfs_data_container, val));

struct Key {
  uint64_t tree = 0;
  uint64_t object = 0;
  uint32_t type = 0;
};

// An item of a tree as the kernel copies it out.
struct Item {
  uint64_t offset = 0;  // of its key
  std::vector<std::byte> bytes;
};

// The last item with this object and type whose key's offset is between the two. Items come in ascending order, and few
// at a time.
std::optional<Item> FindLast(int fd, const Key& key, uint64_t min_offset, uint64_t max_offset) {
  auto args = std::make_unique<btrfs_ioctl_search_args>();
  btrfs_ioctl_search_key& search = args->key;
  std::optional<Item> last;
  for (;;) {
    search = {};
    search.tree_id = key.tree;
    search.min_objectid = search.max_objectid = key.object;
    search.min_type = search.max_type = key.type;
    search.min_offset = min_offset;
    search.max_offset = max_offset;
    search.max_transid = UINT64_MAX;
    search.nr_items = 64;
    if (::ioctl(fd, BTRFS_IOC_TREE_SEARCH, args.get()) != 0) return std::nullopt;
    size_t at = 0;
    for (uint32_t i = 0; i < search.nr_items; ++i) {
      btrfs_ioctl_search_header header{};
      if (at + sizeof(header) > sizeof(args->buf)) return std::nullopt;
      std::memcpy(&header, args->buf + at, sizeof(header));
      at += sizeof(header);
      if (header.len > sizeof(args->buf) - at) return std::nullopt;
      const auto* bytes = reinterpret_cast<const std::byte*>(args->buf + at);
      last = Item{header.offset, {bytes, bytes + header.len}};
      at += header.len;
    }
    if (search.nr_items == 0 || last->offset >= max_offset) return last;
    min_offset = last->offset + 1;
  }
}

struct Logical {
  uint64_t address = 0;
  uint64_t bytes_left = 0;  // in its chunk
};

// Where a byte of a device stands in the address space of the file system, if that is plain.
std::optional<Logical> LogicalOf(int fd, uint64_t device_id, uint64_t physical) {
  const auto item = FindLast(fd, {BTRFS_DEV_TREE_OBJECTID, device_id, BTRFS_DEV_EXTENT_KEY}, 0, physical);
  btrfs_dev_extent extent{};
  if (!item || item->bytes.size() < sizeof(extent)) return std::nullopt;
  std::memcpy(&extent, item->bytes.data(), sizeof(extent));
  const uint64_t within = physical - item->offset;
  if (within >= le64toh(extent.length)) return std::nullopt;

  const uint64_t start = le64toh(extent.chunk_offset);
  const Key key{BTRFS_CHUNK_TREE_OBJECTID, BTRFS_FIRST_CHUNK_TREE_OBJECTID, BTRFS_CHUNK_ITEM_KEY};
  const auto chunk_item = FindLast(fd, key, start, start);
  btrfs_chunk chunk{};
  if (!chunk_item || chunk_item->bytes.size() < sizeof(chunk)) return std::nullopt;
  std::memcpy(&chunk, chunk_item->bytes.data(), sizeof(chunk));
  const uint64_t type = le64toh(chunk.type);
  if ((type & kStriped) != 0 || (type & BTRFS_BLOCK_GROUP_DATA) == 0 || within >= le64toh(chunk.length))
    return std::nullopt;
  return Logical{start + within, le64toh(chunk.length) - within};
}

struct Reference {
  uint64_t inode = 0;
  uint64_t offset_bytes = 0;
  uint64_t root = 0;
};

// The one reference to a logical address, if there is but one.
std::optional<Reference> ReferenceTo(int fd, uint64_t logical) {
  Container<std::array<uint64_t, 3 * kMaxReferences>> found;
  btrfs_ioctl_logical_ino_args args{};
  args.logical = logical;
  args.size = sizeof(found);
  args.inodes = reinterpret_cast<uintptr_t>(&found);
  if (::ioctl(fd, BTRFS_IOC_LOGICAL_INO, &args) != 0) return std::nullopt;
  if (found.count != 3 || found.missed != 0) return std::nullopt;
  return Reference{found.values[0], found.values[1], found.values[2]};
}

// The subvolume that a descriptor is in.
std::optional<uint64_t> RootOf(int fd) {
  auto args = std::make_unique<btrfs_ioctl_ino_lookup_args>();
  args->objectid = BTRFS_FIRST_FREE_OBJECTID;
  if (::ioctl(fd, BTRFS_IOC_INO_LOOKUP, args.get()) != 0) return std::nullopt;
  return args->treeid;
}

// From the root of the subvolume that the descriptor is in.
std::optional<std::string> PathOf(int fd, uint64_t inode) {
  auto found = std::make_unique<ByteContainer>();
  btrfs_ioctl_ino_path_args args{};
  args.inum = inode;
  args.size = sizeof(ByteContainer);
  args.fspath = reinterpret_cast<uintptr_t>(found.get());
  if (::ioctl(fd, BTRFS_IOC_INO_PATHS, &args) != 0 || found->count == 0) return std::nullopt;
  const std::string_view values(found->values.data(), found->values.size());
  uint64_t at = 0;  // of the first path, from where the values begin
  std::memcpy(&at, values.data(), sizeof(at));
  const size_t end = at < values.size() ? values.find('\0', at) : values.npos;
  if (end == values.npos) return std::nullopt;
  return std::string(values.substr(at, end - at));
}

// The one file that all of the place belongs to.
std::optional<SectorOwner> OwnerOf(int fd, uint64_t device_id, uint64_t block_bytes, const Range& place) {
  const uint64_t length = std::max<uint64_t>(place.length_bytes.value_or(1), 1);
  const auto logical = LogicalOf(fd, device_id, place.offset_bytes);
  if (!logical || length > logical->bytes_left || length / block_bytes >= kMaxBlocks) return std::nullopt;
  const auto first = ReferenceTo(fd, logical->address);
  if (!first) return std::nullopt;
  bool in_pieces = false;
  const uint64_t aligned = logical->address - logical->address % block_bytes;
  for (uint64_t at = aligned + block_bytes; at < logical->address + length; at += block_bytes) {
    const auto next = ReferenceTo(fd, at);
    if (!next || next->inode != first->inode || next->root != first->root) return std::nullopt;
    if (next->offset_bytes - first->offset_bytes != at - logical->address) in_pieces = true;
  }
  SectorOwner owner{.inode = first->inode, .generation = {}, .range = {}, .path = {}};
  if (!in_pieces) owner.range = Range{.offset_bytes = first->offset_bytes, .length_bytes = place.length_bytes};
  if (RootOf(fd) == first->root) owner.path = PathOf(fd, first->inode);
  return owner;
}

}  // namespace

OwnerResult FindBtrfsOwner(int directory_fd, DeviceNumber device, const Range& place) {
  const auto device_id = DeviceIdOf(directory_fd, device);
  struct stat directory {};
  if (!device_id || ::fstat(directory_fd, &directory) != 0 || directory.st_blksize < 512) return {};
  OwnerResult result;
  result.owner = OwnerOf(directory_fd, *device_id, static_cast<uint64_t>(directory.st_blksize), place);
  return result;
}

}  // namespace fsherald
