// SPDX-License-Identifier: MIT
#include "filesystem/ext4_walk.h"

#include <string>

#include "filesystem/test_ext4_image.h"

namespace fsherald {
namespace {

namespace files = std::filesystem;
using std::chrono::steady_clock;

class Ext4WalkTest : public Ext4ImageTest {
 protected:
  WalkResult Find(uint64_t inode) const {
    const auto result = FindExt4Path(image(), inode, steady_clock::now() + std::chrono::minutes(1));
    EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().ToString());
    return result.value_or(WalkResult{});
  }
  // The path, "(none)" where the whole walk did not find it, "(gave up)" where it ended early.
  std::string PathOf(uint64_t inode) const {
    const WalkResult result = Find(inode);
    return result.path.value_or(result.complete ? "(none)" : "(gave up)");
  }
};

class Ext4WalkFormatTest : public Ext4WalkTest, public testing::WithParamInterface<const char*> {};

TEST_P(Ext4WalkFormatTest, FindsFilesAndDirectoriesOfEveryDepth) {
  AddFile("top");
  AddFile("a/b/c/deep");
  for (int i = 0; i < 300; ++i) AddFile("many/a rather long name of file number " + std::to_string(i));
  MakeImage(GetParam(), "64m");

  EXPECT_EQ(PathOf(InodeOf("top")), "top");
  EXPECT_EQ(PathOf(InodeOf("a/b/c/deep")), "a/b/c/deep");
  EXPECT_EQ(PathOf(InodeOf("a/b")), "a/b");
  EXPECT_EQ(PathOf(InodeOf("lost+found")), "lost+found");
  for (int i : {0, 150, 299}) {
    const std::string path = "many/a rather long name of file number " + std::to_string(i);
    EXPECT_EQ(PathOf(InodeOf("\"" + path + "\"")), path);
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, Ext4WalkFormatTest,
                         testing::Values("-t ext4 -b 4096", "-t ext4 -b 1024", "-t ext2 -b 1024",
                                         "-t ext2 -O ^filetype", "-t ext4 -O inline_data", "-t ext4 -O ^extents,^64bit",
                                         "-t ext4 -O bigalloc -C 16384", "-t ext2 -b 65536 -N 2000"),
                         [](const auto& parameter) { return "Format" + std::to_string(parameter.index); });

TEST_F(Ext4WalkTest, TheRootHasAnEmptyPath) {
  MakeImage();
  EXPECT_EQ(PathOf(2), "");
}

TEST_F(Ext4WalkTest, TellsTheGenerationOfTheInode) {
  AddFile("file");
  MakeImage();
  Debugfs("sif /file generation 4711");
  EXPECT_EQ(Find(InodeOf("file")).generation, 4711U);
}

TEST_F(Ext4WalkTest, OfSeveralHardLinksTheNearestToTheRootIsTold) {
  AddFile("a/b/first");
  AddFile("z/other");
  files::create_hard_link(tree() + "/a/b/first", tree() + "/z/second");
  MakeImage();
  EXPECT_EQ(PathOf(InodeOf("a/b/first")), "z/second");
}

TEST_F(Ext4WalkTest, InodesWithoutANameAreNotFound) {
  AddFile("file");
  MakeImage();
  const uint64_t inode = InodeOf("file");
  Debugfs("unlink /file");
  EXPECT_EQ(PathOf(inode), "(none)");
  EXPECT_EQ(PathOf(8), "(none)") << "the journal";
  EXPECT_EQ(PathOf(0), "(none)");
  EXPECT_EQ(PathOf(1U << 31), "(none)") << "more than the file system has";
  EXPECT_EQ(PathOf(uint64_t{1} << 40), "(none)") << "more than 32 bits";
}

TEST_F(Ext4WalkTest, ADeadlineInThePastGivesNothingAndSaysSo) {
  AddFile("file");
  MakeImage();
  const auto result = FindExt4Path(image(), InodeOf("file"), steady_clock::time_point{});
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->path, std::nullopt);
  EXPECT_FALSE(result->complete);
}

TEST_F(Ext4WalkTest, AFileThatIsNoFileSystemIsAnError) {
  std::ofstream(image()) << std::string(100000, 'x');
  EXPECT_FALSE(FindExt4Path(image(), 12, steady_clock::now() + std::chrono::minutes(1)).has_value());
  const auto missing = FindExt4Path(image() + "2", 12, steady_clock::now() + std::chrono::minutes(1));
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, ENOENT);
}

TEST_F(Ext4WalkTest, DamagedInodesAreFoundByTheirNames) {
  AddFile("d/mode");
  AddFile("d/checksum");
  AddFile("d/deleted");
  AddFile("d/extents");
  MakeImage();
  Debugfs("sif /d/mode mode 0xff");
  Debugfs("sif /d/checksum checksum 0x1234");
  Debugfs("sif /d/deleted links_count 0");
  Debugfs("sif /d/extents block[0] 0x1234");
  for (const char* name : {"d/mode", "d/checksum", "d/deleted", "d/extents"}) EXPECT_EQ(PathOf(InodeOf(name)), name);
}

