// SPDX-License-Identifier: MIT
#include "daemon/runtime_dir.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <optional>

namespace fsherald {
namespace {

class RuntimeDirTest : public testing::Test {
 protected:
  RuntimeDirTest() {
    std::string pattern = testing::TempDir() + "fsherald.XXXXXX";
    parent_ = ::mkdtemp(pattern.data());
    path_ = parent_ + "/run";
  }
  ~RuntimeDirTest() override { std::filesystem::remove_all(parent_); }
  std::string parent_, path_;
};

TEST_F(RuntimeDirTest, IsMadeAndIsOneDaemonsAtATime) {
  auto first = RuntimeDir::Take(path_);
  ASSERT_TRUE(first) << first.error().ToString();
  auto second = RuntimeDir::Take(path_);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().ToString().find("another fsherald daemon"), std::string::npos);
}

TEST_F(RuntimeDirTest, CanBeTakenAgainAndLosesItsSocketsWithTheDaemon) {
  {
    auto dir = RuntimeDir::Take(path_);
    ASSERT_TRUE(dir);
    ASSERT_TRUE(dir->Listen("report"));
    EXPECT_TRUE(std::filesystem::exists(path_ + "/report"));
  }
  EXPECT_FALSE(std::filesystem::exists(path_ + "/report"));
  EXPECT_TRUE(RuntimeDir::Take(path_));
}

TEST_F(RuntimeDirTest, InNoDirectoryIsAnErrorThatNamesIt) {
  auto dir = RuntimeDir::Take(parent_ + "/none/run");
  ASSERT_FALSE(dir);
  EXPECT_EQ(dir.error().code, ENOENT);
  EXPECT_NE(dir.error().what.find("/none/run"), std::string::npos);
}

}  // namespace
}  // namespace fsherald
