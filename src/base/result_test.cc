// SPDX-License-Identifier: MIT
#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace fsherald {
namespace {

TEST(ResultTest, AnErrorSaysWhatWasTriedAndWhy) {
  EXPECT_EQ(ErrnoError("open", "/dev/sda", ENOENT).ToString(), "open /dev/sda: No such file or directory");
}

TEST(ResultTest, AnErrorWithoutAnObjectHasNoTrailingSpace) {
  EXPECT_EQ(ErrnoError("fanotify_init", "", EPERM).ToString(), "fanotify_init: Operation not permitted");
}

TEST(ResultTest, AnErrorWithoutErrnoIsItsSentence) {
  EXPECT_EQ((Error{"no file system of that kind", 0}.ToString()), "no file system of that kind");
}

TEST(ResultTest, ErrnoIsTakenWhereTheErrorIsMade) {
  errno = EACCES;
  EXPECT_EQ(ErrnoError("read", "x"), (Error{"read x", EACCES}));
}

TEST(ResultTest, AResultIsItsValueOrItsError) {
  Result<int> value = 7;
  ASSERT_TRUE(value);
  EXPECT_EQ(*value, 7);
  Result<int> error = Error{"parse", EINVAL};
  ASSERT_FALSE(error);
  EXPECT_EQ(error.error().code, EINVAL);
}

TEST(ResultTest, AResultHandsOnWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(3);
  std::unique_ptr<int> taken = std::move(*result);
  EXPECT_EQ(*taken, 3);
}

TEST(ResultTest, AStatusIsGoodUnlessItHasAnError) {
  EXPECT_TRUE(Status());
  Status failed = ErrnoError("write", "fd 1", EPIPE);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, EPIPE);
}

}  // namespace
}  // namespace fsherald
