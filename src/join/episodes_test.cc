// SPDX-License-Identifier: MIT
// What belongs to one error and what does not, by what its reports say of themselves.
#include "join/episodes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

namespace fsherald {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Episode = Episodes::Episode;

constexpr uint64_t kMs = 1'000'000;
constexpr uint32_t kEvent = 1, kFirstLine = 2, kSecondLine = 4;

Task TaskOf(uint32_t tid) { return Task{.pid = tid, .tid = tid, .comm = "ls", .cgroup = {}}; }

ErrorReport About(const char* topic, uint32_t part = 0) {
  ErrorReport report;
  report.topic = topic;
  report.part = part;
  return report;
}

ErrorReport Following(uint32_t part = 0) {
  ErrorReport report;
  report.follows = true;
  report.part = part;
  return report;
}

SourceSet Both() { return SourceSet(SourceId::kTrace).Add(SourceId::kKmsg); }

class EpisodesTest : public testing::Test {
 protected:
  void Event(ErrorReport report, std::optional<uint32_t> tid = 7, uint64_t at_ns = 0) {
    EventSignal signal{.boottime_ns = at_ns, .stack = {"reporter+0x1"}, .report = std::move(report)};
    if (tid) signal.task = TaskOf(*tid);
    episodes_.Add(std::move(signal), at_ns);
  }
  void Line(ErrorReport report, std::optional<uint32_t> tid = 7, uint64_t at_ns = 0) {
    LogSignal signal{.boottime_ns = at_ns, .report = std::move(report)};
    if (tid) signal.task = TaskOf(*tid);
    episodes_.Add(std::move(signal), at_ns);
  }
  std::vector<Episode> All() { return episodes_.Take(0, true); }

  Episodes episodes_{Episodes::Options{}};
};

TEST_F(EpisodesTest, WhatSaysNothingOfOthersIsAnErrorByItselfAndLeavesAtOnce) {
  Line({.message = "one"});
  Line({.message = "two"});
  const std::vector<Episode> told = episodes_.Take(0, false);
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_EQ(told[0].report.message, "one");
  EXPECT_EQ(told[1].report.message, "two");
}

TEST_F(EpisodesTest, ReportsOfOneTopicAndTaskAreOneError) {
  Event(About("daddr 0x38", kEvent), 7);
  Line(About("daddr 0x38", kFirstLine), 7);
  Line(About("daddr 0x40", kFirstLine), 7);
  const std::vector<Episode> told = All();
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_EQ(told[0].told.sources, Both());
  EXPECT_EQ(told[0].parts, kEvent | kFirstLine);
  EXPECT_EQ(told[1].told.sources, SourceSet(SourceId::kKmsg));
}

TEST_F(EpisodesTest, WhatTwoTasksMeetAtOnePlaceIsTwoErrors) {
  Event(About("daddr 0x38", kEvent), 7);
  Event(About("daddr 0x38", kEvent), 8);
  Line(About("daddr 0x38", kFirstLine), 7);
  Line(About("daddr 0x38", kFirstLine), 8);
  const std::vector<Episode> told = All();
  ASSERT_THAT(told, SizeIs(2));
  for (const Episode& episode : told) EXPECT_EQ(episode.parts, kEvent | kFirstLine);
}

TEST_F(EpisodesTest, WhatAWorkerSaysOfATopicIsOfWhoeverMetIt) {
  ErrorReport by_worker = About("daddr 0x38", kEvent);
  by_worker.task_is_any = true;
  Event(by_worker, 1);
  Line(About("daddr 0x38", kFirstLine), 8);
  EXPECT_THAT(All(), SizeIs(1));
}

TEST_F(EpisodesTest, WhatFollowsJoinsTheLatestOfItsTask) {
  Event(About("a", kEvent), 7);
  Event(About("b", kEvent), 8);
  Line(Following(kFirstLine), 7);
  const std::vector<Episode> told = All();
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_EQ(told[0].parts, kEvent | kFirstLine);
  EXPECT_EQ(told[1].parts, kEvent);
}

TEST_F(EpisodesTest, WhatFollowsJoinsTheLatestOfAllWhereTheTaskIsNotKnown) {
  Event(About("a", kEvent), 7);
  Event(About("b", kEvent), 8);
  Line(Following(kFirstLine), std::nullopt);
  const std::vector<Episode> told = All();
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_EQ(told[0].parts, kEvent);
  EXPECT_EQ(told[1].parts, kEvent | kFirstLine);
}

TEST_F(EpisodesTest, WhatFollowsNothingIsAnErrorByItself) {
  Event(About("a", kEvent), 8);
  Line(Following(kFirstLine), 7);
  EXPECT_THAT(All(), SizeIs(2));
}

TEST_F(EpisodesTest, WhatFollowsDoesNotJoinAnErrorThatIsWhole) {
  Line({.message = "whole"}, 7);
  Line(Following(), 7);
  EXPECT_THAT(All(), SizeIs(2));
}

TEST_F(EpisodesTest, OfATopicThatNobodyHasNamedTheTaskDecides) {
  Event(About("a", kEvent), 7);
  ErrorReport line = About("in other words", kFirstLine);
  line.follows = true;
  Line(line, 7);
  EXPECT_THAT(All(), SizeIs(1));
}

TEST_F(EpisodesTest, TheSamePartAgainIsTheNextError) {
  for (int i = 0; i < 3; ++i) {
    Event(About("a", kEvent));
    Line(Following(kFirstLine));
    Line(Following(kSecondLine));
  }
  const std::vector<Episode> told = All();
  ASSERT_THAT(told, SizeIs(3));
  for (const Episode& episode : told) EXPECT_EQ(episode.parts, kEvent | kFirstLine | kSecondLine);
}

TEST_F(EpisodesTest, APartThatMayRepeatIsOneErrorHoweverOften) {
  for (int i = 0; i < 5; ++i) Event(About("write-back of inode 12"));
  EXPECT_THAT(All(), SizeIs(1));
}

TEST_F(EpisodesTest, WhatWasReadAheadAndThenWantedIsOneErrorOfWhoWantedIt) {
  ErrorReport ahead = About("a", kEvent);
  ahead.speculative = ahead.task_is_any = true;
  Event(ahead, 1);
  Event(About("a", kEvent), 7, 100 * kMs);
  const std::vector<Episode> told = All();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].told.task, TaskOf(7));
  EXPECT_FALSE(told[0].report.task_is_any);
  EXPECT_FALSE(told[0].report.speculative);
  EXPECT_EQ(told[0].told.boottime_ns, 0U) << "it was met when it was read";
}

