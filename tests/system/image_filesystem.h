// SPDX-License-Identifier: MIT
// File systems of any type in images: made with files in them, put on loop devices, and mounted or refused.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ext4_filesystem.h"
#include "loop_device.h"

namespace fsherald::system_test {

// Why file systems of this type cannot be made here (a program, or the kernel, lacks it); empty: they can.
std::optional<std::string> WhyNoImages(const std::string& type);

// Makes one of that type of these files (several: btrfs), with the files of tests/images/README.md in it. `options` are those
// of the program that makes it.
void MakeImages(const std::string& type, const std::vector<std::string>& images,
                const std::vector<std::string>& options);

// One that lies in files, on loop devices. Unmounted when destroyed.
class ImageFilesystem {
 public:
  ImageFilesystem(std::string type, const std::vector<std::string>& disks, const std::string& name,
                  bool read_only_devices = false);

  void MountWith(const std::string& options);  // fails where the kernel refuses
  // By the program mount: for a mount that may be refused. Its pid and its exit code.
  Finished TryToMount(const std::string& options) const;
  void UnmountTried() const;

  const std::string& type() const { return type_; }
  std::string device() const { return loops_.front()->name(); }  // "loop3"
  const std::string& uuid() const { return uuid_; }              // empty: it has none
  const std::string& directory() const { return directory_; }

  // How many errors the kernel has counted on it so far; empty: it does not count.
  std::optional<uint64_t> ErrorsCount() const;
  // The same once it has risen to `count`, whatever it is at the deadline.
  std::optional<uint64_t> ErrorsCountOnceAtLeast(uint64_t count, Deadline deadline) const;
  // A file below its folder in sysfs, without the line's end; empty: there is none.
  std::string Attribute(const std::string& name) const;

 private:
  std::string WithMembers(const std::string& options) const;

  std::string type_;
  std::string directory_;
  std::string uuid_;
  std::vector<std::unique_ptr<LoopDevice>> loops_;
  std::unique_ptr<Mount> mount_;
};

}  // namespace fsherald::system_test
