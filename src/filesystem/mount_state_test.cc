// SPDX-License-Identifier: MIT
#include "filesystem/mount_state.h"

#include <gtest/gtest.h>

namespace fsherald {
namespace {

struct Row {
  MountLook look;
  MountState state;
};

TEST(MountStateTest, EachStateIsReadOffTheMountTableAsSeenOn618) {
  const Row rows[] = {
      {{"ext4", "rw", 0}, MountState::kWritable},
      {{"ext4", "rw,errors=remount-ro", 0}, MountState::kWritable},
      {{"ext4", "rw,emergency_ro", 0}, MountState::kForcedReadOnly},
      {{"ext4", "rw,abort,emergency_ro", 0}, MountState::kForcedReadOnly},
      {{"ext4", "rw,shutdown", 0}, MountState::kShutDown},
      {{"ext3", "rw,emergency_ro,shutdown", 0}, MountState::kShutDown},
      {{"ext4", "ro,emergency_ro", 1}, MountState::kForcedReadOnly},
      {{"ext4", "ro", 1}, MountState::kReadOnly},
      {{"ext4", "rw", 1}, MountState::kWritable},  // remount,bind,ro
      {{"btrfs", "ro,space_cache=v2", 0}, MountState::kForcedReadOnly},
      {{"btrfs", "ro,space_cache=v2", 2}, MountState::kReadOnly},
      {{"vfat", "ro,errors=remount-ro", 0}, MountState::kForcedReadOnly},
      {{"vfat", "rw,errors=remount-ro", 0}, MountState::kWritable},
  };
  for (const Row& row : rows)
    EXPECT_EQ(MountStateOf(row.look), row.state) << row.look.type << " " << row.look.super_options;
}

TEST(MountStateTest, Ext4BeforeTheWordsOf615SaysItAsAllOthersDo) {
  EXPECT_EQ(MountStateOf({"ext4", "ro,errors=remount-ro", 0}), MountState::kForcedReadOnly);
}

TEST(MountStateTest, OnlyAWholeWordIsAnOption) {
  EXPECT_EQ(MountStateOf({"ext4", "rw,noshutdown,emergency_rose,prjquota=ro", 0}), MountState::kWritable);
  EXPECT_EQ(MountStateOf({"ext4", "", 0}), MountState::kWritable);
  EXPECT_EQ(MountStateOf({"ext4", ",,ro,", 0}), MountState::kForcedReadOnly);
}

TEST(MountStateTest, TheWordsOfExt4MeanNothingElsewhere) {
  EXPECT_EQ(MountStateOf({"fuse.mine", "rw,shutdown,emergency_ro", 0}), MountState::kWritable);
}

TEST(MountStateTest, WhatCanNeverBeWrittenOrIsAnothersForcesNothing) {
  for (const char* type : {"squashfs", "erofs", "iso9660", "fuse.sshfs", "nfs4"})
    EXPECT_EQ(MountStateOf({type, "ro", 0}), MountState::kReadOnly) << type;
}

struct Change {
  MountLook before;
  MountLook now;
  std::optional<Kind> told;
};

TEST(MountStateTest, WhatAFilesystemDoesToItselfIsTold) {
  const Change changes[] = {
      {{"ext4", "rw", 0}, {"ext4", "rw,emergency_ro", 0}, Kind::kReadOnly},
      {{"ext4", "rw", 0}, {"ext4", "rw,shutdown", 0}, Kind::kShutdown},
      {{"ext4", "rw,emergency_ro", 0}, {"ext4", "rw,emergency_ro,shutdown", 0}, Kind::kShutdown},
      {{"ext4", "ro", 1}, {"ext4", "ro,shutdown", 1}, Kind::kShutdown},
      {{"ext4", "rw", 1}, {"ext4", "rw,emergency_ro", 1}, Kind::kReadOnly},
      {{"btrfs", "rw", 0}, {"btrfs", "ro", 0}, Kind::kReadOnly},
      {{"btrfs", "rw", 1}, {"btrfs", "ro", 1}, Kind::kReadOnly},  // the mount of one snapshot was always read-only
      {{"vfat", "rw", 0}, {"vfat", "ro", 0}, Kind::kReadOnly},
  };
  for (const Change& change : changes)
    EXPECT_EQ(NewState(change.before, change.now), change.told) << change.now.type << " " << change.now.super_options;
}

TEST(MountStateTest, WhatTheAdministratorDoesIsNoError) {
  const Change changes[] = {
      {{"ext4", "rw", 0}, {"ext4", "ro", 1}, std::nullopt},    // remount,ro
      {{"ext4", "rw", 0}, {"ext4", "rw", 1}, std::nullopt},    // remount,bind,ro
      {{"btrfs", "rw", 1}, {"btrfs", "ro", 2}, std::nullopt},  // remount,ro, beside a read-only snapshot
      {{"ext4", "ro", 1}, {"ext4", "rw", 0}, std::nullopt},    // remount,rw
      {{"btrfs", "ro", 0}, {"btrfs", "rw", 0}, std::nullopt},  // and out of a forced state
      {{"squashfs", "ro", 1}, {"squashfs", "ro", 0}, std::nullopt},
  };
  for (const Change& change : changes)
    EXPECT_EQ(NewState(change.before, change.now), change.told) << change.now.type << " " << change.now.super_options;
}

TEST(MountStateTest, AStateThatLastsIsNotToldAgain) {
  for (const MountLook& look : {MountLook{"ext4", "rw,emergency_ro", 0}, MountLook{"ext4", "rw,shutdown", 0},
                                MountLook{"btrfs", "ro", 0}, MountLook{"ext4", "ro", 1}})
    EXPECT_EQ(NewState(look, look), std::nullopt) << look.type << " " << look.super_options;
  EXPECT_EQ(NewState({"ext4", "rw,shutdown", 0}, {"ext4", "rw,emergency_ro", 0}), std::nullopt);
}

TEST(MountStateTest, AStateThatWasLeftIsToldAgain) {
  EXPECT_EQ(NewState({"vfat", "ro", 0}, {"vfat", "rw", 0}), std::nullopt);
  EXPECT_EQ(NewState({"vfat", "rw", 0}, {"vfat", "ro", 0}), Kind::kReadOnly);
}

}  // namespace
}  // namespace fsherald
