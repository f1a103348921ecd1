// SPDX-License-Identifier: MIT
// Small ext4 file systems: their images, and one that is mounted, with the kernel's own word on it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "loop_device.h"
#include "process.h"

namespace fsherald::system_test {

// Makes a sparse file of that size, and an ext4 in it with the files below: the tree that tests/images/README.md shows.
void MakeImage(const std::string& image, const std::vector<std::string>& mke2fs_options = {},
               uint64_t size_bytes = 512ULL << 20);

// Mount options of ext4 by which the kernel's own thread does not look through a fresh file system, and trip before the test.
std::string WithoutKernelThread(const std::string& mount_options);

// A mounted file system; unmounted when destroyed, which is a failure of the test if it is still in use.
class Mount {
 public:
  Mount(const std::string& source, const std::string& directory, const std::string& options = "",
        const std::string& type = "ext4");
  ~Mount();
  Mount(Mount&& other) noexcept : directory_(std::move(other.directory_)) { other.directory_.clear(); }
  const std::string& directory() const { return directory_; }
  void Unmount();  // fails where umount(2) does for a second

 private:
  std::string directory_;
};

// An image on a loop device, mounted below the sandbox.
class Ext4Filesystem {
 public:
  // `disk`: the file to mount, by default the image itself.
  struct Options {
    std::string name = "fs";  // of the image and of the mount point
    std::vector<std::string> mke2fs = {};
    std::string mount = "errors=continue";  // options
    uint64_t size_bytes = 8ULL << 20;
  };
  // Makes the image and mounts it.
  explicit Ext4Filesystem(const Options& options);
  // Mounts a file that has been made.
  Ext4Filesystem(const std::string& disk, const std::string& name, const std::string& mount_options,
                 bool read_only_device = false);

  const std::string& directory() const { return mount_->directory(); }
  std::string device() const { return loop_->name(); }  // "loop3"
  const std::string& uuid() const { return uuid_; }
  void Unmount();  // and gives the device back

  std::string Attribute(const std::string& name) const;  // of /sys/fs/ext4/DEVICE/, without the line's end
  uint64_t ErrorsCount() const;
  // The kernel writes its counter from a worker, a moment after the error: waits until it has risen to `count` and
  // returns it, whatever it is at the deadline.
  uint64_t ErrorsCountOnceAtLeast(uint64_t count, Deadline deadline) const;
  // Raises one error that says `text`.
  void Trigger(const std::string& text) const;

 private:
  void Attach(const std::string& disk, const std::string& name, const std::string& mount_options, bool read_only);
  std::string uuid_;
  std::unique_ptr<LoopDevice> loop_;
  std::unique_ptr<Mount> mount_;
};

}  // namespace fsherald::system_test
