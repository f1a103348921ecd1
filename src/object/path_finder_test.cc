// SPDX-License-Identifier: MIT
#include "object/path_finder.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <semaphore>
#include <string>
#include <utility>

#include "base/fd.h"
#include "filesystem/ext4_walk.h"
#include "object/mount_entry.h"

namespace fsherald {
namespace {

namespace files = std::filesystem;
using std::chrono::steady_clock;

uint64_t InodeOf(const std::string& path) {
  struct stat file {};
  EXPECT_EQ(::lstat(path.c_str(), &file), 0) << path;
  return file.st_ino;
}

DeviceNumber DeviceOf(const std::string& path) {
  struct stat file {};
  EXPECT_EQ(::lstat(path.c_str(), &file), 0) << path;
  return DeviceNumber{::major(file.st_dev), ::minor(file.st_dev)};
}

Fsid FsidOf(const std::string& path) {
  struct statfs statistics {};
  EXPECT_EQ(::statfs(path.c_str(), &statistics), 0) << path;
  std::array<uint32_t, 2> words{};
  std::memcpy(words.data(), &statistics.f_fsid, sizeof(words));
  return Fsid{words[0], words[1]};
}

Task ThisTask() {
  Task task;
  task.pid = static_cast<uint32_t>(::getpid());
  task.tid = static_cast<uint32_t>(::gettid());
  return task;
}

std::vector<PathFinder::Answer> WaitFor(PathFinder& finder) {
  pollfd event{finder.event_fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&event, 1, 30'000), 1);
  return finder.Collect();
}

// A module whose walk says what the test wants.
std::atomic<int> walks = 0;
std::binary_semaphore walk_may_end(0);

Result<WalkResult> FindAtOnce(const std::string&, WalkTarget target, steady_clock::time_point) {
  ++walks;
  if (target.inode == 404) return WalkResult{};
  WalkResult result{.path = "d/" + std::to_string(target.inode), .generation = {}, .complete = true};
  if (target.generation_wanted) result.generation = 7;
  return result;
}
Result<WalkResult> FindWhenTold(const std::string& device, WalkTarget target, steady_clock::time_point deadline) {
  walk_may_end.acquire();
  return FindAtOnce(device, target, deadline);
}

FilesystemModule ModuleWith(Result<WalkResult> (*find_path)(const std::string&, WalkTarget, steady_clock::time_point)) {
  FilesystemModule module{};
  module.find_path = find_path;
  module.opens_any_generation = true;
  return module;
}

// A directory stands for the mount point of a file system, a file in it for the device.
class PathFinderTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (files::canonical(files::temp_directory_path()) / "fsherald_path.XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
    files::create_directories(directory_ + "/dev");
    files::create_directories(directory_ + "/mnt");
    std::ofstream(directory_ + "/dev/image") << "device";
    walks = 0;
    Start();
  }
  void TearDown() override {
    finder_.reset();
    files::remove_all(directory_);
  }

  void Start() {
    PathFinder::Options options;
    options.dev_root = directory_ + "/dev";
    options.max_waiting = 2;
    options.now = [this] { return now_; };
    auto finder = PathFinder::Start(options);
    ASSERT_TRUE(finder.has_value());
    finder_ = *std::move(finder);
  }

  std::string mount() const { return directory_ + "/mnt"; }
  PathFinder& finder() { return *finder_; }

  PathQuery QueryFor(uint64_t inode, const FilesystemModule* module = nullptr) const {
    PathQuery query;
    query.filesystem_key = 1;
    query.filesystem.fsid = FsidOf(mount());
    query.filesystem.device = "image";
    query.filesystem.mounts = {mount()};
    query.access_path = mount();
    query.access_is_root = true;
    query.module = module;
    query.inode = inode;
    query.loadable = false;
    return query;
  }

  steady_clock::time_point now_{std::chrono::hours(1)};

 private:
  std::string directory_;
  std::unique_ptr<PathFinder> finder_;
};

TEST_F(PathFinderTest, AFileThatTheTaskHasOpenIsFound) {
  files::create_directory(mount() + "/open");
  const Fd file(::open((mount() + "/open").c_str(), O_RDONLY | O_CLOEXEC));
  PathQuery query = QueryFor(InodeOf(mount() + "/open"));
  query.task = ThisTask();

  const auto found = finder().FindNow(query);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->path, mount() + "/open");
  EXPECT_EQ(found->source, PathSource::kOpenFile);
}

TEST_F(PathFinderTest, AnOpenFileThatWasUnlinkedHasNoPath) {
  files::create_directory(mount() + "/gone");
  const Fd file(::open((mount() + "/gone").c_str(), O_RDONLY | O_CLOEXEC));
  PathQuery query = QueryFor(InodeOf(mount() + "/gone"));
  files::remove(mount() + "/gone");
  files::create_directory(mount() + "/gone (deleted)");
  query.task = ThisTask();
  EXPECT_EQ(finder().FindNow(query), std::nullopt);
}

TEST_F(PathFinderTest, AnOpenFileOfAnotherFileSystemIsNotTakenForIt) {
  files::create_directory(mount() + "/open");
  const Fd file(::open((mount() + "/open").c_str(), O_RDONLY | O_CLOEXEC));
  PathQuery query = QueryFor(InodeOf(mount() + "/open"));
  query.task = ThisTask();
  query.filesystem.fsid->word0 ^= 1;
  EXPECT_EQ(finder().FindNow(query), std::nullopt);
}

TEST_F(PathFinderTest, TheWalkAnswersLaterAndThenFromTheCache) {
  const FilesystemModule module = ModuleWith(&FindAtOnce);
  const PathQuery query = QueryFor(12, &module);
  const FoundPath expected{mount() + "/d/12", PathSource::kWalk, 7};
  EXPECT_EQ(finder().FindNow(query), std::nullopt);
  ASSERT_TRUE(finder().Submit(query, 41));
  const auto answers = WaitFor(finder());
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].ticket, 41U);
  EXPECT_EQ(answers[0].found, expected);

  EXPECT_EQ(finder().FindNow(query), expected);
  now_ += PathFinder::kRetryAfter;
  EXPECT_EQ(finder().FindNow(query), std::nullopt) << "too old";
  EXPECT_EQ(walks, 1);
}

