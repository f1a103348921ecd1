// SPDX-License-Identifier: MIT
// The join's whole behaviour as a table: signals in, notifications out.
#include "join/join.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

namespace fsherald {
namespace {

constexpr FilesystemKey kFs{1};
constexpr FilesystemKey kOther{2};
constexpr uint64_t kMs = 1'000'000;
constexpr Reporter kInodeReporter{.told_by_fanotify = true, .counted = true, .code = {}};
constexpr Reporter kGroupReporter{.told_by_fanotify = false, .counted = true, .code = EUCLEAN};
constexpr JoinCoverage kAll{
    .fanotify = true, .trace = true, .detail = false, .lines = true, .lines_with_task = true, .counters = true};

Task TaskOf(uint32_t tid, const char* comm = "ls") { return Task{.pid = tid, .tid = tid, .comm = comm, .cgroup = {}}; }

Signal Trace(uint32_t tid, const char* function = "ext4_lookup", uint32_t line = 1855,
             Reporter reporter = kInodeReporter) {
  return {kFs, TraceSignal{.boottime_ns = 100,
                           .task = TaskOf(tid),
                           .function = function,
                           .line = line,
                           .stack = {"ext4_lookup+0x1a2"},
                           .reporter = reporter}};
}

Signal Fold(uint64_t count, const char* function = "ext4_lookup", uint32_t line = 1855) {
  return {kFs, TraceSignal{.boottime_ns = 100,
                           .task = {},
                           .function = function,
                           .line = line,
                           .stack = {},
                           .reporter = kInodeReporter,
                           .folded = count}};
}

ErrorReport Said(const char* text, std::optional<uint64_t> inode = 12) {
  ErrorReport message;
  message.device = "loop0";
  message.function = "ext4_lookup";
  message.line = 1855;
  message.inode = inode;
  message.comm = "ls";
  message.message = text;
  message.counted = message.traced = message.told_by_fanotify = true;
  return message;
}

// "EXT4-fs error (device loop0) in ext4_reserve_inode_write:5870: Out of memory": no tracepoint.
ErrorReport StdError() {
  ErrorReport message;
  message.function = "ext4_reserve_inode_write";
  message.line = 5870;
  message.message = "Out of memory";
  message.code = ENOMEM;
  message.counted = message.told_by_fanotify = true;
  return message;
}

Signal Line(uint32_t tid, ErrorReport message) {
  return {kFs, LogSignal{.boottime_ns = 101, .task = TaskOf(tid), .stack = {}, .report = std::move(message)}};
}

Signal KmsgLine(ErrorReport message) {
  return {kFs, LogSignal{.boottime_ns = 101, .task = {}, .stack = {}, .report = std::move(message)}};
}

Signal Fanotify(int code, uint64_t count, std::optional<uint64_t> inode = {}, std::optional<uint32_t> generation = {}) {
  return {kFs,
          FanotifySignal{.boottime_ns = 102, .code = code, .count = count, .inode = inode, .generation = generation}};
}

Signal Counter(uint64_t errors, std::optional<CounterReading::Occurrence> last = {}) {
  return {kFs,
          CounterSignal{.boottime_ns = 103, .reading = {.errors = errors, .warnings = 0, .first = {}, .last = last}}};
}

Signal Detail(uint32_t tid, int code, std::optional<uint64_t> inode, std::optional<uint64_t> block = {}) {
  return {kFs, DetailSignal{.boottime_ns = 102,
                            .task = TaskOf(tid),
                            .function = "ext4_lookup",
                            .line = 1855,
                            .code = code,
                            .inode = inode,
                            .block = block}};
}

SourceSet Sources(std::initializer_list<SourceId> ids) {
  SourceSet set;
  for (SourceId id : ids) set.Add(id);
  return set;
}

uint64_t Sum(const std::vector<Joined>& told) {
  uint64_t sum = 0;
  for (const Joined& joined : told) sum += joined.notification.error.count;
  return sum;
}

class JoinTest : public testing::Test {
 protected:
  void Watch(JoinCoverage coverage, uint64_t counter_base = 0) { join_.Open(kFs, coverage, counter_base); }
  void Add(const Signal& signal, uint64_t now_ns = 0) { join_.Add(signal, now_ns); }
  Join join_;
};

TEST_F(JoinTest, ThreeSignalsOfOneErrorLeaveAtOnceAsOneNotification) {
  Watch(kAll);
  Add(Trace(7));
  Add(Line(7, Said("deleted inode referenced: 13")));
  Add(Fanotify(EUCLEAN, 1, 12, 77));
  std::vector<Joined> told = join_.Take(0);
  ASSERT_EQ(told.size(), 1u);
  const Notification& n = told[0].notification;
  EXPECT_EQ(n.error, (ErrorInfo{.code = EUCLEAN, .count = 1}));
  EXPECT_EQ(n.location->function, "ext4_lookup");
  EXPECT_EQ(n.location->line, 1855u);
  EXPECT_EQ(n.location->stack, std::vector<std::string>{"ext4_lookup+0x1a2"});
  EXPECT_EQ(n.object->inode, 12u);
  EXPECT_EQ(n.object->generation, 77u);
  EXPECT_EQ(n.task, TaskOf(7));
  EXPECT_EQ(n.kind, Kind::kMetadata);
  EXPECT_EQ(n.sources, Sources({SourceId::kFanotify, SourceId::kTrace, SourceId::kKmsg}));
  EXPECT_EQ(told[0].report->message, "deleted inode referenced: 13");
  EXPECT_EQ(join_.deadline_ns(), std::nullopt);
}

TEST_F(JoinTest, ATraceWithoutFanotifyAndLineWaits) {
  Watch(kAll);
  Add(Trace(7));
  EXPECT_TRUE(join_.Take(4 * kMs).empty());
  EXPECT_TRUE(join_.deadline_ns().has_value());
}

TEST_F(JoinTest, FanotifyClosesAnErrorWhoseLineWasRateLimited) {
  Watch(kAll);
  Add(Trace(7));
  Add(Fanotify(EUCLEAN, 1, 12));
  std::vector<Joined> told = join_.Take(0);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_FALSE(told[0].report.has_value());
  EXPECT_EQ(told[0].notification.object->inode, 12u);
}

TEST_F(JoinTest, MergedFanotifyCountClosesEveryErrorInIt) {
  Watch(kAll);
  Add(Trace(7));
  Add(Line(7, Said("a", 12)));
  Add(Trace(8, "ext4_iget", 5000));
  Add(Fanotify(EBADMSG, 2, 12, 1));
  std::vector<Joined> told = join_.Take(0);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].notification.error.code, EBADMSG);
  EXPECT_EQ(told[1].notification.error.code, std::nullopt) << "another code point: its errno is not known, not guessed";
  EXPECT_EQ(told[1].notification.object, std::nullopt);
}

