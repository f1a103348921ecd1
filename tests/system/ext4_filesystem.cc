// SPDX-License-Identifier: MIT
#include "ext4_filesystem.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "sandbox.h"

namespace fsherald::system_test {
namespace {

// A file with a hole after each of its sixteen blocks: more extents than fit into an inode.
void WriteSparseFile(const std::string& path) {
  const Fd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  const std::string block(4096, 'p');
  for (int page = 0; page < 16; ++page) {
    if (pwrite(fd.get(), block.data(), block.size(), page * 3 * 4096) != 4096) FailErrno("write " + path);
  }
}

// The same in every image; in memory, made once.
const std::string& Tree() {
  static const std::string tree = [] {
    const std::string root = kSandbox + "/tree";
    for (const char* directory : {"", "/letters", "/books"}) mkdir((root + directory).c_str(), 0755);
    WriteFile(root + "/letters/alice", "Dear reader\n");
    WriteFile(root + "/letters/bob", "Dear Bob\n");
    WriteFile(root + "/letters/carol", "Dear Carol\n");
    WriteFile(root + "/books/atlas", std::string(256 << 10, 'a'));
    WriteSparseFile(root + "/books/sparse");
    return root;
  }();
  return tree;
}

std::string Uuid(const std::string& disk) {
  const Fd fd(open(disk.c_str(), O_RDONLY | O_CLOEXEC));
  uint8_t bytes[16];
  constexpr off_t kOffset = 1024 + 0x68;  // s_uuid of the superblock (Documentation/filesystems/ext4/super.rst)
  if (!fd || pread(fd.get(), bytes, sizeof bytes, kOffset) != sizeof bytes) FailErrno("read the uuid of " + disk);
  std::string text;
  for (size_t i = 0; i < sizeof bytes; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    constexpr char kDigits[] = "0123456789abcdef";
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

// What mount(2) takes as flags, and not as text.
unsigned long TakeFlags(std::string& options) {
  unsigned long flags = 0;
  if (options == "ro" || options.starts_with("ro,")) {
    flags |= MS_RDONLY;
    options.erase(0, 3);
  }
  return flags;
}

}  // namespace

std::string WithoutKernelThread(const std::string& mount_options) {
  return mount_options + (mount_options.empty() ? "" : ",") + "noinit_itable,no_prefetch_block_bitmaps";
}

void MakeImage(const std::string& image, const std::vector<std::string>& mke2fs_options, uint64_t size_bytes) {
  const Fd fd(open(image.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd) FailErrno("open " + image);
  if (ftruncate(fd.get(), static_cast<off_t>(size_bytes)) != 0) FailErrno("ftruncate " + image);
  Command command{.arguments = {"mke2fs", "-q", "-F", "-t", "ext4", "-d", Tree()}, .environment = {}, .directory = {}};
  command.arguments.insert(command.arguments.end(), mke2fs_options.begin(), mke2fs_options.end());
  command.arguments.push_back(image);
  RunOrFail(command);
}

Mount::Mount(const std::string& source, const std::string& directory, const std::string& options,
             const std::string& type)
    : directory_(directory) {
  std::filesystem::create_directories(directory);
  std::string rest = options;
  const unsigned long flags = TakeFlags(rest);
  if (mount(source.c_str(), directory.c_str(), type.c_str(), flags, rest.c_str()) != 0) {
    FailErrno("mount " + source + " on " + directory);
  }
}

namespace {

// A look-up of a path enters the mount for microseconds, so that the first attempt can find it busy. Nothing is kept: the
// next attempts do not. A second is a million times as long.
bool UnmountSoon(const std::string& directory) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  while (umount2(directory.c_str(), 0) != 0) {
    if (errno != EBUSY || std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace

Mount::~Mount() {
  if (directory_.empty()) return;
  EXPECT_TRUE(UnmountSoon(directory_)) << "umount " << directory_ << ": " << strerror(errno);
  umount2(directory_.c_str(), MNT_DETACH);
}

void Mount::Unmount() {
  if (!UnmountSoon(directory_)) FailErrno("umount " + directory_);
  directory_.clear();
}

Ext4Filesystem::Ext4Filesystem(const Options& options) {
  const std::string image = kSandbox + "/" + options.name + ".img";
  MakeImage(image, options.mke2fs, options.size_bytes);
  Attach(image, options.name, options.mount, false);
}

Ext4Filesystem::Ext4Filesystem(const std::string& disk, const std::string& name, const std::string& mount_options,
                               bool read_only_device) {
  Attach(disk, name, mount_options, read_only_device);
}

void Ext4Filesystem::Attach(const std::string& disk, const std::string& name, const std::string& mount_options,
                            bool read_only) {
  uuid_ = Uuid(disk);
  loop_ = std::make_unique<LoopDevice>(disk, read_only);
  mount_ = std::make_unique<Mount>(loop_->path(), kSandbox + "/" + name, WithoutKernelThread(mount_options));
}

void Ext4Filesystem::Unmount() {
  mount_->Unmount();
  mount_.reset();
  loop_.reset();
}

std::string Ext4Filesystem::Attribute(const std::string& name) const {
  std::string text = ReadFile("/sys/fs/ext4/" + device() + "/" + name);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

uint64_t Ext4Filesystem::ErrorsCount() const { return std::stoull(Attribute("errors_count")); }

uint64_t Ext4Filesystem::ErrorsCountOnceAtLeast(uint64_t count, Deadline deadline) const {
  const std::string path = "/sys/fs/ext4/" + device() + "/errors_count";
  const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) FailErrno("open " + path);
  for (;;) {
    char text[32] = {};
    if (pread(fd.get(), text, sizeof text - 1, 0) < 0) FailErrno("read " + path);
    const uint64_t now = std::stoull(text);
    pollfd risen{.fd = fd.get(), .events = POLLPRI, .revents = 0};
    if (now >= count || MillisecondsUntil(deadline) == 0) return now;
    poll(&risen, 1, MillisecondsUntil(deadline));
  }
}

void Ext4Filesystem::Trigger(const std::string& text) const {
  const std::string path = "/sys/fs/ext4/" + device() + "/trigger_fs_error";
  const Fd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) FailErrno("open " + path);
  if (write(fd.get(), text.data(), text.size()) < 0) FailErrno("write " + path);
}

}  // namespace fsherald::system_test
