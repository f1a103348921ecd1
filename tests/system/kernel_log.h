// SPDX-License-Identifier: MIT
// The kernel's log from now on: the tests' yardstick, read beside the program under test.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"

namespace fsherald::system_test {

class KernelLog {
 public:
  KernelLog();  // begins at the end of the log
  // The texts that have come so far that name this device; all of them where it is empty.
  std::vector<std::string> Lines(const std::string& device);
  // The source line that such a text names with this function ("ext4_lookup:1787").
  std::optional<uint32_t> LineOf(const std::string& device, const std::string& function);

 private:
  Fd fd_;
  std::vector<std::string> lines_;
};

}  // namespace fsherald::system_test