TEST_F(JoinTest, ErrorsOfOneCodePointMergedByTheKernelShareTheErrno) {
  Watch(kAll);
  Add(Trace(7));
  Add(Line(7, Said("a", 12)));
  Add(Trace(8));
  Add(Line(8, Said("b", 13)));
  Add(Fanotify(EBADMSG, 2, 12, 1));
  std::vector<Joined> told = join_.Take(0);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[1].notification.error.code, EBADMSG);
  EXPECT_EQ(told[1].notification.object->inode, 13u);
}

TEST_F(JoinTest, TheDescriptionGoesToTheErrorOfItsInode) {
  Watch(kAll);
  Add(Trace(7));
  Add(Trace(8));
  Add(Line(7, Said("a", 12)));
  Add(Line(8, Said("b", 13)));
  Add(Fanotify(EUCLEAN, 2, 13, 99));
  std::vector<Joined> told = join_.Take(0);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].notification.object->generation, std::nullopt);
  EXPECT_EQ(told[1].notification.object->generation, 99u);
}

TEST_F(JoinTest, LinesGoToTheErrorOfTheirTask) {
  Watch(kAll);
  Add(Trace(7));
  Add(Trace(8));
  Add(Line(8, Said("of 8", 12)));
  Add(Line(7, Said("of 7", 12)));
  Add(Fanotify(EUCLEAN, 2, 12));
  std::vector<Joined> told = join_.Take(0);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].report->message, "of 7");
  EXPECT_EQ(told[1].report->message, "of 8");
}

TEST_F(JoinTest, FanotifyThatNoTraceExplainsIsTheGenericRecordAlone) {
  Watch(kAll);
  Add(Trace(7));
  Add(Line(7, Said("a", 12)));
  Add(Fanotify(EUCLEAN, 3, 12));
  std::vector<Joined> told = join_.Take(0);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[1].notification.error, (ErrorInfo{.code = {}, .count = 2}));
  EXPECT_EQ(told[1].notification.location, std::nullopt);
  EXPECT_EQ(told[1].notification.sources, SourceSet(SourceId::kFanotify));
}

TEST_F(JoinTest, FanotifyAloneHasErrnoAndObject) {
  Watch({.fanotify = true});
  Add(Fanotify(EUCLEAN, 5, 12, 3));
  std::vector<Joined> told = join_.Take(0);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].notification.error, (ErrorInfo{.code = EUCLEAN, .count = 5}));
  EXPECT_EQ(told[0].notification.object->inode, 12u);
}

TEST_F(JoinTest, AnErrorWithoutTracepointIsTakenFromItsLine) {
  Watch(kAll);
  Add(Line(7, StdError()));
  Add(Fanotify(ENOMEM, 1));
  std::vector<Joined> told = join_.Take(0);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].notification.location->function, "ext4_reserve_inode_write");
  EXPECT_EQ(told[0].notification.sources, Sources({SourceId::kFanotify, SourceId::kKmsg}));
}

TEST_F(JoinTest, ABlockGroupErrorNeedsNoFanotifyAndLeavesWithItsLine) {
  Watch(kAll);
  ErrorReport message = Said("bitmap wrong", std::nullopt);
  message.told_by_fanotify = false;
  message.group = 3;
  Add(Trace(7, "ext4_lookup", 1855, kGroupReporter));
  EXPECT_TRUE(join_.Take(0).empty());
  Add(Line(7, message), kMs);
  std::vector<Joined> told = join_.Take(kMs);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].notification.error.code, EUCLEAN);
  EXPECT_EQ(told[0].report->group, 3u);
}

TEST_F(JoinTest, ABlockGroupErrorWithoutLineLeavesAfterTheWindow) {
  Watch(kAll);
  Add(Trace(7, "mb_free_blocks", 1, kGroupReporter));
  EXPECT_EQ(join_.deadline_ns(), 5 * kMs);
  EXPECT_EQ(join_.Take(5 * kMs).size(), 1u);
}

TEST_F(JoinTest, TheTasksNextErrorEndsTheWaitForTheLineBefore) {
  Watch(kAll);
  Add(Trace(7, "mb_free_blocks", 1, kGroupReporter));
  Add(Trace(7, "mb_free_blocks", 2, kGroupReporter));
  std::vector<Joined> told = join_.Take(0);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].notification.location->line, 1u);
}

TEST_F(JoinTest, TheTasksNextErrorEndsTheWaitAmidThoseOfOtherTasksOfWhichSomeHaveLeft) {
  Watch(kAll);
  Add(Trace(7, "mb_free_blocks", 1, kGroupReporter));
  Add(Trace(8, "mb_free_blocks", 2, kGroupReporter));
  Add(Trace(9, "mb_free_blocks", 3, kGroupReporter), 3 * kMs);
  Add(Trace(8, "mb_free_blocks", 4, kGroupReporter), 3 * kMs);
  ASSERT_EQ(Sum(join_.Take(3 * kMs)), 1u) << "line 2: its task has gone on";
  ASSERT_EQ(Sum(join_.Take(5 * kMs)), 1u) << "line 1: its window is over";
  Add(Trace(9, "mb_free_blocks", 5, kGroupReporter), 6 * kMs);
  std::vector<Joined> told = join_.Take(6 * kMs);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].notification.location->line, 3u);
}

TEST_F(JoinTest, FanotifyThatComesAfterTheWindowIsNotToldAgain) {
  Watch(kAll);
  Add(Trace(7));
  EXPECT_EQ(Sum(join_.Take(50 * kMs)), 1u) << "a console of ten milliseconds a line";
  Add(Fanotify(EUCLEAN, 1, 12), 60 * kMs);
  EXPECT_TRUE(join_.Take(60 * kMs).empty());
  Add(Fanotify(EIO, 1), 70 * kMs);
  EXPECT_EQ(Sum(join_.Take(70 * kMs)), 1u) << "but the next one is";
}