TEST_F(Ext4WalkTest, LooksBelowADirectoryWhoseInodeIsDamaged) {
  AddFile("mode/file");
  AddFile("checksum/file");
  MakeImage();
  const uint64_t below_mode = InodeOf("mode/file");
  const uint64_t below_checksum = InodeOf("checksum/file");
  Debugfs("sif /mode mode 0xff");
  Debugfs("sif /checksum checksum 0x1234");
  EXPECT_EQ(PathOf(below_mode), "mode/file");
  EXPECT_EQ(PathOf(below_checksum), "checksum/file");
}

TEST_F(Ext4WalkTest, GoesOnPastADirectoryThatItCannotRead) {
  AddFile("damaged/hidden");
  AddFile("z/file");
  MakeImage();
  const uint64_t hidden = InodeOf("damaged/hidden");
  Debugfs("sif /damaged block[0] 0x1234");
  EXPECT_EQ(PathOf(hidden), "(none)");
  EXPECT_EQ(PathOf(InodeOf("z/file")), "z/file");
}

TEST_F(Ext4WalkTest, ReadsADirectoryUpToItsDamagedEntry) {
  for (const char* name : {"d/one", "d/two", "d/three", "z/file"}) AddFile(name);
  MakeImage("-t ext4 -b 4096");
  std::array<uint64_t, 3> inodes = {InodeOf("d/one"), InodeOf("d/two"), InodeOf("d/three")};
  const uint64_t block = FirstBlockOf("d");
  const std::string bytes = BlockOf(block, 4096);
  const size_t one = bytes.find("one"), two = bytes.find("two"), three = bytes.find("three");
  const size_t middle = std::max(std::min(one, two), std::min(std::max(one, two), three));
  Overwrite(block * 4096 + middle - 4, std::string_view("\0\0", 2));  // its rec_len

  int found = 0;
  for (uint64_t inode : inodes) found += PathOf(inode) != "(none)";
  EXPECT_EQ(found, 1);
  EXPECT_EQ(PathOf(InodeOf("z/file")), "z/file");
}

TEST_F(Ext4WalkTest, ALinkToAnAncestorIsNoEndlessLoop) {
  AddFile("a/b/file");
  MakeImage();
  Debugfs("ln /a /a/b/loop");
  EXPECT_EQ(PathOf(InodeOf("a/b/file")), "a/b/file");
  EXPECT_EQ(PathOf(4000), "(none)");
}

TEST_F(Ext4WalkTest, ANameThatNoFileCanHaveIsNotTold) {
  AddFile("d/file");
  MakeImage("-t ext4 -b 4096");
  const uint64_t inode = InodeOf("d/file");
  const uint64_t block = FirstBlockOf("d");
  Overwrite(block * 4096 + BlockOf(block, 4096).find("file"), "f/le");
  EXPECT_EQ(PathOf(inode), "(none)");
}

TEST_F(Ext4WalkTest, NamesInAnEncryptedDirectoryAreNotTold) {
  AddFile("d/file");
  MakeImage("-t ext4 -O encrypt");
  const uint64_t inode = InodeOf("d/file");
  Debugfs("sif /d flags 0x80800");
  EXPECT_EQ(PathOf(inode), "(none)");
}

TEST_F(Ext4WalkTest, BlocksBeyondTheDeviceAreLeftOut) {
  for (int i = 0; i < 20; ++i) AddFile("cut" + std::to_string(i) + "/file");
  MakeImage("-t ext4 -b 4096");
  const uint64_t last = InodeOf("cut19/file");
  const uint64_t block = FirstBlockOf("cut19");
  ASSERT_EQ(::truncate(image().c_str(), static_cast<off_t>(block * 4096)), 0);
  EXPECT_EQ(PathOf(last), "(none)");
  EXPECT_EQ(PathOf(InodeOf("cut0")), "cut0");
}

TEST_F(Ext4WalkTest, AnyByteOfADirectoryMayBeDamaged) {
  for (int i = 0; i < 5; ++i) AddFile("d/" + std::to_string(i) + "/file");
  MakeImage("-t ext4 -b 1024", "4m");
  const uint64_t directory = InodeOf("d");
  const uint64_t block = FirstBlockOf("d");
  const std::string good = BlockOf(block, 1024);
  for (size_t offset = 0; offset < 160; ++offset) {
    for (char byte : {'\0', '\xff', '/'}) {
      SCOPED_TRACE(offset);
      std::string bad = good;
      bad[offset] = byte;
      Overwrite(block * 1024, bad);
      EXPECT_EQ(PathOf(directory), "d");
      EXPECT_EQ(PathOf(1000), "(none)");
    }
  }
}

}  // namespace
}  // namespace fsherald