TEST_F(EpisodesTest, WhatIsWantedTwiceIsTwoErrors) {
  ErrorReport ahead = About("a", kEvent);
  ahead.speculative = true;
  Event(ahead);
  Event(About("a", kEvent));
  Event(About("a", kEvent));
  EXPECT_THAT(All(), SizeIs(2));
}

TEST_F(EpisodesTest, WhatWasReadAheadWaitsLongButNotOnceItIsWanted) {
  ErrorReport ahead = About("a", kEvent);
  ahead.speculative = true;
  Event(ahead, 7, 0);
  EXPECT_THAT(episodes_.Take(199 * kMs, false), IsEmpty());
  EXPECT_EQ(episodes_.deadline_ns(), 200 * kMs);
  Event(About("a", kEvent), 7, 50 * kMs);
  EXPECT_EQ(episodes_.deadline_ns(), 55 * kMs);
  EXPECT_THAT(episodes_.Take(55 * kMs, false), SizeIs(1));
}

TEST_F(EpisodesTest, WhatWasReadAheadAndIsWantedTooLateIsTwoErrors) {
  ErrorReport ahead = About("a", kEvent);
  ahead.speculative = true;
  Event(ahead, 7, 0);
  Event(About("a", kEvent), 7, 201 * kMs);
  EXPECT_THAT(All(), SizeIs(2));
}

TEST_F(EpisodesTest, AnErrorLeavesWhenItsLastReportNeedNotBeFollowed) {
  Event(About("a", kEvent), 7, 0);
  EXPECT_EQ(episodes_.deadline_ns(), 5 * kMs);
  EXPECT_THAT(episodes_.Take(5 * kMs - 1, false), IsEmpty());
  EXPECT_THAT(episodes_.Take(5 * kMs, false), SizeIs(1));
  EXPECT_EQ(episodes_.deadline_ns(), std::nullopt);
}

TEST_F(EpisodesTest, WhatWillBeFollowedWaitsForASlowConsole) {
  ErrorReport first = About("a", kEvent);
  first.more = true;
  Event(first, 7, 0);
  EXPECT_THAT(episodes_.Take(99 * kMs, false), IsEmpty());
  Line(Following(kFirstLine), 7, 99 * kMs);
  EXPECT_EQ(episodes_.deadline_ns(), 104 * kMs);
  EXPECT_THAT(episodes_.Take(104 * kMs, false), SizeIs(1));
}

TEST_F(EpisodesTest, WhatComesLongAfterIsTheNextErrorThoughTheFirstWasNotTakenYet) {
  Event(About("a", kEvent), 7, 0);
  Line(About("a", kFirstLine), 7, 101 * kMs);
  EXPECT_THAT(All(), SizeIs(2));
}