TEST_F(JoinTest, AnErrorBeforeTheMarkDoesNotWaitForFanotify) {
  JoinCoverage coverage = kAll;
  coverage.fanotify_since_ns = 100 + 1001 * kMs;
  Watch(coverage);
  Add(Trace(7));
  Add(Line(7, Said("a", 12)));
  EXPECT_EQ(Sum(join_.Take(0)), 1u);
  Add(Fanotify(EIO, 1), kMs);
  EXPECT_EQ(Sum(join_.Take(kMs)), 1u) << "the count is another error's";
}

TEST_F(JoinTest, AnErrorAmidWhichTheMarkCameIsToldOnceWhetherFanotifyTellsItOrNot) {
  JoinCoverage coverage = kAll;
  coverage.fanotify_since_ns = 100 + kMs;
  Watch(coverage);
  Add(Trace(7));
  Add(Line(7, Said("a", 12)));
  EXPECT_EQ(Sum(join_.Take(0)), 1u);
  Add(Fanotify(EUCLEAN, 1), kMs);
  EXPECT_TRUE(join_.Take(kMs).empty());
  Add(Fanotify(EIO, 1), 2 * kMs);
  EXPECT_EQ(Sum(join_.Take(2 * kMs)), 1u) << "but only it";
}

TEST_F(JoinTest, AnErrorToldOfAnEarlierMountingAmidWhichTheMarkCameIsNotToldAgain) {
  JoinCoverage coverage = kAll;
  coverage.fanotify_since_ns = 100;
  coverage.amid_tasks = {7};
  Watch(coverage);
  Add(Fanotify(EUCLEAN, 1), kMs);
  EXPECT_TRUE(join_.Take(kMs).empty());
  Add(Fanotify(EUCLEAN, 1), 2 * kMs);
  EXPECT_EQ(Sum(join_.Take(2 * kMs)), 1u) << "but the next one is";
}

TEST_F(JoinTest, OfEachTaskOneErrorIsAmidTheMark) {
  JoinCoverage coverage = kAll;
  coverage.fanotify_since_ns = 100 + kMs;
  coverage.amid_tasks = {7};
  Watch(coverage);
  for (uint32_t tid : {7, 7, 8, 8}) Add(Trace(tid));
  EXPECT_EQ(Sum(join_.Take(5 * kMs)), 4u);
  Add(Fanotify(EUCLEAN, 3), 6 * kMs);
  EXPECT_EQ(Sum(join_.Take(6 * kMs)), 1u) << "before a task met its next error it had told fanotify of this one";
}

TEST_F(JoinTest, AMarkThatCameLaterIsAmidWhatWasToldBeforeIt) {
  JoinCoverage coverage = kAll;
  coverage.fanotify = false;
  Watch(coverage);
  Add(Trace(7));
  Add(Line(7, Said("a", 12)));
  EXPECT_EQ(Sum(join_.Take(0)), 1u);
  coverage.fanotify = true;
  coverage.fanotify_since_ns = 100 + kMs;
  coverage.amid_tasks = {7};
  join_.Open(kFs, coverage, std::nullopt);
  Add(Fanotify(EUCLEAN, 1), kMs);
  EXPECT_TRUE(join_.Take(kMs).empty());
}

// However late it was read: the moment counts in which it came into the queue.
TEST_F(JoinTest, LaterNothingIsTakenForAnErrorAmidTheMark) {
  JoinCoverage coverage = kAll;
  coverage.fanotify_since_ns = 100 + kMs;
  Watch(coverage);
  for (uint32_t tid : {7, 8}) Add(Trace(tid));
  EXPECT_EQ(Sum(join_.Take(5 * kMs)), 2u);
  const auto queued_after = [](uint64_t boottime_ns) {
    Signal signal = Fanotify(EIO, 1);
    std::get<FanotifySignal>(signal.what).after_boottime_ns = boottime_ns;
    return signal;
  };
  Add(queued_after(100 + 1000 * kMs), 2000 * kMs);
  EXPECT_TRUE(join_.Take(2000 * kMs).empty());
  Add(queued_after(100 + 1001 * kMs), 2000 * kMs);
  EXPECT_EQ(Sum(join_.Take(2000 * kMs)), 1u);
}

TEST_F(JoinTest, EqualErrorsOfOneTakeAreOneNotificationWithTheirCount) {
  Watch(kAll);
  for (int i = 0; i < 5; ++i) {
    Add(Trace(7));
    Add(Line(7, Said("same", 12)));
  }
  Add(Fanotify(EUCLEAN, 5, 12));
  std::vector<Joined> told = join_.Take(0);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].notification.error.count, 5u);
}

TEST_F(JoinTest, FoldedErrorsAreToldByPlaceAndCount) {
  Watch(kAll);
  Add(Fold(1000));
  Add(Fanotify(EUCLEAN, 1000, 12));
  std::vector<Joined> told = join_.Take(0);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].notification.error, (ErrorInfo{.code = EUCLEAN, .count = 1000}));
  EXPECT_EQ(told[0].notification.task, std::nullopt);
  EXPECT_EQ(told[0].notification.location->function, "ext4_lookup");
}

TEST_F(JoinTest, AFoldPaidInTwoFanotifyRecordsIsToldOnce) {
  Watch(kAll);
  Add(Fold(10));
  Add(Fanotify(EUCLEAN, 4));
  EXPECT_TRUE(join_.Take(0).empty());
  Add(Fanotify(EUCLEAN, 7));
  std::vector<Joined> told = join_.Take(0);
  EXPECT_EQ(Sum(told), 11u);
}

TEST_F(JoinTest, ALineWhoseErrorWasFoldedIsNotCountedAgain) {
  Watch(kAll);
  Add(Line(7, Said("folded", 12)));
  Add(Fold(3));
  Add(Fanotify(EUCLEAN, 3));
  EXPECT_EQ(Sum(join_.Take(100 * kMs)), 3u);
}

