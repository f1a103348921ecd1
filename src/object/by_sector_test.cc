// SPDX-License-Identifier: MIT
// Real file systems on loop devices, in a mount namespace of the test's own.
#include "object/by_sector.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/fd.h"
#include "object/mount_entry.h"

namespace fsherald {
namespace {

namespace files = std::filesystem;
using std::chrono::steady_clock;

class BySectorTest : public testing::Test {
 protected:
  void TearDown() override {
    if (directory_.empty()) return;
    ::umount2(mount().c_str(), MNT_DETACH);
    files::remove_all(directory_);
  }

  // Mounts a fresh file system with d/file (256 KiB) in it.
  void Mount(const std::string& type, const std::string& mkfs, const std::string& size = "320M") {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, to mount a file system";
    static const bool entered =
        ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    if (!entered) GTEST_SKIP() << "no mount namespace of its own: " << std::strerror(errno);
    std::string name = (files::canonical(files::temp_directory_path()) / "fsherald_sector.XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
    files::create_directory(mount());
    const std::string command = "PATH=$PATH:/sbin:/usr/sbin; cd " + directory_ + " && truncate -s " + size +
                                " image && " + mkfs + " image >/dev/null 2>&1 && mount -o loop -t " + type +
                                " image mnt";
    if (std::system(command.c_str()) != 0) GTEST_SKIP() << "cannot make and mount: " << mkfs;
    files::create_directory(mount() + "/d");
    std::ofstream(file()) << std::string(kFileBytes, 'x');
    const Fd written(::open(file().c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_EQ(::syncfs(written.get()), 0);
    query_ = MakeQuery(type);
  }

  std::string mount() const { return directory_ + "/mnt"; }
  std::string file() const { return mount() + "/d/file"; }
  uint64_t inode() const {
    struct stat status {};
    EXPECT_EQ(::stat(file().c_str(), &status), 0);
    return status.st_ino;
  }

  // Where on the device a byte of the file is. (Of btrfs: where in its address space, the same in its first chunk of data.)
  uint64_t PlaceOf(uint64_t offset) const {
    alignas(fiemap) std::byte memory[sizeof(fiemap) + sizeof(fiemap_extent)] = {};
    auto& map = *reinterpret_cast<fiemap*>(memory);
    map.fm_start = offset;
    map.fm_length = 1;
    map.fm_extent_count = 1;
    const Fd fd(::open(file().c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(::ioctl(fd.get(), FS_IOC_FIEMAP, &map), 0);
    EXPECT_EQ(map.fm_mapped_extents, 1U);
    return map.fm_extents[0].fe_physical + offset - map.fm_extents[0].fe_logical;
  }

  FoundPath Find(const Range& place) const {
    PathQuery query = query_;
    query.place = place;
    const FoundOwner owner = FindBySector(query, DeviceNode(), "/proc", steady_clock::now() + std::chrono::minutes(1));
    EXPECT_TRUE(owner.complete);
    return owner.found;
  }

  static constexpr size_t kFileBytes = size_t{256} << 10;
  PathQuery query_;

 private:
  std::string DeviceNode() const { return "/dev/" + query_.filesystem.device; }

  PathQuery MakeQuery(const std::string& type) const {
    PathQuery query;
    query.filesystem_key = 1;
    query.filesystem.type = type;
    query.filesystem.mounts = {mount()};
    struct stat root {};
    EXPECT_EQ(::stat(mount().c_str(), &root), 0);
    query.filesystem.dev = DeviceNumber{::major(root.st_dev), ::minor(root.st_dev)};
    struct statfs statistics {};
    EXPECT_EQ(::statfs(mount().c_str(), &statistics), 0);
    std::array<uint32_t, 2> words{};
    std::memcpy(words.data(), &statistics.f_fsid, sizeof(words));
    query.filesystem.fsid = Fsid{words[0], words[1]};
    query.access_path = mount();
    query.access_is_root = true;
    query.module = &ModuleOf(type);
    const std::string source = SourceOf(mount());
    struct stat node {};
    EXPECT_EQ(::stat(source.c_str(), &node), 0) << source;
    query.place_on = DeviceNumber{::major(node.st_rdev), ::minor(node.st_rdev)};
    query.filesystem.device = source.substr(source.rfind('/') + 1);
    return query;
  }

  static std::string SourceOf(const std::string& mount_point) {
    std::ifstream mounts("/proc/self/mounts");
    std::string source;
    for (std::string device, path, rest; mounts >> device >> path && std::getline(mounts, rest);)
      if (path == mount_point) source = device;
    return source;
  }

  std::string directory_;
};

TEST_F(BySectorTest, AFileOfExt4IsFoundWithItsPathAndItsBytes) {
  Mount("ext4", "mke2fs -q -F -t ext4", "32M");
  if (IsSkipped()) return;
  const FoundPath found = Find({PlaceOf(65536), 4096});
  EXPECT_EQ(found.inode, inode());
  EXPECT_EQ(found.range, (Range{65536, 4096}));
  EXPECT_EQ(found.path, file());
  EXPECT_EQ(found.source, PathSource::kHandle);
  EXPECT_NE(found.generation, std::nullopt);
  EXPECT_EQ(Find({0, 4096}), FoundPath{}) << "the superblock";
}

TEST_F(BySectorTest, APlaceOnAnotherDeviceOfExt4IsNobodys) {
  Mount("ext4", "mke2fs -q -F -t ext4", "32M");
  if (IsSkipped()) return;
  query_.place_on = DeviceNumber{8, 0};
  EXPECT_EQ(Find({PlaceOf(0), 4096}), FoundPath{});
}

TEST_F(BySectorTest, AFileOfXfsIsFoundWhereTheKernelKeepsOwners) {
  Mount("xfs", "mkfs.xfs -q -f -m rmapbt=1");
  if (IsSkipped()) return;
  const FoundPath found = Find({PlaceOf(65536), 4096});
  EXPECT_EQ(found.inode, inode());
  EXPECT_EQ(found.range, (Range{65536, 4096}));
  EXPECT_EQ(found.path, file());
  EXPECT_EQ(found.source, PathSource::kHandle);
  const Fd fd(::open(file().c_str(), O_PATH | O_CLOEXEC));
  EXPECT_EQ(found.generation, HandleOf(fd.get()).value().generation);
  EXPECT_EQ(Find({0, 4096}), FoundPath{}) << "the superblock";
  EXPECT_EQ(Find({uint64_t{300} << 20, 4096}), FoundPath{}) << "free, or the log";
}

TEST_F(BySectorTest, AnXfsWithoutOwnersTellsNone) {
  Mount("xfs", "mkfs.xfs -q -f -m rmapbt=0");
  if (IsSkipped()) return;
  EXPECT_EQ(Find({PlaceOf(65536), 4096}), FoundPath{});
}

TEST_F(BySectorTest, AnExtentOfXfsThatTwoFilesShareIsNobodys) {
  Mount("xfs", "mkfs.xfs -q -f -m rmapbt=1,reflink=1");
  if (IsSkipped()) return;
  const Fd from(::open(file().c_str(), O_RDONLY | O_CLOEXEC));
  const Fd to(::open((mount() + "/clone").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(::ioctl(to.get(), FICLONE, from.get()), 0) << std::strerror(errno);
  ASSERT_EQ(::syncfs(to.get()), 0);
  EXPECT_EQ(Find({PlaceOf(65536), 4096}), FoundPath{});
}

TEST_F(BySectorTest, AFileOfBtrfsIsFoundWithThePathThatTheKernelTells) {
  Mount("btrfs", "mkfs.btrfs -q -f -d single -m dup");
  if (IsSkipped()) return;
  const FoundPath found = Find({PlaceOf(65536), 8192});
  EXPECT_EQ(found.inode, inode());
  EXPECT_EQ(found.range, (Range{65536, 8192}));
  EXPECT_EQ(found.path, file());
  EXPECT_EQ(found.source, PathSource::kIoctl);
  EXPECT_EQ(Find({65536, 4096}), FoundPath{}) << "the superblock";
}

TEST_F(BySectorTest, AnExtentOfBtrfsThatTwoFilesShareIsNobodys) {
  Mount("btrfs", "mkfs.btrfs -q -f -d single -m dup");
  if (IsSkipped()) return;
  const Fd from(::open(file().c_str(), O_RDONLY | O_CLOEXEC));
  const Fd to(::open((mount() + "/clone").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(::ioctl(to.get(), FICLONE, from.get()), 0) << std::strerror(errno);
  ASSERT_EQ(::syncfs(to.get()), 0);
  EXPECT_EQ(Find({PlaceOf(65536), 4096}), FoundPath{});
}

TEST_F(BySectorTest, AFileSystemThatIsGoneHasNoOwners) {
  Mount("ext4", "mke2fs -q -F -t ext4", "32M");
  if (IsSkipped()) return;
  const uint64_t place = PlaceOf(0);
  query_.filesystem.fsid->word0 ^= 1;
  EXPECT_EQ(Find({place, 4096}), FoundPath{});
}

TEST_F(BySectorTest, NothingKeepsTheFileSystemMounted) {
  Mount("xfs", "mkfs.xfs -q -f -m rmapbt=1");
  if (IsSkipped()) return;
  Find({PlaceOf(65536), 4096});
  EXPECT_EQ(::umount2(mount().c_str(), 0), 0) << std::strerror(errno);
}

TEST_F(BySectorTest, TheHandleOfAnXfsFileNeedsItsGeneration) {
  Mount("xfs", "mkfs.xfs -q -f -m rmapbt=1");
  if (IsSkipped()) return;
  const Fd root(::open(mount().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const Fd fd(::open(file().c_str(), O_PATH | O_CLOEXEC));
  InodeHandle handle = HandleOf(fd.get()).value();
  EXPECT_EQ(handle.inode, inode());
  EXPECT_EQ(handle.type, kXfsHandleType);
  EXPECT_TRUE(OpenHandle(root.get(), handle));
  ++handle.generation;
  EXPECT_FALSE(OpenHandle(root.get(), handle));
}

}  // namespace
}  // namespace fsherald
