// SPDX-License-Identifier: MIT
#include "cli/doctor_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>

#include <cerrno>

namespace fsherald {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using Backing = MountedFilesystem::Backing;

class DoctorReportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
  }
};

MountedFilesystem Mounted(const std::string& type, const std::string& device, DeviceNumber dev,
                          const std::string& mount, Backing backing = Backing::kDevice) {
  return {.info = {.type = type, .device = device, .dev = dev, .mounts = {mount}},
          .source = "/dev/" + device,
          .mount_ids = {},
          .backing = backing};
}

WatchedFilesystem Watched(const MountedFilesystem& mounted) {
  return {.info = mounted.info,
          .coverage = {.fanotify = true, .trace = true, .lines = true, .counters = true},
          .lacks = {},
          .past = CounterReading{}};
}

DoctorReport Report(std::vector<MountedFilesystem> mounted, std::vector<WatchedFilesystem> watched,
                    std::vector<PastLine> lines = {}, bool only_these = false) {
  return MakeReport({}, {}, std::move(mounted), std::move(watched), std::move(lines), only_these);
}

TEST_F(DoctorReportTest, AWatchedFilesystemIsToldWithItsSourcesAndWithoutErrors) {
  const auto data = Mounted("ext4", "loop0", {7, 0}, "/data");
  EXPECT_THAT(ReportText(Report({data}, {Watched(data)}), false),
              HasSubstr("1 file system\n"
                        "  ext4  loop0  at /data\n"
                        "    seen by   fanotify, trace, kmsg, counters\n"
                        "    past      no errors counted since the last check\n"));
}

TEST_F(DoctorReportTest, ErrorsOfThePastAreToldWithFirstLastAndHowToClearThem) {
  const auto data = Mounted("ext4", "dm-3", {253, 3}, "/data");
  WatchedFilesystem watched = Watched(data);
  watched.past = CounterReading{
      .errors = 3,
      .warnings = 1,
      .first =
          CounterReading::Occurrence{
              .utc_seconds = 0, .code = EUCLEAN, .function = "ext4_lookup", .line = 1855, .inode = 12, .block = {}},
      .last = CounterReading::Occurrence{
          .utc_seconds = 86400, .code = {}, .function = "ext4_find_entry", .line = 9, .inode = 2, .block = 77}};
  EXPECT_THAT(ReportText(Report({data}, {watched}), false),
              HasSubstr("    past      3 errors counted since the last check; 1 warning since it was mounted\n"
                        "      first   1970-01-01 00:00:00  ext4_lookup:1855, EUCLEAN, inode 12\n"
                        "      last    1970-01-02 00:00:00  ext4_find_entry:9, inode 2, block 77\n"
                        "      clear   unmount it, then: fsck.ext4 -f /dev/dm-3\n"));
}

TEST_F(DoctorReportTest, TheRootFilesystemCannotBeUnmounted) {
  const auto root = Mounted("ext4", "vda", {254, 0}, "/");
  WatchedFilesystem watched = Watched(root);
  watched.past = CounterReading{.errors = 1};
  EXPECT_THAT(ReportText(Report({root}, {watched}), false), HasSubstr("clear   boot once with fsck.mode=force"));
}

TEST_F(DoctorReportTest, TypesThatNoSourceCoversAreToldAsSuch) {
  const std::string text = ReportText(
      Report({Mounted("xfs", "sdb", {8, 16}, "/x"), Mounted("fuse.sshfs", "host:", {0, 41}, "/y", Backing::kUserSpace),
              Mounted("tmpfs", "tmpfs", {0, 42}, "/z", Backing::kNone)},
             {}),
      false);
  EXPECT_THAT(text, HasSubstr("xfs  sdb  at /x\n    seen by   none: no source that sees xfs is there"));
  EXPECT_THAT(text, HasSubstr("none: fuse.sshfs is served by a process"));
  EXPECT_THAT(text, HasSubstr("none: tmpfs stands on no device"));
}

TEST_F(DoctorReportTest, ALackOfAllIsToldOnceAndALackOfOneWithIt) {
  const auto a = Mounted("ext4", "sda", {8, 0}, "/a");
  const auto b = Mounted("ext4", "sdb", {8, 16}, "/b");
  WatchedFilesystem watched_a = Watched(a);
  WatchedFilesystem watched_b = Watched(b);
  watched_a.lacks = {"the block"};
  watched_b.lacks = {"the block", "the count"};
  const std::string text = ReportText(Report({a, b}, {watched_a, watched_b}), false);
  EXPECT_THAT(text, HasSubstr("at /b\n    seen by   fanotify, trace, kmsg, counters\n    not seen  the count\n"));
  EXPECT_THAT(text, HasSubstr("  of all that are watched\n    not seen  the block\n"));
  EXPECT_EQ(text.find("the block"), text.rfind("the block"));
}