TEST_F(JoinTest, CounterGrowthThatNothingExplainsIsTold) {
  Watch(kAll, 40);
  Add(Trace(7));
  Add(Fanotify(EUCLEAN, 1));
  Add(Counter(43));
  std::vector<Joined> told = join_.Take(0);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[1].notification.kind, Kind::kCounter);
  EXPECT_EQ(told[1].notification.error, (ErrorInfo{.code = {}, .count = 2}));
  EXPECT_EQ(told[1].notification.location, std::nullopt);
  Add(Counter(43));
  EXPECT_TRUE(join_.Take(0).empty()) << "told once";
}

TEST_F(JoinTest, ACounterThatTheTraceExplainsNeedNotBeReadWhole) {
  Watch(kAll, 10);
  Add(Trace(7));
  Add(Fanotify(EUCLEAN, 1));
  EXPECT_TRUE(join_.Explains(kFs, 10));
  EXPECT_TRUE(join_.Explains(kFs, 11));
  EXPECT_FALSE(join_.Explains(kFs, 12));
}

TEST_F(JoinTest, ACounterThatFellOrThatMustSayWhereAnErrorWasIsReadWhole) {
  Watch(kAll, 10);
  EXPECT_FALSE(join_.Explains(kFs, 9));
  JoinCoverage without_trace = kAll;
  without_trace.trace = false;
  join_.Open(kOther, without_trace, 10);
  EXPECT_FALSE(join_.Explains(kOther, 10));
  EXPECT_FALSE(join_.Explains(FilesystemKey{3}, 0));
}

TEST_F(JoinTest, ACounterThatLagsBehindTellsNothing) {
  Watch(kAll, 40);
  Add(Trace(7));
  Add(Counter(40));
  Add(Fanotify(EUCLEAN, 1));
  EXPECT_EQ(Sum(join_.Take(0)), 1u);
  Add(Counter(41));
  EXPECT_TRUE(join_.Take(0).empty());
}

TEST_F(JoinTest, OneMissedErrorIsDescribedByTheCountersLast) {
  Watch({.counters = true}, 0);
  Add(Counter(
      1, CounterReading::Occurrence{
             .utc_seconds = 5, .code = EUCLEAN, .function = "ext4_lookup", .line = 1855, .inode = 12, .block = 99}));
  std::vector<Joined> told = join_.Take(0);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].notification.error.code, EUCLEAN);
  EXPECT_EQ(told[0].notification.location->function, "ext4_lookup");
  EXPECT_EQ(told[0].notification.object->inode, 12u);
  EXPECT_EQ(told[0].report->block, 99u);
}

TEST_F(JoinTest, ACounterThatWasClearedStartsAnew) {
  Watch({.counters = true}, 40);
  Add(Counter(0));
  EXPECT_TRUE(join_.Take(0).empty());
  Add(Counter(2));
  EXPECT_EQ(Sum(join_.Take(0)), 2u);
}

TEST_F(JoinTest, ACounterThatWasClearedIsNoticedAlsoWhereItBeganAtZero) {
  Watch({.counters = true}, 0);
  Add(Counter(5));
  EXPECT_EQ(Sum(join_.Take(0)), 5u);
  Add(Counter(0));
  EXPECT_TRUE(join_.Take(0).empty());
  Add(Counter(2));
  EXPECT_EQ(Sum(join_.Take(0)), 2u);
}

TEST_F(JoinTest, AnErrorOfTheCounterHasTheTimeOfTheLast) {
  Watch({.counters = true}, 0);
  Add(Counter(1, CounterReading::Occurrence{.utc_seconds = 5}));
  std::vector<Joined> told = join_.Take(0);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].notification.utc_ns, 5'000'000'000);
  EXPECT_EQ(told[0].notification.boottime_ns, std::nullopt);
}

TEST_F(JoinTest, WhatFanotifyAloneTellsIsCountedWhateverItsErrno) {
  Watch({.fanotify = true});
  Add(Fanotify(ESHUTDOWN, 1));
  EXPECT_EQ(join_.Take(0).at(0).notification.kind, Kind::kMetadata) << "a shutdown without a line is not counted";
}

TEST_F(JoinTest, TheCounterSaysWhereAnErrorOfFanotifyAloneWas) {
  Watch({.fanotify = true, .counters = true}, 7);
  Add(Fanotify(EUCLEAN, 1, 12));
  EXPECT_TRUE(join_.Take(0).empty());
  Add(Counter(
          8,
          CounterReading::Occurrence{
              .utc_seconds = 5, .code = EUCLEAN, .function = "ext4_lookup", .line = 1855, .inode = 12, .block = {}}),
      kMs);
  std::vector<Joined> told = join_.Take(5 * kMs);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].notification.location->function, "ext4_lookup");
  EXPECT_EQ(told[0].notification.sources, Sources({SourceId::kFanotify, SourceId::kCounters}));
}

TEST_F(JoinTest, LinesOfKmsgAloneAreToldAndTheRateLimitedOnesByTheCounter) {
  Watch({.lines = true, .counters = true}, 0);
  for (int i = 0; i < 10; ++i) Add(KmsgLine(Said("x", 12)));
  Add(Counter(15));
  std::vector<Joined> told = join_.Take(0);
  EXPECT_EQ(Sum(told), 10u) << "the log's next lines may be a tick late, and behind a slow console more";
  EXPECT_TRUE(join_.Take(49 * kMs).empty());
  told = join_.Take(50 * kMs);
  EXPECT_EQ(Sum(told), 5u);
  EXPECT_EQ(told[0].notification.kind, Kind::kCounter);
}

TEST_F(JoinTest, ALateLineJoinsTheFanotifyRecordThatCameFirst) {
  Watch({.fanotify = true, .lines = true, .counters = true});
  Add(Fanotify(EUCLEAN, 1, 12, 5));
  EXPECT_TRUE(join_.Take(0).empty());
  Add(KmsgLine(Said("late", 12)), 4 * kMs);
  std::vector<Joined> told = join_.Take(4 * kMs);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].notification.error, (ErrorInfo{.code = EUCLEAN, .count = 1}));
  EXPECT_EQ(told[0].notification.location->function, "ext4_lookup");
  EXPECT_EQ(told[0].notification.task->comm, "ls");
  EXPECT_EQ(told[0].notification.task->pid, std::nullopt);
}

