// SPDX-License-Identifier: MIT
// A block device made of a file. It goes away with the last user: its owner here, and the mount on it.
#pragma once

#include <string>

#include "base/fd.h"

namespace fsherald::system_test {

class LoopDevice {
 public:
  explicit LoopDevice(const std::string& file, bool read_only = false);
  const std::string& path() const { return path_; }  // "/dev/loop3"
  std::string name() const { return path_.substr(path_.rfind('/') + 1); }

 private:
  std::string path_;
  Fd fd_;
};

}  // namespace fsherald::system_test
