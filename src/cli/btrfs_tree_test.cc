// SPDX-License-Identifier: MIT
#include "cli/btrfs_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fsherald {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// As btrfs-progs 6.2 prints them, shortened.
constexpr const char* kFiles =
    "fs tree key (FS_TREE ROOT_ITEM 0) \n"
    "node 30457856 level 1 items 2 free space 114 generation 7 owner FS_TREE\n"
    "\tkey (256 INODE_ITEM 0) block 30416896 gen 7\n"
    "leaf 30416896 items 43 free space 696 generation 7 owner FS_TREE\n"
    "leaf 30416896 flags 0x1(WRITTEN) backref revision 1\n"
    "\titem 0 key (256 INODE_ITEM 0) itemoff 3835 itemsize 160\n"
    "\titem 1 key (256 DIR_ITEM 484954390) itemoff 16074 itemsize 37\n"
    "\t\tlocation key (999 INODE_ITEM 0) type DIR\n"
    "\t\tname: music\n"
    "\titem 2 key (256 DIR_INDEX 2) itemoff 15901 itemsize 34\n"
    "\t\tlocation key (259 INODE_ITEM 0) type DIR\n"
    "\t\ttransid 0 data_len 0 name_len 4\n"
    "\t\tname: music\n"
    "\titem 3 key (259 DIR_INDEX 2) itemoff 15867 itemsize 34\n"
    "\t\tlocation key (2590 INODE_ITEM 0) type FILE\n"
    "\t\tname: song.ogg\n"
    "leaf 30461952 items 38 free space 176 generation 7 owner FS_TREE\n"
    "leaf 30461952 flags 0x1(WRITTEN) backref revision 1\n"
    "\titem 0 key (2590 INODE_ITEM 0) itemoff 3762 itemsize 160\n"
    "\titem 1 key (2590 EXTENT_DATA 0) itemoff 3000 itemsize 53\n"
    "\t\tgeneration 7 type 1 (regular)\n"
    "\t\textent data disk byte 63971328 nr 8192\n";
constexpr const char* kChunks =
    "\titem 0 key (DEV_ITEMS DEV_ITEM 1) itemoff 3897 itemsize 98\n"
    "\titem 1 key (FIRST_CHUNK_TREE CHUNK_ITEM 30408704) itemoff 3673 itemsize 112\n"
    "\t\tlength 33554432 owner 2 stripe_len 65536 type METADATA|DUP\n"
    "\t\tnum_stripes 2 sub_stripes 1\n"
    "\t\t\tstripe 0 devid 1 offset 38797312\n"
    "\t\t\tdev_uuid 8cd4a1e8-2c4a-4b0e-9d5e-3b1a0e6f7c11\n"
    "\t\t\tstripe 1 devid 1 offset 72351744\n"
    "\titem 2 key (FIRST_CHUNK_TREE CHUNK_ITEM 63963136) itemoff 3561 itemsize 112\n"
    "\t\tlength 67108864 owner 2 stripe_len 65536 type DATA|single\n"
    "\t\t\tstripe 0 devid 1 offset 105906176\n";

TEST(BtrfsTree, FollowsAPath) {
  const BtrfsTree tree(kFiles, kChunks);
  EXPECT_EQ(tree.InodeOf(""), 256U);
  EXPECT_EQ(tree.InodeOf("music"), 259U);
  EXPECT_EQ(tree.InodeOf("music/song.ogg"), 2590U);
  EXPECT_EQ(tree.InodeOf("music/none"), std::nullopt);
  EXPECT_EQ(tree.InodeOf("song.ogg"), std::nullopt);
}

TEST(BtrfsTree, NamesTheLeafOfAnInodeAndTheFirstExtentOfAFile) {
  const BtrfsTree tree(kFiles, kChunks);
  EXPECT_EQ(tree.LeafOf(""), 30416896U);
  EXPECT_EQ(tree.LeafOf("music/song.ogg"), 30461952U);
  EXPECT_EQ(tree.LeafOf("music"), std::nullopt);
  EXPECT_EQ(tree.ExtentOf("music/song.ogg"), 63971328U);
  EXPECT_EQ(tree.ExtentOf("music"), std::nullopt);
}

TEST(BtrfsTree, FindsEachCopyOfALogicalAddress) {
  const BtrfsTree tree(kFiles, kChunks);
  EXPECT_THAT(tree.CopiesOf(30461952), ElementsAre(38797312 + 53248, 72351744 + 53248));
  EXPECT_THAT(tree.CopiesOf(63971328), ElementsAre(105906176 + 8192));
  EXPECT_THAT(tree.CopiesOf(5), IsEmpty());
  EXPECT_THAT(tree.CopiesOf(UINT64_MAX), IsEmpty());
}

TEST(BtrfsTree, AnyOtherTextSaysNothing) {
  for (const char* text :
       {"", "\n", "\t", "item ", "leaf \nitem 0 key (256 DIR_INDEX 2)\n\tlocation key (\n\tname: a"}) {
    const BtrfsTree tree(text, text);
    EXPECT_EQ(tree.InodeOf("a"), std::nullopt);
    EXPECT_EQ(tree.LeafOf("a"), std::nullopt);
    EXPECT_EQ(tree.ExtentOf("a"), std::nullopt);
    EXPECT_THAT(tree.CopiesOf(0), IsEmpty());
  }
}

}  // namespace
}  // namespace fsherald