TEST_F(JoinTest, TheErrorHandlersArgumentsGiveErrnoInodeAndBlockOfEveryError) {
  JoinCoverage coverage = kAll;
  coverage.detail = true;
  Watch(coverage);
  for (uint32_t inode : {12u, 13u}) {
    Add(Trace(7));
    Add(Detail(7, EBADMSG, inode, 1000 + inode));
  }
  Add(Fanotify(EBADMSG, 2, 12));
  std::vector<Joined> told = join_.Take(0);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[1].notification.error.code, EBADMSG);
  EXPECT_EQ(told[1].notification.object->inode, 13u);
  EXPECT_EQ(told[1].report->block, 1013u);
}

TEST_F(JoinTest, TheErrorHandlerSaysWhoseErrorFanotifyDescribed) {
  JoinCoverage coverage = kAll;
  coverage.detail = true;
  Watch(coverage);
  Add(Trace(7));
  Add(Trace(8));
  Add(Fanotify(EUCLEAN, 1, 13, 77));  // of task 8, which was faster
  EXPECT_TRUE(join_.Take(0).empty()) << "the handler is called after fanotify";
  Add(Detail(8, EUCLEAN, 13));
  Add(Detail(7, EUCLEAN, 12));
  Add(Fanotify(EUCLEAN, 1, 12, 66));
  std::vector<Joined> told = join_.Take(0);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].notification.object->inode, 12u);
  EXPECT_EQ(told[0].notification.object->generation, std::nullopt) << "not that of the other inode";
  EXPECT_EQ(told[1].notification.object->inode, 13u);
}

TEST_F(JoinTest, TheErrorHandlerIsAwaitedAlsoBehindASlowConsole) {
  JoinCoverage coverage = kAll;
  coverage.detail = true;
  Watch(coverage);
  Add(Trace(7));
  EXPECT_TRUE(join_.Take(20 * kMs).empty());
  Add(Fanotify(EUCLEAN, 1, 12), 20 * kMs);
  EXPECT_TRUE(join_.Take(20 * kMs).empty());
  Add(Detail(7, EUCLEAN, 12, 1000), 21 * kMs);
  std::vector<Joined> told = join_.Take(21 * kMs);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].report->block, 1000u);
}

TEST_F(JoinTest, FanotifysDescriptionIsNotGivenToAnErrorOfAnotherInode) {
  Watch(kAll);
  Add(Trace(7));
  Add(Line(7, Said("deleted inode referenced: 13", 12)));
  Add(Fanotify(EIO, 1, 99, 1));
  std::vector<Joined> told = join_.Take(0);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].notification.object, (ObjectInfo{.inode = 12}));
  EXPECT_EQ(told[0].notification.error.code, std::nullopt);
}

TEST_F(JoinTest, TheErrorHandlerTellsAnErrorThatHasNeitherTracepointNorLine) {
  JoinCoverage coverage = kAll;
  coverage.detail = true;
  Watch(coverage);
  Add(Fanotify(EIO, 1));
  EXPECT_TRUE(join_.Take(0).empty()) << "fanotify comes before the handler";
  Add({kFs, DetailSignal{.boottime_ns = 102,
                         .task = TaskOf(7),
                         .function = "ext4_dirty_inode",
                         .line = 6000,
                         .code = EIO,
                         .inode = {},
                         .block = {}}});
  std::vector<Joined> told = join_.Take(0);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].notification.location->function, "ext4_dirty_inode");
}

TEST_F(JoinTest, AShutdownIsToldWithItsLineAndNotCounted) {
  Watch(kAll);
  ErrorReport message;
  message.kind = Kind::kShutdown;
  message.code = ESHUTDOWN;
  message.traced = true;
  message.message = "shut down requested (1)";
  Add({kFs, TraceSignal{.boottime_ns = 1,
                        .task = TaskOf(7),
                        .function = {},
                        .line = {},
                        .stack = {},
                        .reporter = {.told_by_fanotify = false, .counted = false, .code = ESHUTDOWN},
                        .kind = Kind::kShutdown}});
  Add(Line(7, message));
  Add(Counter(0));
  std::vector<Joined> told = join_.Take(0);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].notification.kind, Kind::kShutdown);
  EXPECT_EQ(told[0].notification.error.code, ESHUTDOWN);
  EXPECT_EQ(told[0].report->message, "shut down requested (1)");
}

TEST_F(JoinTest, AnAbortIsAShutdown) {
  Watch(kAll);
  Add(Trace(7, "__ext4_remount", 6600));
  Add(Fanotify(ESHUTDOWN, 1));
  EXPECT_EQ(join_.Take(0).at(0).notification.kind, Kind::kShutdown);
}

TEST_F(JoinTest, FileSystemsAreNeverMixed) {
  Watch(kAll);
  join_.Open(kOther, kAll, 0);
  Add(Trace(7));
  Signal other = Fanotify(EIO, 1);
  other.filesystem = kOther;
  Add(other);
  std::vector<Joined> told = join_.Take(0);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].filesystem, kOther);
  EXPECT_EQ(told[0].notification.location, std::nullopt);
}

TEST_F(JoinTest, WhatIsPendingLeavesWhenTheFileSystemIsGone) {
  Watch(kAll);
  Add(Trace(7));
  join_.Close(kFs);
  EXPECT_EQ(Sum(join_.Take(0)), 1u);
  EXPECT_EQ(join_.deadline_ns(), std::nullopt);
}

TEST_F(JoinTest, AFileSystemThatIsOpenedAgainBeforeItIsForgottenIsKept) {
  Watch(kAll);
  join_.Close(kFs);
  Watch(kAll);
  EXPECT_TRUE(join_.Take(0).empty());
  Add(Trace(7));
  Add(Line(7, Said("a", 12)));
  Add(Fanotify(EUCLEAN, 1));
  EXPECT_EQ(join_.Take(0).size(), 1u) << "its coverage is known, so the three are one";
}

TEST_F(JoinTest, AGapIsToldAsItIs) {
  Watch(kAll);
  Add({kFs,
       GapSignal{.from_boottime_ns = 1, .to_boottime_ns = 9, .source = SourceId::kKmsg, .count = 3, .exact = true}});
  std::vector<Joined> told = join_.Take(0);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].notification.kind, Kind::kGap);
  EXPECT_EQ(told[0].notification.gap->count, 3u);
}

