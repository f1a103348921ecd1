// SPDX-License-Identifier: MIT
#include "filesystem/xfs_owner.h"

#include <linux/fsmap.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cstddef>
#include <span>

namespace fsherald {
namespace {

constexpr size_t kMaxMappings = 64;  // a place in more pieces has more than one owner, or cannot be told as a range
constexpr uint32_t kNotData = FMR_OF_ATTR_FORK | FMR_OF_EXTENT_MAP;

// Linux, fs/xfs/libxfs/xfs_fs.h (5.3): struct xfs_bulk_ireq and struct xfs_bulkstat.
struct BulkRequest {
  uint64_t inode = 0;
  uint32_t flags = 0;
  uint32_t wanted = 0;
  uint32_t got = 0;
  uint32_t group = 0;
  uint64_t reserved[5] = {};
};
struct BulkInode {
  uint64_t inode = 0;
  uint64_t size_blocks_flags[3] = {};
  int64_t times_s[4] = {};
  uint32_t generation = 0;
  uint32_t others[27] = {};
};
struct BulkAnswer {
  BulkRequest head;
  BulkInode inode;
};
static_assert(sizeof(BulkRequest) == 64);
static_assert(offsetof(BulkInode, generation) == 64);

constexpr size_t kBulkInodeBytes = 192;
struct BulkBuffer {
  BulkAnswer answer;
  uint8_t rest[kBulkInodeBytes];  // the kernel's record is longer than what is used of it
};
constexpr unsigned long kBulkstat = _IOR('X', 127, BulkRequest);

// dev_t as the kernel tells it to user space in 32 bits.
uint32_t EncodedDevice(DeviceNumber device) {
  return (device.minor & 0xff) | (device.major << 8) | ((device.minor & ~0xffU) << 12);
}

// struct fsmap_head with room for what is told behind it.
class Mappings {
 public:
  fsmap_head& head() { return *reinterpret_cast<fsmap_head*>(memory_); }
  std::span<const fsmap> told() { return std::span(head().fmh_recs, head().fmh_entries); }

 private:
  alignas(fsmap_head) std::byte memory_[sizeof(fsmap_head) + kMaxMappings * sizeof(fsmap)] = {};
};

struct Place {
  uint64_t first = 0;
  uint64_t last = 0;
};

bool Ask(int fd, DeviceNumber device, const Place& place, Mappings& answer) {
  fsmap_head& head = answer.head();
  head.fmh_count = kMaxMappings;
  fsmap& low = head.fmh_keys[0];
  fsmap& high = head.fmh_keys[1];
  low.fmr_device = high.fmr_device = EncodedDevice(device);
  low.fmr_physical = place.first;
  high.fmr_physical = place.last;
  high.fmr_owner = high.fmr_offset = UINT64_MAX;
  high.fmr_flags = UINT32_MAX;
  return ::ioctl(fd, FS_IOC_GETFSMAP, &head) == 0 && head.fmh_entries > 0 && head.fmh_entries < kMaxMappings;
}

// The one inode that all of the place belongs to. The mappings come in the order of their place.
std::optional<SectorOwner> OwnerOf(std::span<const fsmap> mappings, const Place& place, const Range& asked) {
  SectorOwner owner{.inode = mappings.front().fmr_owner, .generation = {}, .range = {}, .path = {}};
  std::optional<uint64_t> offset;  // of the place in the file, as the first mapping has it
  bool is_range = true;
  uint64_t next = place.first;  // all before it is the owner's
  for (const fsmap& mapping : mappings) {
    if ((mapping.fmr_flags & (FMR_OF_SPECIAL_OWNER | FMR_OF_SHARED)) != 0) return std::nullopt;
    if (mapping.fmr_owner != owner.inode || mapping.fmr_physical > next) return std::nullopt;
    const uint64_t here =
        mapping.fmr_offset - mapping.fmr_physical + place.first;  // modulo 2^64, as it may begin before
    if ((mapping.fmr_flags & kNotData) != 0 || (offset && *offset != here)) is_range = false;
    offset = here;
    next = std::max<uint64_t>(next, mapping.fmr_physical + mapping.fmr_length);
  }
  if (next <= place.last) return std::nullopt;
  if (is_range) owner.range = Range{.offset_bytes = *offset, .length_bytes = asked.length_bytes};
  return owner;
}

// Makes the kernel load the inode.
std::optional<uint32_t> GenerationOf(int fd, uint64_t inode) {
  BulkBuffer buffer{};
  BulkAnswer& answer = buffer.answer;
  answer.head.inode = inode;
  answer.head.wanted = 1;
  if (::ioctl(fd, kBulkstat, &answer.head) != 0 || answer.head.got != 1) return std::nullopt;
  if (answer.inode.inode != inode) return std::nullopt;  // it tells the next one in use
  return answer.inode.generation;
}

}  // namespace

OwnerResult FindXfsOwner(int directory_fd, DeviceNumber device, const Range& place) {
  const uint64_t length = std::max<uint64_t>(place.length_bytes.value_or(1), 1);
  if (place.offset_bytes > UINT64_MAX - length) return {};
  const Place bytes{place.offset_bytes, place.offset_bytes + length - 1};
  Mappings answer;
  if (!Ask(directory_fd, device, bytes, answer)) return {};
  OwnerResult result;
  result.owner = OwnerOf(answer.told(), bytes, place);
  // Only where it is the file's bytes that are damaged, and not its map.
  if (result.owner && result.owner->range) result.owner->generation = GenerationOf(directory_fd, result.owner->inode);
  return result;
}

}  // namespace fsherald
