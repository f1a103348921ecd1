// SPDX-License-Identifier: MIT
#include "cli/demo.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <thread>

#include "base/fd.h"
#include "base/test_kernel_log.h"
#include "cli/damage.h"
#include "filesystem/filesystem.h"

namespace fsherald {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

#define NEEDS_ROOT() \
  if (::geteuid() != 0 || ::access("/dev/loop-control", W_OK) != 0) GTEST_SKIP() << "needs root and loop devices"

// The demo in a process of its own, as a user starts it, its stdout in a pipe.
class DemoProcess {
 public:
  // `room_bytes`: so much the demo can write before it has to wait for a reader.
  explicit DemoProcess(size_t room_bytes = 65536, const DemoOptions& options = {}) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    reading_.Reset(ends[0]);
    Fd writing(ends[1]);
    const std::string filling(65536 - room_bytes, ' ');
    EXPECT_EQ(::write(writing.get(), filling.data(), filling.size()), static_cast<ssize_t>(filling.size()));
    pid_ = ::fork();
    if (pid_ != 0) return;
    reading_.Reset();
    ::dup2(writing.get(), STDOUT_FILENO);
    const int code = RunDemo(options);
    std::fflush(stdout);
    ::_exit(code);
  }

  ~DemoProcess() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  pid_t pid() const { return pid_; }

  std::string ReadAll() {
    std::string text;
    char buffer[4096];
    for (ssize_t size; (size = ::read(reading_.get(), buffer, sizeof buffer)) > 0;) {
      text.append(buffer, static_cast<size_t>(size));
    }
    return text;
  }

  int Wait() {
    int status = 0;
    EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
    pid_ = -1;
    return status;
  }

 private:
  Fd reading_;
  pid_t pid_ = -1;
};

size_t CountOf(const std::string& word, const std::string& text) {
  size_t count = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

// "loop3": the device that the process has mounted on /mnt; empty: none.
std::string DeviceOfDemo(pid_t pid) {
  std::ifstream mounts("/proc/" + std::to_string(pid) + "/mounts");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream words(line);
    std::string device, mount_point;
    words >> device >> mount_point;
    if (mount_point == "/mnt" && device.starts_with("/dev/loop")) return device.substr(sizeof "/dev/" - 1);
  }
  return "";
}

// The file behind a loop device, from the real root; empty: it is free.
std::string BackingFile(const std::string& device) {
  std::string path;
  std::getline(std::ifstream("/sys/block/" + device + "/loop/backing_file") >> std::ws, path);
  return path;
}

bool BecomesTrue(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

TEST(Demo, RefusesAFileSystemItHasNoDemoOf) { EXPECT_EQ(RunDemo({.filesystem = "zfs"}), 2); }

TEST(Demo, TellsEachOfItsFourDamages) {
  NEEDS_ROOT();
  DemoProcess demo;
  const std::string text = demo.ReadAll();
  const int status = demo.Wait();
  ASSERT_TRUE(WIFEXITED(status)) << text;
  EXPECT_EQ(WEXITSTATUS(status), 0) << text;
  EXPECT_EQ(CountOf("metadata error on ext4 loop", text), 4U) << text;
  EXPECT_THAT(text, HasSubstr("bad entry in directory: rec_len is smaller than minimal"));
  EXPECT_THAT(text, HasSubstr("pblk 0 bad header/extent: invalid magic - magic 1234"));
  EXPECT_THAT(text, HasSubstr("iget: bogus i_mode (377)"));
  EXPECT_THAT(text, HasSubstr("deleted inode referenced: "));
}

// Why there can be no demo of it here; empty: there can.
std::string WhyNoDemoOf(const std::string& type, const std::string& program) {
  if (::geteuid() != 0 || ::access("/dev/loop-control", W_OK) != 0) return "needs root and loop devices";
  if (FindFilesystemModule(type) == nullptr) return "fsherald has no module of " + type;
  if (!RunProgram({program, "-V"})) return program + " is not installed";
  std::stringstream known;
  known << std::ifstream("/proc/filesystems").rdbuf();
  if (known.str().find("\t" + type + "\n") == std::string::npos) return "this kernel has no " + type;
  return "";
}

TEST(Demo, TellsEachOfItsFourDamagesOfXfs) {
  if (const std::string why = WhyNoDemoOf("xfs", "mkfs.xfs"); !why.empty()) GTEST_SKIP() << why;
  DemoProcess demo(65536, {.filesystem = "xfs"});
  const std::string text = demo.ReadAll();
  EXPECT_EQ(demo.Wait(), 0) << text;
  EXPECT_THAT(text, HasSubstr("xfs_dir3_block_read_verify"));
  EXPECT_THAT(text, HasSubstr("xfs_bmap_validate_extent_raw"));
  EXPECT_GE(CountOf("where    xfs_dinode_verify", text), 2U) << text;
  EXPECT_EQ(CountOf("\n  $ ", text), 4U) << text;
}

TEST(Demo, TellsEachOfItsFourDamagesOfBtrfs) {
  if (const std::string why = WhyNoDemoOf("btrfs", "mkfs.btrfs"); !why.empty()) GTEST_SKIP() << why;
  WaitUntilBtrfsMayPrint();
  DemoProcess demo(65536, {.filesystem = "btrfs"});
  const std::string text = demo.ReadAll();
  EXPECT_EQ(demo.Wait(), 0) << text;
  EXPECT_EQ(CountOf(" read error on btrfs loop", text), 2U) << text;
  EXPECT_EQ(CountOf(" metadata error on btrfs loop", text), 2U) << text;
  EXPECT_EQ(CountOf(" corrected ", text), 2U) << text;
  EXPECT_EQ(CountOf("\n  $ ", text), 4U) << text;
}

class KilledDemo : public ::testing::TestWithParam<int> {};

TEST_P(KilledDemo, LeavesNoLoopDevice) {
  NEEDS_ROOT();
  DemoProcess demo(1);  // it stops at its first line, when all is mounted
  ASSERT_TRUE(BecomesTrue([&] { return !DeviceOfDemo(demo.pid()).empty(); }));
  const std::string device = DeviceOfDemo(demo.pid());
  ASSERT_THAT(BackingFile(device), EndsWith("/mnt/image"));
  ::kill(demo.pid(), GetParam());
  const int status = demo.Wait();
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), GetParam());
  EXPECT_TRUE(BecomesTrue([&] { return !BackingFile(device).ends_with("/mnt/image"); })) << device;
}

INSTANTIATE_TEST_SUITE_P(Signals, KilledDemo, ::testing::Values(SIGINT, SIGTERM, SIGKILL));

}  // namespace
}  // namespace fsherald