// btrfs: what its module makes of its lines.
Signal BtrfsLine(const char* line, uint32_t tid, uint64_t boottime_ns = 101) {
  std::optional<ParsedLog> parsed = ParseLog(line);
  EXPECT_TRUE(parsed) << line;
  return {kFs, LogSignal{.boottime_ns = boottime_ns, .task = TaskOf(tid), .report = std::move(parsed->report)}};
}

CounterReading Stats(uint64_t read, uint64_t corrupt) {
  return {.errors = read + corrupt,
          .devices = {
              {.id = 1,
               .device = "/dev/loop0",
               .name = "read_errs",
               .value = read,
               .kind = Kind::kDevice,
               .operation = DeviceError::Operation::kRead},
              {.id = 1, .device = "/dev/loop0", .name = "corruption_errs", .value = corrupt, .kind = Kind::kDataRead}}};
}

class BtrfsJoin : public JoinTest {
 protected:
  BtrfsJoin() {
    join_.Open(kFs, {.trace = true, .lines = true, .lines_with_task = true, .counters = true}, 0);
    join_.CountDevices(kFs, Stats(0, 0), 1);
  }
  void Read(uint64_t read, uint64_t corrupt) {
    join_.Add({kFs, CounterSignal{.boottime_ns = 1000 * kMs, .reading = Stats(read, corrupt)}}, 80 * kMs);
  }
  std::vector<Joined> Rest() { return join_.Take(1000 * kMs); }
};

constexpr const char* kChecksum =
    "BTRFS warning (device loop0): csum failed root 5 ino 260 off 0 csum 0x1 expected csum 0x2 mirror 1";

TEST_F(BtrfsJoin, ABadBlockOfDataIsOneErrorWithItsCount) {
  Add(BtrfsLine(kChecksum, 7));
  Add(BtrfsLine("BTRFS error (device loop0): bdev /dev/loop0 errs: wr 0, rd 0, flush 0, corrupt 1, gen 0", 7));
  Add(BtrfsLine(kChecksum, 8));
  Add(BtrfsLine("BTRFS error (device loop0): bdev /dev/loop0 errs: wr 0, rd 0, flush 0, corrupt 2, gen 0", 8));
  EXPECT_TRUE(join_.Take(50 * kMs).empty()) << "more may follow";
  Read(0, 2);
  const std::vector<Joined> told = Rest();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].notification.error, (ErrorInfo{.code = EIO, .count = 2}));
  EXPECT_EQ(told[0].notification.kind, Kind::kDataRead);
  EXPECT_EQ(told[0].notification.object, (ObjectInfo{.inode = 260}));
  EXPECT_EQ(told[0].notification.task, std::nullopt) << "it was a worker";
  EXPECT_EQ(told[0].report->counter, "corruption_errs");
}

TEST_F(BtrfsJoin, WhatTheRateLimitTookIsToldByTheReading) {
  Add(BtrfsLine(kChecksum, 7));
  Read(0, 5);
  const std::vector<Joined> told = Rest();
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(Sum(told), 5u);
  EXPECT_EQ(told[0].notification.kind, Kind::kCounter);
  EXPECT_EQ(told[0].notification.error.count, 4u);
}

TEST_F(BtrfsJoin, ARepairedBlockIsCorrected) {
  Add(BtrfsLine(kChecksum, 7));
  Add(BtrfsLine("BTRFS error (device loop0): bdev /dev/loop0 errs: wr 0, rd 0, flush 0, corrupt 1, gen 0", 7));
  Add(BtrfsLine("BTRFS info (device loop0): read error corrected: ino 260 off 0 (dev /dev/loop0 sector 8)", 9));
  const std::vector<Joined> told = Rest();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_TRUE(told[0].notification.corrected);
  EXPECT_EQ(told[0].notification.device_error, std::nullopt);
}

TEST_F(BtrfsJoin, TheCopiesOfATreeBlockAreOneErrorThatNothingCounts) {
  Add(BtrfsLine(
      "BTRFS warning (device loop0): checksum verify failed on logical 7 mirror 1 wanted 0x1 found 0x2 level 0", 7));
  Add(BtrfsLine(
      "BTRFS warning (device loop0): checksum verify failed on logical 7 mirror 2 wanted 0x1 found 0x2 level 0", 8));
  const std::vector<Joined> told = Rest();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].notification.error.count, 1u);
  EXPECT_EQ(told[0].report->counter, "");
}

TEST_F(BtrfsJoin, AnAbortIsOneErrorWithItsFirstPlace) {
  Add(BtrfsLine("BTRFS error (device loop0 state A): Transaction aborted (error -5)", 7));
  Add(BtrfsLine("BTRFS: error (device loop0 state A) in __btrfs_update_delayed_inode:1044: errno=-5 IO failure", 7));
  Add(BtrfsLine("BTRFS info (device loop0 state EA): forced readonly", 7));
  Add(BtrfsLine("BTRFS: error (device loop0 state EA) in __btrfs_run_delayed_items:1181: errno=-5 IO failure", 7));
  Add(BtrfsLine("BTRFS: error (device loop0 state EA) in cleanup_transaction:2038: errno=-5 IO failure", 7));
  const std::vector<Joined> told = Rest();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].notification.kind, Kind::kReadOnly);
  EXPECT_EQ(told[0].notification.location->function, "__btrfs_update_delayed_inode");
  EXPECT_EQ(told[0].notification.location->line, 1044u);
  EXPECT_EQ(told[0].notification.task, TaskOf(7));
}

TEST_F(BtrfsJoin, AMountThatIsRefusedSaysWhoMetTheBadBlock) {
  Add(BtrfsLine(
      "BTRFS warning (device loop0): checksum verify failed on logical 7 mirror 1 wanted 0x1 found 0x2 level 0", 7));
  Add(BtrfsLine("BTRFS error (device loop0): failed to read chunk root", 9));
  Add(BtrfsLine("BTRFS error (device loop0): open_ctree failed: -5", 9));
  const std::vector<Joined> told = Rest();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].notification.task, TaskOf(9));
}

