// SPDX-License-Identifier: MIT
#include "source/cgroup_names.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace fsherald {
namespace {

std::optional<std::string> UnifiedMountPoint() {
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);)
    if (line.find(" - cgroup2 ") != std::string::npos)
      for (size_t word = 0, begin = 0; begin != std::string::npos; ++word, begin = line.find(' ', begin + 1))
        if (word == 4) return line.substr(begin + 1, line.find(' ', begin + 1) - begin - 1);
  return std::nullopt;
}

TEST(CgroupNamesTest, AnIdIsTheInodeOfItsDirectory) {
  std::optional<std::string> mount_point = UnifiedMountPoint();
  if (!mount_point) GTEST_SKIP() << "no unified cgroup hierarchy is mounted";
  if (::geteuid() != 0) GTEST_SKIP() << "needs root (CAP_DAC_READ_SEARCH)";
  struct stat root {};
  ASSERT_EQ(::stat(mount_point->c_str(), &root), 0);
  EXPECT_EQ(CgroupNames().Find(root.st_ino), "/");
}

TEST(CgroupNamesTest, ACgroupThatIsGoneHasNoName) { EXPECT_EQ(CgroupNames().Find(0x7fffffffffffULL), std::nullopt); }

TEST(CgroupNamesTest, WithoutAMountTableThereAreNoNames) {
  EXPECT_EQ(CgroupNames("/nonexistent").Find(1), std::nullopt);
}

}  // namespace
}  // namespace fsherald