TEST_F(PathFinderTest, NotFoundIsAnAnswerThatIsKeptToo) {
  const FilesystemModule module = ModuleWith(&FindAtOnce);
  const PathQuery query = QueryFor(404, &module);
  ASSERT_TRUE(finder().Submit(query, 1));
  ASSERT_EQ(WaitFor(finder()).size(), 1U);
  EXPECT_EQ(finder().FindNow(query), FoundPath{});
  ASSERT_TRUE(finder().Submit(query, 2));
  const auto answers = WaitFor(finder());
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].ticket, 2U);
  EXPECT_EQ(answers[0].found, FoundPath{});
  EXPECT_EQ(walks, 1);
}

TEST_F(PathFinderTest, OneWalkAnswersAllThatAskForTheSameInode) {
  const FilesystemModule module = ModuleWith(&FindWhenTold);
  for (uint64_t ticket = 1; ticket <= 50; ++ticket) ASSERT_TRUE(finder().Submit(QueryFor(12, &module), ticket));
  walk_may_end.release();
  const auto answers = WaitFor(finder());
  ASSERT_EQ(answers.size(), 50U);
  for (uint64_t i = 0; i < 50; ++i) EXPECT_EQ(answers[i].ticket, i + 1);
  EXPECT_EQ(walks, 1);
}

TEST_F(PathFinderTest, AFullQueueRefuses) {
  const FilesystemModule module = ModuleWith(&FindWhenTold);
  ASSERT_TRUE(finder().Submit(QueryFor(21, &module), 1));
  ASSERT_TRUE(finder().Submit(QueryFor(22, &module), 2));
  EXPECT_FALSE(finder().Submit(QueryFor(23, &module), 3));
  EXPECT_TRUE(finder().Submit(QueryFor(22, &module), 4)) << "waits already";
  walk_may_end.release();
  EXPECT_EQ(WaitFor(finder()).size(), 1U);
  walk_may_end.release();
  EXPECT_EQ(WaitFor(finder()).size(), 2U);
}