TEST_F(BtrfsJoin, WhatMoreWillBeSaidOfIsBeingTold) {
  EXPECT_FALSE(join_.IsBeingTold(kFs));
  Add(BtrfsLine("BTRFS error (device loop0): superblock checksum mismatch", 9));
  EXPECT_TRUE(join_.IsBeingTold(kFs));
  Add(BtrfsLine("BTRFS error (device loop0): open_ctree failed: -22", 9));
  const std::vector<Joined> told = Rest();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].notification.error.code, EINVAL);
  EXPECT_FALSE(join_.IsBeingTold(kFs));
}

TEST_F(BtrfsJoin, AFailedRequestIsAPartOfWhatItWasCountedAs) {
  const DeviceError request{
      .device = "loop0", .operation = DeviceError::Operation::kRead, .sector = 26624, .sectors = 8, .code = EIO};
  ErrorReport failed{.kind = Kind::kDevice, .code = EIO, .device_error = request, .task_is_any = true};
  Add({kFs, EventSignal{.boottime_ns = 100, .report = failed}});
  Add(BtrfsLine("BTRFS error (device loop0): bdev /dev/loop0 errs: wr 0, rd 1, flush 0, corrupt 0, gen 0", 7));
  const std::vector<Joined> told = Rest();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].notification.error, (ErrorInfo{.code = EIO, .count = 1}));
  EXPECT_EQ(told[0].notification.device_error, request);
}

TEST_F(BtrfsJoin, AFailedRequestWhoseLineTheRateLimitTookIsCountedByTheReading) {
  const DeviceError request{.device = "loop0", .operation = DeviceError::Operation::kRead, .sector = 8, .code = EIO};
  ErrorReport failed{.kind = Kind::kDevice, .code = EIO, .device_error = request, .task_is_any = true};
  Add({kFs, EventSignal{.boottime_ns = 100, .report = failed}});
  Read(1, 0);
  const std::vector<Joined> told = Rest();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].notification.kind, Kind::kDevice);
  EXPECT_EQ(told[0].notification.error, (ErrorInfo{.code = EIO, .count = 1}));
  EXPECT_EQ(told[0].report->counter, "read_errs");
}

TEST_F(BtrfsJoin, OldNumbersAtTheMountAreNotNew) {
  Add(BtrfsLine("BTRFS info (device loop0): bdev /dev/loop0 errs: wr 0, rd 0, flush 0, corrupt 0, gen 0", 7));
  EXPECT_TRUE(Rest().empty());
}

// Errors whose reports say themselves what they are about, in a file system that neither fanotify nor a counter tells of.
class JoinReportsTest : public JoinTest {
 protected:
  JoinReportsTest() { Watch({.trace = true, .lines = true, .lines_with_task = true}); }

  static ErrorReport About(const char* topic, uint32_t part = 0) {
    ErrorReport report;
    report.filesystem_type = "xfs";
    report.topic = topic;
    report.part = part;
    return report;
  }
  static ErrorReport FailedRead(uint64_t sector, const char* message = "") {
    ErrorReport report{.kind = Kind::kDevice, .code = EIO, .message = message};
    report.device_error = DeviceError{
        .device = "loop0", .operation = DeviceError::Operation::kRead, .sector = sector, .sectors = 8, .code = EIO};
    return report;
  }
  static Signal Event(uint32_t tid, ErrorReport report) {
    return {kFs,
            EventSignal{.boottime_ns = 100, .task = TaskOf(tid), .stack = {"met+0x1"}, .report = std::move(report)}};
  }
  static Signal Folded(uint64_t count, ErrorReport report) {
    return {kFs, EventSignal{.boottime_ns = 100, .report = std::move(report), .folded = count}};
  }
  static Signal Forged(ErrorReport report) {
    return {{}, LogSignal{.boottime_ns = 101, .task = TaskOf(9), .report = std::move(report), .trusted = false}};
  }
};

TEST_F(JoinReportsTest, AnEventAndItsLineAreOneErrorWithAllThatBothSay) {
  ErrorReport event = About("daddr 0x38", 1);
  event.function = "xfs_agf_read_verify";
  event.inode = 131;
  event.generation = 5;
  event.range = Range{.offset_bytes = 4096};
  ErrorReport line = About("daddr 0x38", 2);
  line.code = EBADMSG;
  line.message = "Metadata CRC error";
  line.corrected = true;
  Add(Event(7, event));
  Add(Line(7, line));
  EXPECT_TRUE(join_.Take(4 * kMs).empty());
  std::vector<Joined> told = join_.Take(5 * kMs);
  ASSERT_EQ(told.size(), 1u);
  const Notification& n = told[0].notification;
  EXPECT_EQ(n.error, (ErrorInfo{.code = EBADMSG, .count = 1}));
  EXPECT_EQ(n.location, (Location{.function = "xfs_agf_read_verify", .stack = {"met+0x1"}}));
  EXPECT_EQ(n.object, (ObjectInfo{.inode = 131, .generation = 5}));
  EXPECT_EQ(n.range, (Range{.offset_bytes = 4096}));
  EXPECT_EQ(n.task, TaskOf(7));
  EXPECT_EQ(n.sources, Sources({SourceId::kTrace, SourceId::kKmsg}));
  EXPECT_TRUE(n.corrected);
  EXPECT_EQ(told[0].report->message, "Metadata CRC error");
}

TEST_F(JoinReportsTest, ATaskThatIsAnyIsNotTold) {
  ErrorReport event = About("write-back of inode 12");
  event.task_is_any = true;
  Add(Event(7, event));
  EXPECT_EQ(join_.Take(5 * kMs).at(0).notification.task, std::nullopt);
}

TEST_F(JoinReportsTest, EqualErrorsOfOneTakeAreOneNotificationWithTheirCount) {
  for (int i = 0; i < 3; ++i) Add(Event(7, About("daddr 0x38", 1)));
  std::vector<Joined> told = join_.Take(5 * kMs);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].notification.error.count, 3u);
}

TEST_F(JoinReportsTest, WhatWasOnlyCountedIsToldWithItsCount) {
  Add(Folded(900, {.filesystem_type = "xfs", .task_is_any = true}));
  EXPECT_EQ(Sum(join_.Take(0)), 900u);
}

TEST_F(JoinReportsTest, AnAdditionIsNeverToldByItself) {
  ErrorReport addition = About("daddr 0x38");
  addition.meaning = ErrorReport::Meaning::kAddition;
  Add(Line(7, addition));
  EXPECT_TRUE(join_.Take(1000 * kMs).empty());
}

