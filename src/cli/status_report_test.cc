// SPDX-License-Identifier: MIT
#include "cli/status_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "cli/exit_code.h"

namespace fsherald {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

class StatusReportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
  }
};

FilesystemStatus Of(const std::string& type, const std::string& device, const std::string& mount, HealthState health) {
  FilesystemStatus status{.info = {.type = type, .device = device, .dev = DeviceNumber{7, 0}, .mounts = {mount}},
                          .super_options = "rw",
                          .node = "/dev/" + device,
                          .health = health,
                          .counts_warnings = true};
  status.read = {"mount options"};
  return status;
}

FilesystemStatus WithErrors(uint64_t errors) {
  FilesystemStatus status = Of("ext4", "loop0", "/data", HealthState::kErrors);
  status.evidence.counters = CounterReading{
      .errors = errors,
      .warnings = 2,
      .first =
          CounterReading::Occurrence{
              .utc_seconds = 0, .code = EUCLEAN, .function = "ext4_lookup", .line = 1855, .inode = 12, .block = {}},
      .last = CounterReading::Occurrence{
          .utc_seconds = 86400, .code = {}, .function = "ext4_find_entry", .line = 9, .inode = 2, .block = 77}};
  return status;
}

TEST_F(StatusReportTest, EachFilesystemIsOneLine) {
  FilesystemStatus well = Of("ext4", "sda1", "/", HealthState::kWell);
  well.evidence.counters = CounterReading{};
  EXPECT_EQ(StatusText({well, Of("xfs", "dm-3", "/home", HealthState::kShutDown)}, false, false),
            "TYPE  DEVICE  STATE               ERRORS  MOUNTED AT\n"
            "ext4  sda1    well                     0  /\n"
            "xfs   dm-3    shut down                -  /home\n");
}

TEST_F(StatusReportTest, ErrorsComeWithTheFirstAndTheLast) {
  EXPECT_EQ(StatusText({WithErrors(3)}, false, false),
            "TYPE  DEVICE  STATE               ERRORS  MOUNTED AT\n"
            "ext4  loop0   errors now               3  /data\n"
            "    first     1970-01-01 00:00:00  ext4_lookup:1855, EUCLEAN, inode 12\n"
            "    last      1970-01-02 00:00:00  ext4_find_entry:9, inode 2, block 77\n");
}

TEST_F(StatusReportTest, TheOnlyErrorIsToldOnce) {
  const std::string text = StatusText({WithErrors(1)}, false, false);
  EXPECT_THAT(text, Not(HasSubstr("first")));
  EXPECT_THAT(text, HasSubstr("    when      1970-01-02 00:00:00  ext4_find_entry:9"));
}

TEST_F(StatusReportTest, VerboseTellsWhatIsBehindItAndWhatToDo) {
  FilesystemStatus status = WithErrors(3);
  status.info.mounts.push_back("/elsewhere");
  status.details = {{"device 1 read errors", 3}};
  status.not_read = {"the moon"};
  const std::string text = StatusText({status}, true, false);
  EXPECT_THAT(text, HasSubstr("/data and 1 more\n"));
  EXPECT_THAT(text, HasSubstr("    also at   /elsewhere\n"
                              "    warnings  2 since it was mounted\n"
                              "    detail    device 1 read errors: 3\n"
                              "    options   rw\n"
                              "    read      mount options\n"
                              "    not read  the moon\n"
                              "    next      see what the kernel said: fsherald doctor /data, or dmesg\n"
                              "              umount /data\n"
                              "              e2fsck -f /dev/loop0\n"));
}

TEST_F(StatusReportTest, WhatIsWellNeedsNothingDone) {
  EXPECT_THAT(StatusText({Of("ext4", "sda1", "/", HealthState::kWell)}, true, false), Not(HasSubstr("next")));
}

TEST_F(StatusReportTest, NamesCannotActOnTheTerminal) {
  const std::string text = StatusText({Of("fuse.\x1b[2J", "a\nb", "/mnt/\x07", HealthState::kNotCovered)}, true, false);
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, HasSubstr("a\\nb"));
}

TEST_F(StatusReportTest, OnlyTheStateIsColoured) {
  const std::string text = StatusText({Of("ext4", "sda1", "/", HealthState::kReadOnly)}, false, true);
  EXPECT_THAT(text, HasSubstr("sda1    \x1b[1;31mread-only         \x1b[0m       -  /\n"));
}

