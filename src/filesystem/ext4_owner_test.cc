// SPDX-License-Identifier: MIT
#include "filesystem/ext4_owner.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "filesystem/test_ext4_image.h"

namespace fsherald {
namespace {

using std::chrono::steady_clock;

steady_clock::time_point Later() { return steady_clock::now() + std::chrono::minutes(1); }

class Ext4OwnerTest : public Ext4ImageTest {
 protected:
  static constexpr uint64_t kBlock = 1024;

  OwnerResult Find(const Range& place) const {
    const auto result = FindExt4Owner(image(), place, Later());
    EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().ToString());
    return result.value_or(OwnerResult{});
  }
  std::optional<SectorOwner> OwnerOf(uint64_t block, uint64_t count = 1) const {
    const OwnerResult result = Find({block * kBlock, count * kBlock});
    EXPECT_TRUE(result.complete);
    return result.owner;
  }
  // What debugfs says of the blocks of a file, in the order of the file.
  std::vector<uint64_t> BlocksOf(const std::string& path) const {
    std::string said = Debugfs("blocks " + path);
    std::istringstream text(said.substr(said.find('\n') + 1));
    return {std::istream_iterator<uint64_t>(text), {}};
  }
  uint64_t BlockAfter(const std::string& request, const std::string& words) const {
    const std::string said = Debugfs(request);
    const size_t at = said.find(words);
    EXPECT_NE(at, std::string::npos) << said;
    return at == std::string::npos ? 0 : std::stoull(said.substr(at + words.size()));
  }
  void AddBytes(const std::string& path, size_t size) const {
    AddFile(path);
    std::ofstream(tree() + "/" + path) << std::string(size, 'x');
  }
  // One block in two: as many extents as blocks.
  void AddSparse(const std::string& path, int blocks) const {
    AddFile(path);
    std::ofstream file(tree() + "/" + path, std::ios::in | std::ios::out);
    for (int i = 0; i < blocks; ++i) {
      file.seekp(static_cast<std::streamoff>(2 * i * kBlock));
      file << std::string(kBlock, static_cast<char>('a' + i % 26));
    }
  }
};

class Ext4OwnerFormatTest : public Ext4OwnerTest, public testing::WithParamInterface<const char*> {};

TEST_P(Ext4OwnerFormatTest, EachBlockOfAFileIsItsOwnWithItsPlaceInTheFile) {
  AddBytes("d/small", 500);           // too many for the inode itself
  AddBytes("d/large", 700 * kBlock);  // with pointers, of three levels
  MakeImage(std::string("-b 1024 ") + GetParam(), "16m");
  Debugfs("sif /d/large generation 4711");
  const uint64_t small = InodeOf("d/small");
  const uint64_t large = InodeOf("d/large");
  EXPECT_EQ(OwnerOf(FirstBlockOf("d/small"))->inode, small);
  for (const uint64_t logical : {0, 11, 12, 267, 268, 699}) {
    const uint64_t block = BlockAfter("bmap /d/large " + std::to_string(logical), "\n");
    EXPECT_EQ(OwnerOf(block), (SectorOwner{large, 4711, Range{logical * kBlock, kBlock}, {}})) << logical;
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, Ext4OwnerFormatTest,
                         testing::Values("-t ext4", "-t ext4 -O ^metadata_csum", "-t ext4 -I 128 -O ^metadata_csum",
                                         "-t ext4 -I 128", "-t ext4 -O ^extents,^64bit", "-t ext2", "-t ext3",
                                         "-t ext4 -O inline_data", "-t ext4 -O meta_bg,^resize_inode"),
                         [](const auto& parameter) { return "Format" + std::to_string(parameter.index); });

TEST_F(Ext4OwnerTest, ADirectoryOwnsItsBlocks) {
  AddFile("d/file");
  MakeImage("-t ext4 -b 1024");
  EXPECT_EQ(OwnerOf(FirstBlockOf("d"))->inode, InodeOf("d"));
  EXPECT_EQ(OwnerOf(BlocksOf("/").front())->inode, 2U) << "the root directory";
}

TEST_F(Ext4OwnerTest, PartOfABlockIsAPartOfTheFile) {
  AddBytes("file", 8 * kBlock);
  MakeImage("-t ext4 -b 4096");
  const uint64_t first = FirstBlockOf("file");
  EXPECT_EQ(Find({first * 4096 + 4096 + 512, 1024}).owner->range, (Range{4096 + 512, 1024}));
  EXPECT_EQ(Find({first * 4096 + 512, std::nullopt}).owner->range, (Range{512, std::nullopt}));
}

TEST_F(Ext4OwnerTest, ABlockOfTheExtentTreeIsTheFilesButNoneOfItsBytes) {
  AddSparse("sparse", 500);
  MakeImage("-t ext4 -b 1024");
  const uint64_t sparse = InodeOf("sparse");
  const std::string tree = Debugfs("ex /sparse");
  ASSERT_NE(tree.find("2/ 2"), std::string::npos) << "500 extents are a tree of three levels; " << tree;
  uint64_t data = 0;
  uint64_t map = 0;
  for (const uint64_t block : BlocksOf("/sparse")) {
    const auto owner = OwnerOf(block);
    ASSERT_TRUE(owner) << block;
    EXPECT_EQ(owner->inode, sparse);
    ++(owner->range ? data : map);
  }
  EXPECT_EQ(data, 500U);
  EXPECT_GE(map, 7U);
  EXPECT_EQ(OwnerOf(BlockAfter("bmap /sparse 998", "\n"))->range, (Range{998 * kBlock, kBlock}));
}

TEST_F(Ext4OwnerTest, WhatIsTheFileSystemsOwnHasNoOwner) {
  AddFile("file");
  MakeImage("-t ext4 -b 1024");
  EXPECT_EQ(OwnerOf(0), std::nullopt) << "the boot sector";
  EXPECT_EQ(OwnerOf(1), std::nullopt) << "the superblock";
  EXPECT_EQ(OwnerOf(2), std::nullopt) << "a group descriptor";
  EXPECT_EQ(OwnerOf(BlockAfter("stats", "block bitmap at ")), std::nullopt);
  EXPECT_EQ(OwnerOf(BlockAfter("stats", "inode bitmap at ")), std::nullopt);
  EXPECT_EQ(OwnerOf(BlockAfter("stats", "inode table at ")), std::nullopt);
  EXPECT_EQ(OwnerOf(8193), std::nullopt) << "a copy of the superblock";
  EXPECT_EQ(OwnerOf(BlocksOf("<8>").front()), std::nullopt) << "the journal";
}

TEST_F(Ext4OwnerTest, NobodyOwnsWhatIsFreeOrBeyondTheEnd) {
  AddBytes("file", kBlock);
  MakeImage("-t ext4 -b 1024");
  const uint64_t block = FirstBlockOf("file");
  EXPECT_EQ(OwnerOf(16 * 1024 - 1), std::nullopt);
  EXPECT_EQ(OwnerOf(16 * 1024), std::nullopt);
  EXPECT_EQ(Find({UINT64_MAX - 1, 4096}).owner, std::nullopt);
  EXPECT_EQ(Find({0, UINT64_MAX}).owner, std::nullopt);
  ASSERT_TRUE(OwnerOf(block));
  Debugfs("rm /file");
  EXPECT_EQ(OwnerOf(block), std::nullopt);
}

TEST_F(Ext4OwnerTest, APlaceOfTwoFilesHasNoOwner) {
  AddBytes("a", kBlock);
  AddBytes("b", kBlock);
  MakeImage("-t ext4 -b 1024");
  const uint64_t a = FirstBlockOf("a");
  const uint64_t b = FirstBlockOf("b");
  ASSERT_EQ(std::max(a, b) - std::min(a, b), 1U);
  EXPECT_EQ(OwnerOf(std::min(a, b), 2), std::nullopt);
  EXPECT_EQ(OwnerOf(a)->inode, InodeOf("a"));
}

TEST_F(Ext4OwnerTest, APlaceInSeveralPiecesOfAFileIsNoRangeOfIt) {
  AddSparse("sparse", 3);
  MakeImage("-t ext4 -b 1024");
  const std::vector<uint64_t> blocks = BlocksOf("/sparse");
  ASSERT_EQ(blocks.size(), 3U);
  ASSERT_EQ(blocks[2], blocks[0] + 2) << "side by side on the disk, though not in the file";
  const auto owner = OwnerOf(blocks[0], 3);
  ASSERT_TRUE(owner);
  EXPECT_EQ(owner->inode, InodeOf("sparse"));
  EXPECT_EQ(owner->range, std::nullopt);
}

TEST_F(Ext4OwnerTest, AnInodeWithItsDataInItOwnsNoBlock) {
  AddFile("tiny");
  MakeImage("-t ext4 -b 1024 -O inline_data");
  ASSERT_EQ(BlocksOf("/tiny").size(), 0U);
  const uint64_t tiny = InodeOf("tiny");
  for (uint64_t block = 0; block < 256; ++block) {
    const auto owner = OwnerOf(block);
    EXPECT_FALSE(owner && owner->inode == tiny) << block;
  }
}

TEST_F(Ext4OwnerTest, AnInodeWithAWrongChecksumOwnsNothing) {
  AddBytes("file", kBlock);
  MakeImage("-t ext4 -b 1024");
  const uint64_t block = FirstBlockOf("file");
  Debugfs("sif /file checksum 0x1234");
  EXPECT_EQ(OwnerOf(block), std::nullopt);
}

TEST_F(Ext4OwnerTest, ADeadlineInThePastGivesNothingAndSaysSo) {
  AddBytes("file", kBlock);
  MakeImage("-t ext4 -b 1024");
  const auto result = FindExt4Owner(image(), {FirstBlockOf("file") * kBlock, kBlock}, steady_clock::time_point{});
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->owner, std::nullopt);
  EXPECT_FALSE(result->complete);
}

TEST_F(Ext4OwnerTest, AFileThatIsNoFileSystemIsAnError) {
  std::ofstream(image()) << std::string(100000, 'x');
  EXPECT_FALSE(FindExt4Owner(image(), {0, 512}, Later()).has_value());
}

TEST_F(Ext4OwnerTest, AnExtentTreeThatLeadsIntoItselfEnds) {
  AddSparse("sparse", 500);
  AddBytes("later", kBlock);
  MakeImage("-t ext4 -b 1024 -O ^metadata_csum");
  const uint64_t later = FirstBlockOf("later");
  const std::vector<uint64_t> blocks = BlocksOf("/sparse");
  // Each block of the map, whatever its depth was, points to itself in every entry.
  for (const uint64_t block : blocks) {
    std::string bytes = BlockOf(block, kBlock);
    if (bytes.substr(0, 2) != "\x0a\xf3") continue;
    for (size_t at = 12; at + 12 <= kBlock; at += 12) {
      const uint32_t number = static_cast<uint32_t>(block);
      std::memcpy(bytes.data() + at + 4, &number, 4);
    }
    Overwrite(block * kBlock, bytes);
  }
  EXPECT_EQ(OwnerOf(later)->inode, InodeOf("later"));
}

TEST_F(Ext4OwnerTest, PointersThatLeadInACircleEndWithTheDeadline) {
  AddBytes("file", 700 * kBlock);
  MakeImage("-t ext2 -b 1024");
  const uint64_t triple = BlocksOf("/file").front();
  // The block of three levels points to itself 256 times: 256 * 256 * 256 reads.
  std::string bytes(kBlock, '\0');
  for (size_t at = 0; at < kBlock; at += 4) {
    const uint32_t number = static_cast<uint32_t>(triple);
    std::memcpy(bytes.data() + at, &number, 4);
  }
  Overwrite(triple * kBlock, bytes);
  Debugfs("sif /file block[TIND] " + std::to_string(triple));
  const auto deadline = steady_clock::now() + std::chrono::milliseconds(50);
  const auto result = FindExt4Owner(image(), {(16 * 1024 - 1) * kBlock, kBlock}, deadline);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->owner, std::nullopt);
  EXPECT_FALSE(result->complete);
}

TEST_F(Ext4OwnerTest, AnyByteOfAnInodeMayBeDamaged) {
  AddSparse("sparse", 10);
  MakeImage("-t ext4 -b 1024 -O ^metadata_csum");
  const uint64_t block = FirstBlockOf("sparse");
  const uint64_t inode = InodeOf("sparse");
  const std::string where = Debugfs("imap /sparse");
  const uint64_t table_block = std::stoull(where.substr(where.find("at block ") + 9));
  const size_t offset = std::stoul(where.substr(where.find("offset 0x") + 9), nullptr, 16);
  const std::string good = BlockOf(table_block, kBlock);
  for (size_t at = 0; at < 128; ++at) {
    for (const char byte : {'\0', '\x7f', '\xff'}) {
      SCOPED_TRACE(at);
      std::string bad = good;
      bad[offset + at] = byte;
      Overwrite(table_block * kBlock, bad);
      const auto owner = OwnerOf(block);
      EXPECT_TRUE(!owner || owner->inode == inode) << owner->inode;
    }
  }
}

}  // namespace
}  // namespace fsherald
