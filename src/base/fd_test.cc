// SPDX-License-Identifier: MIT
#include "base/fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace fsherald {
namespace {

Fd OpenNull() { return Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }
bool IsOpen(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST(FdTest, HoldsNothingByDefault) {
  Fd fd;
  EXPECT_FALSE(fd);
  EXPECT_EQ(fd.get(), -1);
}

TEST(FdTest, ClosesWhenDestroyed) {
  int number;
  {
    Fd fd = OpenNull();
    ASSERT_TRUE(fd);
    number = fd.get();
  }
  EXPECT_FALSE(IsOpen(number));
}

TEST(FdTest, AMoveLeavesTheSourceEmpty) {
  Fd from = OpenNull();
  const int number = from.get();
  Fd to = std::move(from);
  EXPECT_FALSE(from);  // NOLINT: what a move leaves behind is under test
  EXPECT_EQ(to.get(), number);
  EXPECT_TRUE(IsOpen(number));
}

TEST(FdTest, AMoveClosesWhatItOverwrites) {
  Fd to = OpenNull();
  const int overwritten = to.get();
  Fd from = OpenNull();
  const int moved = from.get();
  to = std::move(from);
  EXPECT_FALSE(IsOpen(overwritten));
  EXPECT_EQ(to.get(), moved);
}

TEST(FdTest, AMoveToItselfChangesNothing) {
  Fd fd = OpenNull();
  Fd& same = fd;
  fd = std::move(same);
  ASSERT_TRUE(fd);
  EXPECT_TRUE(IsOpen(fd.get()));
}

TEST(FdTest, ReleaseGivesUpTheDescriptorWithoutClosingIt) {
  Fd fd = OpenNull();
  const int number = fd.Release();
  EXPECT_FALSE(fd);
  EXPECT_TRUE(IsOpen(number));
  ::close(number);
}

TEST(FdTest, ResetClosesAndTakesTheNext) {
  Fd fd = OpenNull();
  const int first = fd.get();
  const int second = OpenNull().Release();
  fd.Reset(second);
  EXPECT_FALSE(IsOpen(first));
  EXPECT_EQ(fd.get(), second);
  fd.Reset();
  EXPECT_FALSE(IsOpen(second));
}

}  // namespace
}  // namespace fsherald