TEST_F(EpisodesTest, TheFirstTaskThatIsOneIsTold) {
  ErrorReport by_worker = About("a", kEvent);
  by_worker.task_is_any = true;
  Event(by_worker, 1);
  Line(About("a", kFirstLine), 7);
  ErrorReport by_another = About("a", kSecondLine);
  by_another.task_is_any = true;
  Line(by_another, 9);
  const std::vector<Episode> told = All();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].told.task, TaskOf(7));
  EXPECT_FALSE(told[0].report.task_is_any);
}

TEST_F(EpisodesTest, OfWorkersAloneNoTaskIsKnown) {
  ErrorReport by_worker = About("a");
  by_worker.task_is_any = true;
  Event(by_worker, 1);
  Event(by_worker, 2);
  const std::vector<Episode> told = All();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_TRUE(told[0].report.task_is_any);
}

TEST_F(EpisodesTest, ALineNamesItsTaskByItsCommAtTheLeast) {
  ErrorReport line = About("a");
  line.comm = "cp";
  Line(line, std::nullopt);
  EXPECT_EQ(All().at(0).told.task, (Task{.comm = "cp"}));
}

TEST_F(EpisodesTest, EachReportAddsWhatIsNotKnownYetAndTakesNothingBack) {
  ErrorReport event = About("a", kEvent);
  event.code = EBADMSG;
  event.inode = 12;
  event.fields = {{"structure", "agf"}, {"daddr", std::monostate()}};
  ErrorReport line = About("a", kFirstLine);
  line.code = EIO;
  line.block = 56;
  line.message = "Metadata CRC error";
  line.fields = {{"structure", "agi"}, {"daddr", uint64_t{56}}, {"length", uint64_t{8}}};
  line.corrected = true;
  Event(event);
  Line(line);
  const std::vector<Episode> told = All();
  ASSERT_THAT(told, SizeIs(1));
  const ErrorReport& report = told[0].report;
  EXPECT_EQ(report.code, EBADMSG);
  EXPECT_EQ(report.inode, 12U);
  EXPECT_EQ(report.block, 56U);
  EXPECT_EQ(report.message, "Metadata CRC error");
  EXPECT_TRUE(report.corrected);
  EXPECT_THAT(report.fields, ElementsAre(SpecificField{"structure", "agf"}, SpecificField{"daddr", uint64_t{56}},
                                         SpecificField{"length", uint64_t{8}}));
}

TEST_F(EpisodesTest, APlaceIsLearntWhole) {
  ErrorReport event = About("a", kEvent);
  event.function = "xfs_agf_read_verify";
  ErrorReport line = About("a", kFirstLine);
  line.function = "xfs_read_agf";
  line.line = 2600;
  line.file = "fs/xfs/libxfs/xfs_alloc.c";
  Event(event);
  Line(line);
  const ErrorReport report = All().at(0).report;
  EXPECT_EQ(report.function, "xfs_agf_read_verify");
  EXPECT_EQ(report.line, std::nullopt);
  EXPECT_EQ(report.file, "");
}

TEST_F(EpisodesTest, AnAdditionJoinsAndIsNeverAnErrorByItself) {
  ErrorReport addition = About("a");
  addition.meaning = ErrorReport::Meaning::kAddition;
  addition.message = "Unmount and run xfs_repair";
  Line(addition);
  EXPECT_THAT(All(), IsEmpty());
  Event(About("a", kEvent));
  Line(addition);
  const std::vector<Episode> told = All();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].report.message, "Unmount and run xfs_repair");
}

TEST_F(EpisodesTest, WhatTheFileSystemCountsIsSummed) {
  ErrorReport counted = About("a");
  counted.counted = true;
  counted.count = 2;
  Line(counted);
  Line(counted);
  Line(About("a"));
  EXPECT_EQ(All().at(0).counted, 4U);
}

TEST_F(EpisodesTest, WhatWasOnlyCountedJoinsNothing) {
  Event(About("a", kEvent));
  episodes_.Add(EventSignal{.report = About("a", kFirstLine), .folded = 900}, 0);
  const std::vector<Episode> told = All();
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_EQ(told[1].told.error.count, 900U);
  EXPECT_EQ(told[1].told.task, std::nullopt);
}

TEST_F(EpisodesTest, OfTooManyTheOldestWaitNoLonger) {
  for (int i = 0; i < 1030; ++i) Event(About(("daddr " + std::to_string(i)).c_str(), kEvent));
  const std::vector<Episode> told = episodes_.Take(0, false);
  ASSERT_THAT(told, SizeIs(6));
  EXPECT_EQ(told[0].report.topic, "daddr 0");
  EXPECT_THAT(All(), SizeIs(1024));
}

}  // namespace
}  // namespace fsherald
