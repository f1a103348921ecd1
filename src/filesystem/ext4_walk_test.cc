// SPDX-License-Identifier: MIT
#include "filesystem/ext4_walk.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "base/fd.h"

namespace fsherald {
namespace {

namespace files = std::filesystem;
using std::chrono::steady_clock;

std::string OutputOf(const std::string& command) {
  std::string output;
  const std::string line = "PATH=$PATH:/sbin:/usr/sbin; " + command + " 2>&1";
  std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(line.c_str(), "r"), &::pclose);
  std::array<char, 4096> bytes{};
  for (size_t size = 1; pipe && size > 0;) {
    size = std::fread(bytes.data(), 1, bytes.size(), pipe.get());
    output.append(bytes.data(), size);
  }
  return output;
}

// An image made of the files below `tree`, which the test fills first. All is removed in the end.
class Ext4WalkTest : public testing::Test {
 protected:
  void SetUp() override {
    if (OutputOf("command -v mke2fs && command -v debugfs").find("debugfs") == std::string::npos) {
      GTEST_SKIP() << "mke2fs and debugfs (package e2fsprogs) are not installed";
    }
    std::string name = (files::temp_directory_path() / "fsherald_walk.XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
    files::create_directory(tree());
  }
  void TearDown() override {
    if (!directory_.empty()) files::remove_all(directory_);
  }

  std::string tree() const { return directory_ + "/tree"; }
  std::string image() const { return directory_ + "/image"; }

  void AddFile(const std::string& path) const {
    files::create_directories(files::path(tree() + "/" + path).parent_path());
    std::ofstream(tree() + "/" + path) << path;
  }
  void MakeImage(const std::string& options = "", const std::string& size = "16m") const {
    std::ofstream{image()};  // or else mke2fs says that it makes it
    const std::string output = OutputOf("mke2fs -q -F " + options + " -d " + tree() + " " + image() + " " + size);
    ASSERT_EQ(output.find("mke2fs:"), std::string::npos) << output;
  }
  std::string Debugfs(const std::string& request) const {
    return OutputOf("debugfs -w -R '" + request + "' " + image());
  }
  uint64_t InodeOf(const std::string& path) const {
    const std::string stat = Debugfs("stat /" + path);
    const size_t at = stat.find("Inode: ");
    return at == std::string::npos ? 0 : std::stoull(stat.substr(at + 7));
  }
  uint64_t FirstBlockOf(const std::string& path) const {
    const std::string blocks = Debugfs("blocks /" + path);
    return std::stoull(blocks.substr(blocks.rfind('\n', blocks.size() - 2) + 1));
  }
  void Overwrite(uint64_t offset, std::string_view bytes) const {
    Fd fd(::open(image().c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(::pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)),
              static_cast<ssize_t>(bytes.size()));
  }
  std::string BlockOf(uint64_t block, uint64_t block_bytes) const {
    std::string bytes(block_bytes, '\0');
    Fd fd(::open(image().c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(::pread(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(block * block_bytes)),
              static_cast<ssize_t>(block_bytes));
    return bytes;
  }

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

 private:
  std::string directory_;
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
