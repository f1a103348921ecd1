// SPDX-License-Identifier: MIT
#include "mount/mount_tree.h"

#include <gtest/gtest.h>

namespace fsherald {
namespace {

bool IsFuse(std::string_view type) { return type == "fuse"; }

MountInfoLine Line(uint64_t id, uint64_t parent, const std::string& target, const std::string& type = "ext4") {
  return {.id = id,
          .parent = parent,
          .dev = {},
          .type = type,
          .root = "/",
          .target = target,
          .source = "",
          .super_options = ""};
}

TEST(MountTreeTest, AWalkEndsOnTheUppermostMountOfItsPath) {
  const MountTree tree({Line(1, 0, "/"), Line(2, 1, "/a"), Line(3, 2, "/a"), Line(4, 3, "/a/b")}, IsFuse, true);
  EXPECT_EQ(tree.Follow("/").mount_id, 1U);
  EXPECT_EQ(tree.Follow("/x/y").mount_id, 1U);
  EXPECT_EQ(tree.Follow("/a").mount_id, 3U);
  EXPECT_EQ(tree.Follow("//a/./c").mount_id, 3U);
  EXPECT_EQ(tree.Follow("/a/b/").mount_id, 4U);
  EXPECT_EQ(tree.Follow("/ab").mount_id, 1U);
  EXPECT_EQ(tree.Follow("/a/../a").mount_id, std::nullopt);
}

TEST(MountTreeTest, WhatIsHiddenBelowAnotherMountIsNotReached) {
  const MountInfoLine hidden = Line(3, 2, "/a/b");
  const MountInfoLine covered = Line(2, 1, "/a");
  const MountTree tree({Line(1, 0, "/"), covered, hidden, Line(4, 2, "/a", "tmpfs")}, IsFuse, true);
  EXPECT_FALSE(tree.Reaches(covered));
  EXPECT_FALSE(tree.Reaches(hidden));
}

TEST(MountTreeTest, AWalkThroughAMountThatMayHangIsStuckThere) {
  const MountInfoLine inside = Line(3, 2, "/f/d");
  const MountTree tree({Line(1, 0, "/"), Line(2, 1, "/f", "fuse"), inside}, IsFuse, true);
  EXPECT_EQ(tree.Follow("/f").stuck_on, std::nullopt);  // the mount itself: nothing is looked up in it
  EXPECT_EQ(tree.Follow("/f").mount_id, 2U);
  EXPECT_EQ(tree.Follow("/f/d").stuck_on, 2U);
  EXPECT_EQ(tree.Follow("/f/../x").stuck_on, 2U);
  EXPECT_FALSE(tree.Reaches(inside));
}

TEST(MountTreeTest, AMountThatMayHangIsNoObstacleWhereAnotherOneCoversIt) {
  const MountInfoLine above = Line(3, 2, "/f");
  const MountInfoLine inside = Line(4, 3, "/f/d");
  const MountTree tree({Line(1, 0, "/"), Line(2, 1, "/f", "fuse"), above, inside}, IsFuse, true);
  EXPECT_TRUE(tree.Reaches(above));
  EXPECT_TRUE(tree.Reaches(inside));
}

TEST(MountTreeTest, AMountThatMayHangHidesWhatLiesBelowItWithoutBeingAsked) {
  const MountInfoLine hidden = Line(2, 1, "/a/b");
  const MountTree tree({Line(1, 0, "/"), hidden, Line(3, 1, "/a", "fuse")}, IsFuse, true);
  EXPECT_EQ(tree.Follow("/a/b").stuck_on, 3U);
  EXPECT_FALSE(tree.Reaches(hidden));
}

TEST(MountTreeTest, OnlyOurOwnRootIsTakenToAnswer) {
  const std::vector<MountInfoLine> lines = {Line(1, 0, "/", "fuse"), Line(2, 1, "/a")};
  EXPECT_TRUE(MountTree(lines, IsFuse, true).Reaches(lines[1]));
  EXPECT_FALSE(MountTree(lines, IsFuse, false).Reaches(lines[1]));
}

TEST(MountTreeTest, ATableNeedsNoRoot) {  // as in a chroot whose directory is no mount point
  const std::vector<MountInfoLine> lines = {Line(2, 1, "/a"), Line(3, 2, "/a/b")};
  const MountTree tree(lines, IsFuse, true);
  EXPECT_TRUE(tree.Reaches(lines[0]));
  EXPECT_TRUE(tree.Reaches(lines[1]));
  EXPECT_EQ(tree.Follow("/x").mount_id, std::nullopt);
}

TEST(MountTreeTest, ATableThatIsNoTreeIsFollowedToAnEnd) {
  const MountTree tree({Line(1, 1, "/"), Line(2, 3, "/a"), Line(3, 2, "/a"), Line(2, 2, "/a")}, IsFuse, true);
  (void)tree.Follow("/a/b");
  EXPECT_EQ(tree.Follow("/").mount_id, 1U);
}

}  // namespace
}  // namespace fsherald