TEST_F(PathFinderTest, AFileSystemWithoutAWalkOrADeviceIsRefused) {
  const FilesystemModule none = ModuleWith(nullptr);
  const FilesystemModule module = ModuleWith(&FindAtOnce);
  EXPECT_FALSE(finder().Submit(QueryFor(12, nullptr), 1));
  EXPECT_FALSE(finder().Submit(QueryFor(12, &none), 1));
  PathQuery query = QueryFor(12, &module);
  query.filesystem.device = "missing";
  EXPECT_FALSE(finder().Submit(query, 1));
  query = QueryFor(12, &module);
  query.filesystem.dev = DeviceNumber{7, 0};
  EXPECT_FALSE(finder().Submit(query, 1)) << "not that block device";
}

TEST_F(PathFinderTest, ThePlaceOfWhatIsNoFileSystemIsNobodysAndIsAskedForOnce) {
  const FilesystemModule module = ModuleWith(&FindAtOnce);
  PathQuery query = QueryFor(0, &module);
  query.filesystem.type = "ext4";
  query.place = Range{4096, 4096};
  ASSERT_TRUE(finder().Submit(query, 1));
  EXPECT_EQ(WaitFor(finder()).at(0).found, FoundPath{});
  EXPECT_EQ(finder().FindNow(query), FoundPath{});
  EXPECT_EQ(walks, 0);
  query.filesystem.type = "tmpfs";
  query.place->offset_bytes = 0;
  EXPECT_FALSE(finder().Submit(query, 2)) << "has no such way";
}

TEST_F(PathFinderTest, APathOfAnotherGenerationIsNotTold) {
  const FilesystemModule module = ModuleWith(&FindAtOnce);
  PathQuery query = QueryFor(12, &module);
  query.generation = 8;
  query.loadable = true;
  ASSERT_TRUE(finder().Submit(query, 1));
  const auto answers = WaitFor(finder());
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].found, (FoundPath{std::nullopt, std::nullopt, 8}));
}

TEST_F(PathFinderTest, AWalkOfAFileSystemThatIsGoneFindsNothing) {
  const FilesystemModule module = ModuleWith(&FindAtOnce);
  PathQuery query = QueryFor(12, &module);
  query.filesystem.fsid->word0 ^= 1;
  ASSERT_TRUE(finder().Submit(query, 1));
  const auto answers = WaitFor(finder());
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].found, FoundPath{});
}

TEST_F(PathFinderTest, EndsWithWalksStillWaiting) {
  const FilesystemModule module = ModuleWith(&FindAtOnce);
  for (uint64_t inode = 1; inode <= 50; ++inode) finder().Submit(QueryFor(inode, &module), inode);
}

TEST(PartBelow, TakesWholeComponents) {
  EXPECT_EQ(PartBelow("/data/d/f", "/data"), "d/f");
  EXPECT_EQ(PartBelow("/data", "/data"), "");
  EXPECT_EQ(PartBelow("/d/f", "/"), "d/f");
  EXPECT_EQ(PartBelow("/", "/"), "");
  EXPECT_EQ(PartBelow("/database", "/data"), std::nullopt);
  EXPECT_EQ(PartBelow("/other", "/data"), std::nullopt);
  EXPECT_EQ(PartBelow("socket:[4711]", "/"), std::nullopt);
}

