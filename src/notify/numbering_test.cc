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

TEST(NumberingTest, WhatWasGivenIsCountedFromTheStartWhateverTheNumberGoesOnAfter) {
  Numbering numbering(117'683'162'513'408);
  EXPECT_EQ(numbering.given(), 0U);
  Notification one;
  numbering.Number(one, {1});
  EXPECT_EQ(one.seq, 117'683'162'513'409U);
  EXPECT_EQ(numbering.given(), 1U);
}

// Keys are given in ascending order from several beginnings (notify/groups.h): the root file system has the smallest.
TEST(NumberingTest, WhatIsToldOfGoesOnHoweverManyOthersComeAndGo) {
  Numbering numbering;
  Notification root;
  numbering.Number(root, {1});
  for (uint32_t other = 0; other < 100'000; ++other) {
    Notification of_a_mount, of_user_space;
    numbering.Number(of_a_mount, {2 + other});
    numbering.Number(of_user_space, {0x40000000 + other});
    if (other % 5'000 == 0) numbering.Number(root, {1});
  }
  numbering.Number(root, {1});
  EXPECT_EQ(root.filesystem_seq, 22U);
}

TEST(NumberingTest, AFloodOfFileSystemsInUserSpaceTakesNoNumberFromTheKernels) {
  Numbering numbering;
  Notification root, other;
  numbering.Number(root, {1});
  for (uint32_t i = 0; i < 100'000; ++i) numbering.Number(other, {0x40000000 + i});
  numbering.Number(root, {1});
  EXPECT_EQ(root.filesystem_seq, 2U);
}

}  // namespace
}  // namespace fsherald
