// SPDX-License-Identifier: MIT
#include "explain/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

namespace fsherald {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr Kind kAllKinds[] = {Kind::kMetadata, Kind::kDataRead, Kind::kDataWrite, Kind::kWriteback, Kind::kShutdown,
                              Kind::kReadOnly, Kind::kDevice,   Kind::kCounter,   Kind::kGap,       Kind::kHealth};

std::vector<std::string> SectionOf(const Explanation& explanation, std::string_view label) {
  for (const auto& section : explanation.sections)
    if (section.label == label) return section.items;
  return {};
}

Notification DamagedInode() {
  return {.seq = 41,
          .filesystem = {.type = "ext4", .device = "sdb1", .uuid = Uuid{{1}}, .mounts = {"/data"}},
          .error = {.code = EUCLEAN},
          .location = Location{.function = "ext4_lookup", .line = 1855, .stack = {}},
          .object = ObjectInfo{.inode = 12}};
}

TEST(ErrnoTest, IsReadByNameByNumberAndAsTheKernelWritesIt) {
  for (const char* text : {"EUCLEAN", "euclean", "EFSCORRUPTED", "117", "-117"}) EXPECT_EQ(ParseErrno(text), EUCLEAN);
  EXPECT_EQ(ParseErrno("EFSBADCRC"), EBADMSG);
  EXPECT_EQ(ParseErrno("5"), EIO);
}

TEST(ErrnoTest, WhatIsNoneIsNone) {
  for (const char* text :
       {"", "0", "-0", "117x", "EUCLEANER", "EUC", "99999999999999999999", "-2147483648", "-", "+5", " 5", "4096"})
    EXPECT_EQ(ParseErrno(text), std::nullopt) << text;
}

TEST(ErrnoTest, EachThatFilesystemsReportHasAFact) {
  for (const int code :
       {EIO,       EUCLEAN, EBADMSG,    ENOSPC, EROFS,  ESHUTDOWN, ENODATA, EILSEQ, ETIMEDOUT, ETIME,  ENOLINK,
        EREMOTEIO, ENOMEM,  EOPNOTSUPP, ENXIO,  ENODEV, EDQUOT,    EBADE,   ESTALE, EINVAL,    ENOENT, EEXIST}) {
    const Fact* fact = FactOf(code);
    ASSERT_NE(fact, nullptr) << ErrnoTitle(code);
    EXPECT_FALSE(fact->meaning.empty() || fact->causes.empty() || fact->to_do.empty()) << ErrnoTitle(code);
  }
  EXPECT_EQ(FactOf(ENOTTY), nullptr);
}

TEST(KindTest, EachHasAFactAndIsReadByItsName) {
  for (const Kind kind : kAllKinds) {
    const Fact& fact = FactOf(kind);
    EXPECT_FALSE(fact.meaning.empty() || fact.causes.empty() || fact.to_do.empty() || fact.never.empty()) << Name(kind);
    EXPECT_EQ(ParseKind(Name(kind)), kind);
  }
  EXPECT_EQ(ParseKind("nonsense"), std::nullopt);
  EXPECT_EQ(ParseKind(""), std::nullopt);
}

TEST(ExplainTest, AnErrnoIsExplainedForAllAndForThoseThatAddSomething) {
  const Explanation explanation = ExplainErrno(EUCLEAN);
  EXPECT_EQ(explanation.title, "EUCLEAN (117): Structure needs cleaning");
  EXPECT_THAT(explanation.meaning, Contains("The kernel's source calls it EFSCORRUPTED."));
  EXPECT_THAT(SectionOf(explanation, "what not to do"), Contains(HasSubstr("mounted")));
  EXPECT_THAT(SectionOf(explanation, "on ext4"), ElementsAre(HasSubstr("errors=")));
  EXPECT_THAT(SectionOf(explanation, "on nfs"), ElementsAre());
}

TEST(ExplainTest, AnErrnoThatNoFilesystemReportsIsSaidToBeAnAnswer) {
  const Explanation explanation = ExplainErrno(ENOTTY);
  EXPECT_THAT(explanation.meaning, ElementsAre(StartsWith("An answer to a program.")));
  EXPECT_TRUE(explanation.sections.empty());
}

TEST(ExplainTest, AFunctionIsExplainedWhereAModuleKnowsIt) {
  const auto explanation = ExplainFunction("xfs_agf_write_verify");
  ASSERT_TRUE(explanation);
  EXPECT_THAT(explanation->meaning, ElementsAre(HasSubstr("wrong in memory")));
  EXPECT_THAT(SectionOf(*explanation, "what not to do"), Contains(HasSubstr("xfs_repair -L")));
  EXPECT_FALSE(ExplainFunction("main"));
}

TEST(ExplainTest, ANotificationIsExplainedByAllThatIsKnownOfIt) {
  const Explanation explanation = ExplainNotification(DamagedInode(), true);
  EXPECT_EQ(explanation.title, "notification 41: metadata on ext4 sdb1: EUCLEAN (117): Structure needs cleaning");
  EXPECT_THAT(explanation.meaning, ElementsAre(HasSubstr("structures are damaged"), HasSubstr("EUCLEAN (117)"),
                                               StartsWith("On ext4: "), StartsWith("ext4_lookup: a name")));
  EXPECT_THAT(SectionOf(explanation, "what not to do"), Contains(HasSubstr("never run e2fsck while it is mounted")));
}

TEST(StepsForTest, LookThenTheFilesystemsOwnTools) {
  EXPECT_THAT(StepsFor(DamagedInode(), true),
              ElementsAre("look, which changes nothing: debugfs -R 'stat <12>' /dev/sdb1",
                          "look, which changes nothing: debugfs -R 'ncheck 12' /dev/sdb1",
                          HasSubstr("fsherald doctor /data"), "umount /data", "e2fsck -f /dev/sdb1"));
}

TEST(StepsForTest, AfterABootTheDeviceIsNamedByItsUuid) {
  EXPECT_THAT(StepsFor(DamagedInode(), false).back(),
              "e2fsck -f /dev/disk/by-uuid/01000000-0000-0000-0000-000000000000");
}

TEST(StepsForTest, LostDataIsSavedBeforeAnythingElse) {
  const Notification n{.filesystem = {.type = "xfs", .device = "sdb1", .mounts = {"/data"}},
                       .error = {.code = EIO},
                       .object = ObjectInfo{.inode = 99, .path = "/data/db"},
                       .device_error = DeviceError{.device = "sdb"},
                       .kind = Kind::kWriteback};
  const auto steps = StepsFor(n, true);
  EXPECT_THAT(steps.front(), HasSubstr("copy /data/db elsewhere at once"));
  EXPECT_THAT(steps, Contains(HasSubstr("lsblk -s -o NAME,TYPE,SIZE,MODEL,SERIAL,STATE /dev/sdb")));
}

TEST(StepsForTest, AfterABootNoMemoryAndNoNameIsWhatItWas) {
  const Notification n{.filesystem = {.type = "xfs", .device = "sdb1", .uuid = Uuid{{1}}},
                       .error = {.code = EIO},
                       .device_error = DeviceError{.device = "sdb"},
                       .kind = Kind::kWriteback};
  const auto steps = StepsFor(n, false);
  EXPECT_THAT(steps.front(), StartsWith("write the file anew"));
  for (const std::string& step : steps) EXPECT_THAT(step, Not(HasSubstr("/dev/sdb")));
}

TEST(StepsForTest, ADeviceAloneHasNoFilesystemsTools) {
  const Notification n{.filesystem = {.device = "sdc"}, .error = {.code = ENODATA}, .kind = Kind::kDevice};
  EXPECT_THAT(StepsFor(n, true), ElementsAre(HasSubstr("/dev/sdc"), HasSubstr("smartctl")));
}

TEST(StepsForTest, AForgedLineIsNothingToActOn) {
  Notification n = DamagedInode();
  n.trusted = false;
  EXPECT_THAT(StepsFor(n, true), Not(Contains(HasSubstr("e2fsck"))));
  EXPECT_THAT(StepsFor(n, true).front(), HasSubstr("do not act on it alone"));
}

TEST(StepsForTest, WhatIsHealthyAgainNeedsNothing) {
  Notification n = DamagedInode();
  n.corrected = true;
  n.error.count = 0;
  EXPECT_THAT(StepsFor(n, true), ElementsAre(StartsWith("nothing for this")));
  EXPECT_TRUE(SectionOf(ExplainNotification(n, true), "likely causes").empty());
}

TEST(StepsForTest, AFilesystemInUserSpaceIsLeftToItsProgram) {
  Notification n{.filesystem = {.type = "mydb", .device = "orders"},
                 .error = {.code = EBADMSG},
                 .task = Task{.comm = "mydbd"},
                 .origin = Origin::kUser};
  EXPECT_THAT(StepsFor(n, true), ElementsAre(HasSubstr("log of mydbd")));
  n.task.reset();
  EXPECT_THAT(StepsFor(n, true), ElementsAre(HasSubstr("log of the program that reported it")));
}

TEST(StepsForTest, AChangeOfHealthLeadsToItsIncident) {
  const Notification n{.kind = Kind::kHealth, .incident = 41, .health = HealthChange{.to = HealthState::kErrors}};
  EXPECT_THAT(StepsFor(n, true).front(), "fsherald show 41");
}

TEST(StepsForTest, AGapIsNothingToRepair) {
  const Notification n{.kind = Kind::kGap, .gap = Gap{}};
  EXPECT_THAT(StepsFor(n, true), Not(Contains(HasSubstr("fsck"))));
}

}  // namespace
}  // namespace fsherald