// A real ext4 on a loop device, in a mount namespace of the test's own.
class PathFinderMountTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, to mount a file system";
    Enter();
    if (!IsSkipped() && !HasFatalFailure()) {
      auto finder = PathFinder::Start({});
      ASSERT_TRUE(finder.has_value());
      finder_ = *std::move(finder);
    }
  }
  void TearDown() override {
    finder_.reset();
    if (directory_.empty()) return;
    for (const char* name : {"/bind", "/mnt"}) ::umount2((directory_ + name).c_str(), MNT_DETACH);
    files::remove_all(directory_);
  }

  void Enter() {
    // A namespace is a thread's own, and the mounts must be those of the whole process: so once, for all that follows.
    static const bool entered =
        ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    if (!entered) GTEST_SKIP() << "no mount namespace of its own: " << std::strerror(errno);
    std::string name = (files::canonical(files::temp_directory_path()) / "fsherald_path.XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
    for (const char* below : {"/mnt", "/bind", "/tree/d/e"}) files::create_directories(directory_ + below);
    std::ofstream(directory_ + "/tree/d/e/file") << "file";
    const std::string command = "PATH=$PATH:/sbin:/usr/sbin; cd " + directory_ +
                                " && mke2fs -q -F -t ext4 -d tree image 16m >/dev/null && mount -o loop image mnt";
    if (std::system(command.c_str()) != 0) GTEST_SKIP() << "cannot mount an ext4 image on a loop device";
  }

  std::string mount() const { return directory_ + "/mnt"; }
  std::string bind() const { return directory_ + "/bind"; }
  PathFinder& finder() { return *finder_; }

  PathQuery QueryFor(const std::string& below) const {
    PathQuery query;
    query.filesystem_key = 1;
    query.filesystem.fsid = FsidOf(mount());
    query.filesystem.dev = DeviceOf(mount());
    query.filesystem.device = DeviceName();
    query.filesystem.mounts = {mount()};
    query.access_path = mount();
    query.access_is_root = true;
    query.module = &module_;
    query.inode = InodeOf(mount() + below);
    return query;
  }
  // As if the file system had just been mounted: what the test has looked at is in no cache any more.
  void Remount(PathQuery& query, const std::string& damage = "show_super_stats -h") {
    ASSERT_EQ(::umount2(mount().c_str(), 0), 0);
    const std::string command = "PATH=$PATH:/sbin:/usr/sbin; cd " + directory_ + " && debugfs -w -R '" + damage +
                                "' image >/dev/null 2>&1 && mount -o loop,errors=continue image mnt";
    ASSERT_EQ(std::system(command.c_str()), 0);
    query.filesystem.dev = DeviceOf(mount());
    query.filesystem.device = DeviceName();
  }
  uint64_t FirstBlockOf(const std::string& path) const {
    const std::string command = "PATH=$PATH:/sbin:/usr/sbin; cd " + directory_ + " && debugfs -R 'bmap " + path +
                                " 0' image 2>/dev/null >block";
    EXPECT_EQ(std::system(command.c_str()), 0);
    uint64_t block = 0;
    std::ifstream(directory_ + "/block") >> block;
    return block;
  }
  std::string ErrorsCounted() const {
    std::string count;
    std::ifstream("/sys/fs/ext4/" + DeviceName() + "/errors_count") >> count;
    return count;
  }

 private:
  std::string DeviceName() const { return "loop" + std::to_string(DeviceOf(mount()).minor); }
  FilesystemModule module_ = ModuleWith(&FindExt4Path);
  std::string directory_;
  std::unique_ptr<PathFinder> finder_;
};

TEST_F(PathFinderMountTest, ADirectoryIsFoundByHandleWithItsGeneration) {
  const PathQuery query = QueryFor("/d/e");
  const Fd fd(::open((mount() + "/d/e").c_str(), O_PATH | O_CLOEXEC));
  const auto handle = HandleOf(fd.get());
  ASSERT_TRUE(handle.has_value());
  const auto found = finder().FindNow(query);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(*found, (FoundPath{mount() + "/d/e", PathSource::kHandle, handle->generation}));
}

TEST_F(PathFinderMountTest, AFileInTheDentryCacheIsFoundByHandle) {
  const auto found = finder().FindNow(QueryFor("/d/e/file"));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->path, mount() + "/d/e/file");
  EXPECT_EQ(found->source, PathSource::kHandle);
}

TEST_F(PathFinderMountTest, AFileThatIsNotInTheDentryCacheIsFoundByTheWalk) {
  PathQuery query = QueryFor("/d/e/file");
  ASSERT_NO_FATAL_FAILURE(Remount(query));
  EXPECT_EQ(finder().FindNow(query), std::nullopt);
  ASSERT_TRUE(finder().Submit(query, 9));
  const auto answers = WaitFor(finder());
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].found.path, mount() + "/d/e/file");
  EXPECT_EQ(answers[0].found.source, PathSource::kWalk);
}

TEST_F(PathFinderMountTest, TheHandleIsNotTriedWhereTheInodeCannotBeLoaded) {
  PathQuery query = QueryFor("/d/e");
  query.loadable = false;
  EXPECT_EQ(finder().FindNow(query), std::nullopt);
}