TEST_F(StatusReportTest, ALineFitsIntoEightyColumns) {
  const std::string text =
      StatusText({Of("squashfs", "mapper-name", "/var/lib/some/where", HealthState::kPastErrors)}, false, false);
  for (size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
    EXPECT_LE(end - begin, 80U);
}

TEST_F(StatusReportTest, OnlyIfAllAreWellTheExitCodeIsZero) {
  EXPECT_EQ(StatusExitCode({}), kExitOk);
  EXPECT_EQ(StatusExitCode({Of("ext4", "a", "/", HealthState::kWell)}), kExitOk);
  for (HealthState health : {HealthState::kUnknown, HealthState::kPastErrors, HealthState::kErrors,
                             HealthState::kReadOnly, HealthState::kShutDown})
    EXPECT_EQ(StatusExitCode({Of("ext4", "a", "/", HealthState::kWell), Of("ext4", "b", "/b", health)}), kExitFindings);
}

TEST_F(StatusReportTest, WhatNothingCanCoverIsNoFinding) {
  const FilesystemStatus squashfs = Of("squashfs", "loop0", "/image", HealthState::kNotCovered);
  EXPECT_EQ(StatusExitCode({squashfs}), kExitOk);
  EXPECT_EQ(StatusExitCode({Of("ext4", "a", "/", HealthState::kWell), squashfs}), kExitOk);
  EXPECT_EQ(StatusExitCode({Of("ext4", "a", "/", HealthState::kErrors), squashfs}), kExitFindings);
  EXPECT_THAT(StatusText({squashfs}, false, false), HasSubstr("squashfs  loop0   not covered"));
}

TEST_F(StatusReportTest, WhatCouldNotBeReadIsNotTakenToBeWell) {
  EXPECT_THAT(StatusText({Of("ext4", "a", "/", HealthState::kUnknown)}, false, false),
              HasSubstr("ext4  a       not known"));
}

TEST_F(StatusReportTest, NotPermittedIsOnlyWhatCouldNotBeReadAtAll) {
  FilesystemStatus refused = Of("ext4", "a", "/", HealthState::kUnknown);
  refused.refused = true;
  EXPECT_EQ(StatusExitCode({refused}), kExitNotPermitted);
  EXPECT_EQ(StatusExitCode({refused, Of("ext4", "b", "/b", HealthState::kWell)}), kExitFindings);
  EXPECT_EQ(StatusExitCode({refused, Of("fuse.sshfs", "c", "/c", HealthState::kNotCovered)}), kExitNotPermitted);
}

TEST_F(StatusReportTest, TheJsonIsOneObjectALineWithEveryKey) {
  const Host host{.boot_id = "3f9f2a60", .kernel_release = "6.18"};
  const std::string text =
      StatusJson({WithErrors(3), Of("xfs", "dm-3", "/home", HealthState::kWell)}, host, 1'000'000'000);
  const size_t end = text.find('\n');
  const json first = json::parse(text.substr(0, end));
  const json second = json::parse(text.substr(end + 1));
  EXPECT_EQ(first["v"], 1);
  EXPECT_EQ(first["time"], "1970-01-01T00:00:01.000000000Z");
  EXPECT_EQ(first["boot"], "3f9f2a60");
  EXPECT_EQ(first["filesystem"]["device"], "loop0");
  EXPECT_EQ(first["state"], "errors");
  EXPECT_EQ(first["mode"], "rw");
  EXPECT_EQ(first["options"], "rw");
  EXPECT_EQ(first["errors"], 3);
  EXPECT_EQ(first["warnings"], 2);
  EXPECT_EQ(first["first"], json::parse(R"({"time":"1970-01-01T00:00:00.000000000Z","errno":117,"name":"EUCLEAN",
      "function":"ext4_lookup","line":1855,"inode":12,"block":null})"));
  EXPECT_EQ(first["last"]["errno"], nullptr);
  EXPECT_EQ(first["last"]["block"], 77);
  EXPECT_EQ(first["read"], json::array({"mount options"}));
  EXPECT_EQ(first["next"].size(), 3U);
  EXPECT_EQ(second["errors"], nullptr);
  EXPECT_EQ(second["warnings"], nullptr);
  EXPECT_EQ(second["first"], nullptr);
  EXPECT_EQ(second["details"], json::array());
  EXPECT_EQ(first["state_from"], "filesystem");
  EXPECT_EQ(first.size(), 17U);
  EXPECT_EQ(second.size(), first.size());
}

TEST_F(StatusReportTest, ATimeThatADamagedSuperblockInventsIsNull) {
  FilesystemStatus status = WithErrors(3);
  status.evidence.counters->last->utc_seconds = INT64_MAX;
  const json told = json::parse(StatusJson({status}, {}, 0));
  EXPECT_EQ(told["last"]["time"], nullptr);
  EXPECT_THAT(StatusText({status}, false, false), HasSubstr("ext4_find_entry:9"));
}

}  // namespace
}  // namespace fsherald
