// SPDX-License-Identifier: MIT
#include "preload/descriptor_table.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fsherald::preload {
namespace {

bool IsBlocked(int signal) {
  sigset_t now;
  pthread_sigmask(SIG_SETMASK, nullptr, &now);
  return sigismember(&now, signal) == 1;
}

std::shared_ptr<RfcGroup> Group() { return std::make_shared<RfcGroup>(0x80); }

TEST(DescriptorTableTest, ADescriptorIsNobodysUntilItIsAddedAndAfterItIsRemoved) {
  DescriptorTable table;
  EXPECT_EQ(table.KindOf(7), DescriptorKind::kOther);
  const auto group = Group();
  table.AddMaybe(7, group);
  EXPECT_EQ(table.KindOf(7), DescriptorKind::kMaybe);
  table.MakeGroup(7);
  EXPECT_EQ(table.KindOf(7), DescriptorKind::kGroup);
  EXPECT_EQ(table.GroupOf(7), group);
  EXPECT_EQ(table.Remove(7), group);
  EXPECT_EQ(table.KindOf(7), DescriptorKind::kOther);
  EXPECT_EQ(table.GroupOf(7), nullptr);
}

TEST(DescriptorTableTest, TheEpollsThatAwaitADescriptorAreKnownUntilItIsAGroup) {
  DescriptorTable table;
  table.AddMaybe(7, Group());
  table.Await(7, 8, epoll_event{.events = EPOLLIN, .data = {}});
  table.Await(7, 9, epoll_event{.events = EPOLLIN, .data = {}});
  table.Await(7, 9, std::nullopt);
  EXPECT_EQ(table.AwaitedIn(7).size(), 1U);
  EXPECT_TRUE(table.AwaitedIn(7).contains(8));
  EXPECT_EQ(table.MakeGroup(7).size(), 1U);
  EXPECT_TRUE(table.AwaitedIn(7).empty());
  EXPECT_TRUE(table.AwaitedIn(100).empty());
}

TEST(DescriptorTableTest, NumbersOutOfBoundsAreNobodys) {
  DescriptorTable table;
  table.AddMaybe(DescriptorTable::kMaxDescriptors, Group());
  EXPECT_EQ(table.KindOf(DescriptorTable::kMaxDescriptors), DescriptorKind::kOther);
  EXPECT_EQ(table.KindOf(-1), DescriptorKind::kOther);
}

// A handler that closes a group would wait for what its own thread holds.
TEST(DescriptorTableTest, NoSignalHandlerRunsWhileItIsLockedForAFork) {
  DescriptorTable table;
  table.LockForFork();
  EXPECT_TRUE(IsBlocked(SIGUSR1));
  table.UnlockAfterFork();
  EXPECT_FALSE(IsBlocked(SIGUSR1));
}

// What the table keeps for good of its parent, only a real child may leave behind.
TEST(DescriptorTableTest, InAChildGroupsAreOrphanedAndWhatMayBecomeOneStillMay) {
  DescriptorTable table;
  const auto group = Group(), maybe = Group();
  table.AddGroup(7, group);
  table.AddMaybe(8, maybe);
  table.LockForFork();
  const pid_t child = ::fork();
  if (child == 0) {
    table.OrphanAllAfterFork();
    EXPECT_FALSE(IsBlocked(SIGUSR1));
    EXPECT_EQ(table.KindOf(7), DescriptorKind::kOrphaned);
    EXPECT_EQ(table.GroupOf(7), nullptr);
    EXPECT_EQ(table.KindOf(8), DescriptorKind::kMaybe);
    EXPECT_NE(table.GroupOf(8), maybe) << "that one is the parent's";
    ::_exit(testing::Test::HasFailure() ? 1 : 0);
  }
  table.UnlockAfterFork();
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_EQ(table.KindOf(7), DescriptorKind::kGroup);
}

}  // namespace
}  // namespace fsherald::preload