TEST_F(PathFinderMountTest, ADamagedInodeIsFoundByTheWalkWithoutRaisingAnError) {
  PathQuery query = QueryFor("/d/e/file");
  ASSERT_NO_FATAL_FAILURE(Remount(query, "sif /d/e/file mode 0xff"));
  query.loadable = false;
  EXPECT_EQ(finder().FindNow(query), std::nullopt);
  ASSERT_TRUE(finder().Submit(query, 1));
  const auto answers = WaitFor(finder());
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].found.path, mount() + "/d/e/file");
  EXPECT_EQ(ErrorsCounted(), "0");
}

TEST_F(PathFinderMountTest, AHandleThatRaisesTheErrorAgainIsTriedOnce) {
  PathQuery query = QueryFor("/d/e/file");
  ASSERT_NO_FATAL_FAILURE(Remount(query, "sif /d/e/file mode 0xff"));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(finder().FindNow(query), std::nullopt);
  EXPECT_EQ(ErrorsCounted(), "1");
}

TEST_F(PathFinderMountTest, ThroughAMountOfADirectoryPathsAreThoseBelowIt) {
  ASSERT_EQ(::mount((mount() + "/d").c_str(), bind().c_str(), nullptr, MS_BIND, nullptr), 0);
  PathQuery query = QueryFor("/d/e/file");
  query.access_path = bind();
  query.access_is_root = false;
  query.filesystem.mounts = {bind()};
  const auto by_handle = finder().FindNow(query);
  ASSERT_TRUE(by_handle.has_value());
  EXPECT_EQ(by_handle->path, bind() + "/e/file");

  ASSERT_TRUE(finder().Submit(query, 1));
  auto answers = WaitFor(finder());
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].found.path, bind() + "/e/file");
}

TEST_F(PathFinderMountTest, WhatAMountOfADirectoryDoesNotReachHasNoPath) {
  ASSERT_EQ(::mount((mount() + "/d").c_str(), bind().c_str(), nullptr, MS_BIND, nullptr), 0);
  PathQuery query = QueryFor("/lost+found");
  query.access_path = bind();
  query.access_is_root = false;
  query.filesystem.mounts = {bind()};
  EXPECT_EQ(finder().FindNow(query), std::nullopt);
  ASSERT_TRUE(finder().Submit(query, 1));
  const auto answers = WaitFor(finder());
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].found.path, std::nullopt);
}

TEST_F(PathFinderMountTest, AMountOfAnotherNamespaceIsToldBelowTheFirstMountPoint) {
  PathQuery query = QueryFor("/d/e");
  query.access_path = "/proc/self/root" + mount();
  const auto found = finder().FindNow(query);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->path, mount() + "/d/e");
}

TEST_F(PathFinderMountTest, TheFileOfAPlaceIsAnsweredLaterAndThenFromTheCache) {
  PathQuery query = QueryFor("/d/e/file");
  ASSERT_NO_FATAL_FAILURE(Remount(query));  // so that no path is in memory
  query.filesystem.type = "ext4";
  query.place_on = query.filesystem.dev;
  query.place = Range{FirstBlockOf("/d/e/file") * 1024, 1024};
  const uint64_t inode = std::exchange(query.inode, 0);

  EXPECT_EQ(finder().FindNow(query), std::nullopt);
  ASSERT_TRUE(finder().Submit(query, 1));
  const auto answers = WaitFor(finder());
  ASSERT_EQ(answers.size(), 1U);
  const FoundPath& found = answers[0].found;
  EXPECT_EQ(found.inode, inode);
  EXPECT_EQ(found.range, (Range{0, 1024}));
  EXPECT_EQ(found.path, mount() + "/d/e/file");
  EXPECT_EQ(found.source, PathSource::kWalk);
  EXPECT_EQ(finder().FindNow(query), found);
  query.place->offset_bytes += 1024;
  EXPECT_EQ(finder().FindNow(query), std::nullopt) << "another place";
}

TEST_F(PathFinderMountTest, NothingKeepsTheFileSystemMounted) {
  const PathQuery query = QueryFor("/d/e/file");
  finder().FindNow(query);
  ASSERT_TRUE(finder().Submit(query, 1));
  WaitFor(finder());
  EXPECT_EQ(::umount2(mount().c_str(), 0), 0) << std::strerror(errno);
}

}  // namespace
}  // namespace fsherald
