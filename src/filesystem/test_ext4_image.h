// SPDX-License-Identifier: MIT
// For tests: images of ext2, ext3 and ext4, made by mke2fs and damaged by debugfs or byte by byte.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "base/fd.h"

namespace fsherald {

inline std::string OutputOf(const std::string& command) {
  std::string output;
  const std::string line = "PATH=$PATH:/sbin:/usr/sbin; " + command + " 2>&1";
  std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(line.c_str(), "r"), &::pclose);
  std::array<char, 4096> bytes{};
  for (size_t size = 1; pipe && size > 0;) {
    size = std::fread(bytes.data(), 1, bytes.size(), pipe.get());
    output.append(bytes.data(), size);
  }
  return output;
}

// An image made of the files below `tree`, which the test fills first. All is removed in the end.
class Ext4ImageTest : public testing::Test {
 protected:
  void SetUp() override {
    if (OutputOf("command -v mke2fs && command -v debugfs").find("debugfs") == std::string::npos) {
      GTEST_SKIP() << "mke2fs and debugfs (package e2fsprogs) are not installed";
    }
    std::string name = (std::filesystem::temp_directory_path() / "fsherald_ext4.XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
    std::filesystem::create_directory(tree());
  }
  void TearDown() override {
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }

  std::string tree() const { return directory_ + "/tree"; }
  std::string image() const { return directory_ + "/image"; }

  void AddFile(const std::string& path) const {
    std::filesystem::create_directories(std::filesystem::path(tree() + "/" + path).parent_path());
    std::ofstream(tree() + "/" + path) << path;
  }
  void MakeImage(const std::string& options = "", const std::string& size = "16m") const {
    std::ofstream{image()};  // or else mke2fs says that it makes it
    const std::string output = OutputOf("mke2fs -q -F " + options + " -d " + tree() + " " + image() + " " + size);
    ASSERT_EQ(output.find("mke2fs:"), std::string::npos) << output;
  }
  std::string Debugfs(const std::string& request) const {
    return OutputOf("debugfs -w -R '" + request + "' " + image());
  }
  uint64_t InodeOf(const std::string& path) const {
    const std::string stat = Debugfs("stat /" + path);
    const size_t at = stat.find("Inode: ");
    return at == std::string::npos ? 0 : std::stoull(stat.substr(at + 7));
  }
  uint64_t FirstBlockOf(const std::string& path) const {
    const std::string blocks = Debugfs("blocks /" + path);
    return std::stoull(blocks.substr(blocks.rfind('\n', blocks.size() - 2) + 1));
  }
  void Overwrite(uint64_t offset, std::string_view bytes) const {
    Fd fd(::open(image().c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(::pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)),
              static_cast<ssize_t>(bytes.size()));
  }
  std::string BlockOf(uint64_t block, uint64_t block_bytes) const {
    std::string bytes(block_bytes, '\0');
    Fd fd(::open(image().c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(::pread(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(block * block_bytes)),
              static_cast<ssize_t>(block_bytes));
    return bytes;
  }

 private:
  std::string directory_;
};

}  // namespace fsherald