TEST_F(JoinReportsTest, WhatTheFileSystemCountsIsNotOwedByItsCounter) {
  Watch({.trace = true, .lines = true, .lines_with_task = true, .counters = true}, 10);
  ErrorReport line = About("device 1");
  line.counted = true;
  line.count = 3;
  Add(Line(7, line));
  Add(Counter(13));
  std::vector<Joined> told = join_.Take(5 * kMs);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].notification.error.count, 3u);
  Add(Counter(14));
  EXPECT_EQ(join_.Take(5 * kMs).at(0).notification.kind, Kind::kCounter);
}

TEST_F(JoinReportsTest, WhatIsOpenLeavesWhenTheFileSystemIsGone) {
  ErrorReport first = About("daddr 0x38", 1);
  first.more = true;
  Add(Event(7, first));
  Add(Event(7, FailedRead(8)));
  join_.Close(kFs);
  std::vector<Joined> told = join_.Take(0);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].report->topic, "daddr 0x38");
  EXPECT_EQ(told[1].notification.kind, Kind::kDevice);
  EXPECT_EQ(join_.deadline_ns(), std::nullopt);
}

TEST_F(JoinReportsTest, ARequestThatNobodySpeaksForIsAnErrorOfTheDevice) {
  Add(Line(7, FailedRead(8, "I/O error, dev loop0, sector 8")));
  Add(Event(7, FailedRead(8)));
  EXPECT_EQ(join_.deadline_ns(), 150 * kMs);
  EXPECT_TRUE(join_.Take(149 * kMs).empty());
  std::vector<Joined> told = join_.Take(150 * kMs);
  ASSERT_EQ(told.size(), 1u);
  const Notification& n = told[0].notification;
  EXPECT_EQ(n.kind, Kind::kDevice);
  EXPECT_EQ(n.error, (ErrorInfo{.code = EIO, .count = 1}));
  EXPECT_EQ(n.device_error, FailedRead(8).device_error);
  EXPECT_EQ(n.task, std::nullopt);
  EXPECT_EQ(n.sources, Sources({SourceId::kTrace, SourceId::kKmsg}));
  EXPECT_EQ(told[0].report->message, "I/O error, dev loop0, sector 8");
}

TEST_F(JoinReportsTest, ARequestIsAPartOfTheErrorThatItBrings) {
  Add(Event(0, FailedRead(8)));
  ErrorReport event = About("daddr 0x8", 1);
  event.code = EIO;
  Add(Event(7, event));
  std::vector<Joined> told = join_.Take(5 * kMs);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].notification.kind, Kind::kMetadata);
  EXPECT_EQ(told[0].notification.device_error, FailedRead(8).device_error);
  EXPECT_TRUE(join_.Take(1000 * kMs).empty());
}

TEST_F(JoinReportsTest, ARequestIsAPartOfTheErrorThatExt4MakesOfIt) {
  Watch(kAll);
  Add(Event(0, FailedRead(8)));
  Add(Trace(7));
  Add(Line(7, Said("unable to read itable block")));
  Add(Fanotify(EIO, 1, 12));
  std::vector<Joined> told = join_.Take(0);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].notification.device_error, FailedRead(8).device_error);
  EXPECT_TRUE(join_.Take(1000 * kMs).empty());
}

TEST_F(JoinReportsTest, RequestsThatWereOnlyCountedAreToldWithTheirCount) {
  ErrorReport common{.kind = Kind::kDevice, .task_is_any = true};
  Add(Folded(70, common));
  std::vector<Joined> told = join_.Take(0);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].notification.kind, Kind::kDevice);
  EXPECT_EQ(told[0].notification.error.count, 70u);
}

TEST_F(JoinReportsTest, AForgedLineIsJoinedWithNothingAndCountedNowhere) {
  Watch(kAll);
  Add(Trace(7));
  Add(Forged(Said("deleted inode referenced: 13")));
  Add(Fanotify(EUCLEAN, 1, 12));
  Add(Counter(1));
  std::vector<Joined> told = join_.Take(0);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_TRUE(told[0].notification.trusted);
  EXPECT_EQ(told[0].notification.sources, Sources({SourceId::kFanotify, SourceId::kTrace}));
  EXPECT_EQ(told[0].report, std::nullopt) << "the line was not the kernel's";
  const Notification& forged = told[1].notification;
  EXPECT_FALSE(forged.trusted);
  EXPECT_EQ(told[1].filesystem, FilesystemKey{});
  EXPECT_EQ(forged.sources, Sources({SourceId::kKmsg}));
  EXPECT_EQ(forged.task, TaskOf(9));
  EXPECT_EQ(forged.location, (Location{.function = "ext4_lookup", .line = 1855}));
  EXPECT_EQ(forged.object, std::nullopt);
  EXPECT_EQ(told[1].report->message, "deleted inode referenced: 13");
}

TEST_F(JoinReportsTest, AForgedLineOfAFailedRequestExplainsNothing) {
  Add(Forged(FailedRead(8, "I/O error, dev loop0, sector 8")));
  ErrorReport event = About("daddr 0x8", 1);
  event.code = EIO;
  Add(Event(7, event));
  std::vector<Joined> told = join_.Take(5 * kMs);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].notification.device_error, std::nullopt);
  EXPECT_FALSE(told[1].notification.trusted);
}

TEST_F(JoinReportsTest, OfAFloodOfForgedLinesTheFirstAreToldAndTheOthersCounted) {
  for (int i = 0; i < 2000; ++i) Add(Forged(Said(("forged " + std::to_string(i)).c_str())));
  EXPECT_EQ(join_.deadline_ns(), 0u);
  std::vector<Joined> told = join_.Take(0);
  ASSERT_EQ(told.size(), 1025u);
  EXPECT_EQ(Sum(told), 1024u);
  EXPECT_EQ(told.back().notification.kind, Kind::kGap);
  EXPECT_EQ(told.back().notification.gap->source, SourceId::kKmsg);
  EXPECT_EQ(told.back().notification.gap->count, 976u);
  EXPECT_EQ(join_.deadline_ns(), std::nullopt);
}

}  // namespace
}  // namespace fsherald