TEST_F(DoctorReportTest, LogLinesStandWithTheirFilesystemAndThoseOfOthersApart) {
  const auto data = Mounted("ext4", "loop0", {7, 0}, "/data");
  const PastLine own{
      .device = "loop0", .words = "f:1: bad", .count = 2, .first_utc_ns = 0, .last_utc_ns = 1'000'000'000};
  const PastLine reminder{.device = "loop0", .words = "error count: 2", .count = 1, .reminder = true};
  const PastLine earlier{.device = "loop0", .words = "g:2: old", .count = 1, .earlier = true};
  const DoctorReport report = Report({data}, {Watched(data)}, {own, reminder, earlier});
  EXPECT_THAT(report.rows[0].lines, SizeIs(2));
  EXPECT_THAT(report.other_lines, SizeIs(1));
  const std::string text = ReportText(report, false);
  EXPECT_THAT(text,
              HasSubstr("    log       1970-01-01 00:00:01  f:1: bad ×2 since 1970-01-01 00:00:00\n"
                        "              1970-01-01 00:00:00  error count: 2 [the kernel's reminder of older errors]\n"));
  EXPECT_THAT(text, HasSubstr("  log       1970-01-01 00:00:00  loop0: g:2: old\n"));
}

TEST_F(DoctorReportTest, OnlyTheFilesystemsOfThePathsAreTold) {
  const auto data = Mounted("ext4", "loop0", {7, 0}, "/data");
  const auto other = Mounted("ext4", "loop1", {7, 1}, "/other");
  const PastLine line{.device = "loop1", .words = "bad", .count = 1};
  const DoctorReport report = Report({data}, {Watched(data), Watched(other)}, {line}, true);
  EXPECT_THAT(report.rows, SizeIs(1));
  EXPECT_THAT(report.other_lines, IsEmpty());
}

TEST_F(DoctorReportTest, AFilesystemOfAnotherMountNamespaceHasARowToo) {
  auto hidden = Mounted("ext4", "loop1", {7, 1}, "");
  hidden.info.mounts.clear();
  EXPECT_THAT(ReportText(Report({}, {Watched(hidden)}), false),
              HasSubstr("ext4  loop1  mounted in another mount namespace\n"));
}

TEST_F(DoctorReportTest, SourcesAreToldWithWhyNotAndWhatTheyWouldGive) {
  const DoctorReport report{.machine = {},
                            .sources = {{.id = SourceId::kTrace, .active = false, .words = "no type information"},
                                        {.id = SourceId::kCounters, .active = true, .words = "in /sys/fs"}}};
  EXPECT_THAT(ReportText(report, false),
              HasSubstr("  trace     does not work: no type information\n"
                        "            would give function and line, call stack, task and cgroup of each error\n"
                        "  counters  works: in /sys/fs\n"
                        "            gives errors that happened while nobody watched"));
}

TEST_F(DoctorReportTest, CapabilitiesOfAUserNamespaceAreNotToldAsGood) {
  DoctorReport report;
  report.machine.uid = 0;
  report.machine.capabilities = ~uint64_t{0};
  report.machine.in_user_namespace = true;
  const std::string text = ReportText(report, false);
  EXPECT_THAT(text, HasSubstr("uid 0, root of a user namespace: its capabilities do not count for the host\n"));
  EXPECT_THAT(text, HasSubstr("CAP_BPF              yes  for trace, but in its user namespace only\n"));
}

TEST_F(DoctorReportTest, WhatWouldBringTheErrorHandlersArgumentsIsSaidWhereTheyAreRefused) {
  const auto data = Mounted("ext4", "loop0", {7, 0}, "/data");
  WatchedFilesystem watched = Watched(data);
  EXPECT_THAT(ReportText(Report({data}, {watched}), false), HasSubstr("let fentry or kprobes be used"));
  watched.coverage.detail = true;
  EXPECT_THAT(ReportText(Report({data}, {watched}), false), Not(HasSubstr("let fentry or kprobes be used")));
}

TEST_F(DoctorReportTest, ControlBytesNeverReachTheTerminalAndColorOnlyWhereWanted) {
  const auto evil = Mounted("ext4", "loop0", {7, 0}, "/a\x1b[2Jb");
  const DoctorReport report = Report({evil}, {Watched(evil)}, {{.device = "loop0", .words = "x\x1b]0;y", .count = 1}});
  EXPECT_THAT(ReportText(report, false), Not(HasSubstr("\x1b")));
  EXPECT_THAT(ReportText(report, true), HasSubstr("\x1b[1mext4\x1b[0m  loop0  at /a\\x1b[2Jb\n"));
}

}  // namespace
}  // namespace fsherald
