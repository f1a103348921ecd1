// SPDX-License-Identifier: MIT
// For tests that need the real kernel: a small ext4 on a loop device, in a mount namespace of the test's own.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "mount/mount_table.h"

namespace fsherald {

// Leaves nothing behind: the loop device goes with the unmount (mount -o loop), the directory with the object.
class TestFilesystem {
 public:
  // Once a process, before any TestFilesystem. Empty: done; else why these tests have to be skipped.
  static std::string EnterOwnNamespace() {
    static const std::string kReason = [] {
      if (::geteuid() != 0) return "not root";
      if (::unshare(CLONE_NEWNS) != 0) return "no mount namespace of its own (CAP_SYS_ADMIN)";
      if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return "mounts cannot be made private";
      return "";
    }();
    return kReason;
  }

  // Mounts a fresh image, or a copy of another's (same uuid, same fsid). Check ok().
  explicit TestFilesystem(uint32_t key, const TestFilesystem* clone_of = nullptr) {
    std::string path = std::filesystem::temp_directory_path() / "fsherald-test-XXXXXX";
    directory_ = ::mkdtemp(path.data());
    std::filesystem::create_directory(root());
    std::string make = clone_of ? "cp " + clone_of->image() + " " + image()
                                : "truncate -s 4M " + image() + " && mke2fs -q -F -t ext4 " + image();
    if (Run(make)) Mount();
    mounting_.key = key;
  }
  ~TestFilesystem() {
    Unmount();
    std::filesystem::remove_all(directory_);
  }
  TestFilesystem(const TestFilesystem&) = delete;
  TestFilesystem& operator=(const TestFilesystem&) = delete;

  bool ok() const { return mounted_; }
  const Mounting& mounting() const { return mounting_; }
  std::string device() const { return mounting_.info.device; }
  std::string root() const { return directory_ + "/root"; }
  std::string image() const { return directory_ + "/image"; }

  bool Mount() {
    mounted_ = Run("mount -o loop,errors=continue " + image() + " " + root());
    struct stat status;
    if (!mounted_ || ::stat(root().c_str(), &status) != 0) return false;
    mounting_.info.type = "ext4";
    mounting_.info.dev = DeviceNumber{major(status.st_dev), minor(status.st_dev)};
    mounting_.info.device = "loop" + std::to_string(minor(status.st_dev));
    mounting_.access_path = root();
    return true;
  }
  bool Unmount() {
    if (mounted_ && ::umount(root().c_str()) == 0) mounted_ = false;
    return !mounted_;
  }
  void TriggerError(const std::string& words) const {
    std::ofstream("/sys/fs/ext4/" + device() + "/trigger_fs_error") << words << std::flush;
  }

 private:
  static bool Run(const std::string& command) { return ::system((command + " >/dev/null 2>&1").c_str()) == 0; }

  std::string directory_;
  Mounting mounting_;
  bool mounted_ = false;
};

}  // namespace fsherald
