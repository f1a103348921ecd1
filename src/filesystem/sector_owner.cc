// SPDX-License-Identifier: MIT
#include "filesystem/sector_owner.h"

#include "filesystem/btrfs_owner.h"
#include "filesystem/ext4_owner.h"
#include "filesystem/xfs_owner.h"

namespace fsherald {
namespace {

constexpr OwnerFinder kFinders[] = {
    {.type = "ext4", .by_device = FindExt4Owner},  {.type = "ext3", .by_device = FindExt4Owner},
    {.type = "ext2", .by_device = FindExt4Owner},  {.type = "xfs", .by_ioctl = FindXfsOwner},
    {.type = "btrfs", .by_ioctl = FindBtrfsOwner},
};

}  // namespace

const OwnerFinder* FindOwnerFinder(std::string_view type) {
  for (const OwnerFinder& finder : kFinders) {
    if (finder.type == type) return &finder;
  }
  return nullptr;
}

}  // namespace fsherald
