// SPDX-License-Identifier: MIT
#include "notify/numbering.h"

#include <gtest/gtest.h>

namespace fsherald {
namespace {

TEST(NumberingTest, CountsAllAndThoseOfEachFileSystem) {
  Numbering numbering;
  Notification a, b, gap, c;
  numbering.Number(a, {1});
  numbering.Number(b, {2});
  numbering.Number(gap, {});
  numbering.Number(c, {1});
  EXPECT_EQ(a.seq, 1U);
  EXPECT_EQ(b.seq, 2U);
  EXPECT_EQ(gap.seq, 3U);
  EXPECT_EQ(c.seq, 4U);
  EXPECT_EQ(a.filesystem_seq, 1U);
  EXPECT_EQ(b.filesystem_seq, 1U);
  EXPECT_EQ(gap.filesystem_seq, 0U) << "of no single file system";
  EXPECT_EQ(c.filesystem_seq, 2U);
  EXPECT_EQ(numbering.told(), 4U);
}

}  // namespace
}  // namespace fsherald
