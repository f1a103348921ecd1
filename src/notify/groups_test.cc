// SPDX-License-Identifier: MIT
#include "notify/groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "notify/test_notification.h"

namespace fsherald {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr FilesystemKey kA{1};
constexpr FilesystemKey kB{2};
constexpr FilesystemKey kUser{0x40000007};
constexpr FilesystemKey kUnmounted{0x80000003};

class GroupsTest : public testing::Test {
 protected:
  std::vector<Group*> Deliver(std::vector<FilesystemKey> keys) {
    std::vector<Group*> given;
    groups_.Deliver(TestNotification(++seq_, "sda"), keys, given);
    return given;
  }

  static std::vector<uint64_t> SequencesOf(Group& group) {
    std::vector<std::byte> buffer(65536);
    std::vector<uint64_t> sequences;
    for (const Told& told : ToldIn(std::span(buffer).first(group.Read(buffer)))) sequences.push_back(told.seq);
    return sequences;
  }

  uint64_t seq_ = 0;
  Groups groups_{Host{}};
  Group one_{16384};
  Group two_{16384};
};

TEST_F(GroupsTest, EachGroupIsGivenWhatItMarkedAndNothingElse) {
  ASSERT_TRUE(groups_.Mark(one_, kA));
  ASSERT_TRUE(groups_.Mark(two_, kB));
  EXPECT_THAT(Deliver({kA}), ElementsAre(&one_));
  EXPECT_THAT(Deliver({kB}), ElementsAre(&two_));
  EXPECT_THAT(Deliver({kUser}), IsEmpty());
  EXPECT_THAT(SequencesOf(one_), ElementsAre(1));
  EXPECT_THAT(SequencesOf(two_), ElementsAre(2));
}

TEST_F(GroupsTest, KeysOfAllKindsAreToldApart) {
  for (FilesystemKey key : {kA, kUser, kUnmounted, FilesystemKey{7}}) ASSERT_TRUE(groups_.Mark(one_, key));
  EXPECT_THAT(Deliver({FilesystemKey{3}}), IsEmpty());
  EXPECT_THAT(Deliver({FilesystemKey{0x40000003}}), IsEmpty());
  EXPECT_THAT(Deliver({FilesystemKey{0x80000007}}), IsEmpty());
  EXPECT_THAT(Deliver({FilesystemKey{0xc0000007}}), IsEmpty());
  for (FilesystemKey key : {kA, kUser, kUnmounted, FilesystemKey{7}}) EXPECT_THAT(Deliver({key}), ElementsAre(&one_));
}

TEST_F(GroupsTest, AMarkOnAllIsOnThoseToCome) {
  groups_.MarkAll(one_);
  groups_.MarkAll(one_);
  EXPECT_TRUE(groups_.IsMarked(kUser));
  EXPECT_THAT(Deliver({kUser}), ElementsAre(&one_));
  ASSERT_TRUE(groups_.UnmarkAll(one_));
  EXPECT_FALSE(groups_.IsMarked(kUser));
  EXPECT_THAT(Deliver({kUser}), IsEmpty());
  EXPECT_EQ(groups_.UnmarkAll(one_).error().code, ENOENT);
}

TEST_F(GroupsTest, MarkingTwiceIsMarkingOnce) {
  ASSERT_TRUE(groups_.Mark(one_, kA));
  ASSERT_TRUE(groups_.Mark(one_, kA));
  EXPECT_THAT(Deliver({kA}), ElementsAre(&one_));
  ASSERT_TRUE(groups_.Unmark(one_, kA));
  EXPECT_THAT(Deliver({kA}), IsEmpty());
  EXPECT_EQ(groups_.Unmark(one_, kA).error().code, ENOENT);
}

TEST_F(GroupsTest, SeveralMarksOnOneFilesystemAreOneDelivery) {
  ASSERT_TRUE(groups_.Mark(one_, kA));
  ASSERT_TRUE(groups_.Mark(one_, kUser));
  groups_.MarkAll(one_);
  EXPECT_THAT(Deliver({kA, kUser}), ElementsAre(&one_));
  EXPECT_THAT(SequencesOf(one_), ElementsAre(1));
}

TEST_F(GroupsTest, WhatConcernsAllIsGivenToEachGroupWithAMark) {
  Group unmarked(16384);
  ASSERT_TRUE(groups_.Mark(one_, kA));
  groups_.MarkAll(two_);
  EXPECT_THAT(Deliver({}), UnorderedElementsAre(&one_, &two_));
}

TEST_F(GroupsTest, FlushEndsAllMarks) {
  ASSERT_TRUE(groups_.Mark(one_, kA));
  ASSERT_TRUE(groups_.Mark(one_, kB));
  ASSERT_TRUE(groups_.Mark(two_, kB));
  groups_.MarkAll(one_);
  groups_.Flush(one_);
  EXPECT_THAT(Deliver({kA}), IsEmpty());
  EXPECT_THAT(Deliver({kB}), ElementsAre(&two_));
  EXPECT_THAT(Deliver({}), ElementsAre(&two_));
  groups_.Flush(one_);
}

TEST_F(GroupsTest, WhatIsForgottenIsMarkedNoMore) {
  ASSERT_TRUE(groups_.Mark(one_, kA));
  ASSERT_TRUE(groups_.Mark(one_, kB));
  groups_.Forget(kA);
  groups_.Forget(kA);
  groups_.Forget(kUser);
  EXPECT_FALSE(groups_.IsMarked(kA));
  EXPECT_THAT(Deliver({kA}), IsEmpty());
  EXPECT_THAT(Deliver({kB}), ElementsAre(&one_));
  EXPECT_EQ(groups_.Unmark(one_, kA).error().code, ENOENT);
}

TEST_F(GroupsTest, TheNumberOfMarksIsBounded) {
  for (uint32_t key = 1; key <= Groups::kMaxMarks; ++key) ASSERT_TRUE(groups_.Mark(one_, {key}));
  EXPECT_EQ(groups_.Mark(one_, {Groups::kMaxMarks + 1}).error().code, ENOSPC);
  EXPECT_TRUE(groups_.Mark(one_, {1}));
  ASSERT_TRUE(groups_.Unmark(one_, {1}));
  EXPECT_TRUE(groups_.Mark(one_, {Groups::kMaxMarks + 1}));
}

TEST_F(GroupsTest, AGapOfASourceCountsItsErrorsWhereItIsCountedItself) {
  ASSERT_TRUE(groups_.Mark(one_, kA));
  std::vector<Group*> given;
  for (uint64_t seq = 1; seq <= 200; ++seq) groups_.Deliver(TestNotification(seq, "sda"), std::span(&kA, 1), given);
  Notification lost = TestNotification(201, "sda", 0);
  lost.kind = Kind::kGap;
  lost.gap = Gap{.source = SourceId::kTrace, .count = 50};
  groups_.Deliver(lost, std::span(&kA, 1), given);
  std::vector<std::byte> buffer(1 << 20);
  uint64_t errors = 0;
  for (const Told& told : ToldIn(std::span(buffer).first(one_.Read(buffer)))) errors += told.errors;
  EXPECT_EQ(errors, 250);
}

}  // namespace
}  // namespace fsherald
