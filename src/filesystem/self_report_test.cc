// SPDX-License-Identifier: MIT
#include "filesystem/self_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace fsherald {
namespace {

using Detail = SelfReport::Detail;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SelfReportTest : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove_all(root_); }
  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + "/" + path).parent_path());
    std::ofstream(root_ + "/" + path) << text;
  }
  SelfReport Read(const FilesystemInfo& info, const std::string& options = "rw") {
    return ReadSelfReport(info, "", options, root_);
  }
  const std::string root_ = testing::TempDir() + "self_report_" + std::to_string(::getpid());
};

TEST_F(SelfReportTest, Ext4IsCoveredByItsCounters) {
  Write("fs/ext4/loop0/errors_count", "2\n");
  for (const char* type : {"ext4", "ext3", "ext2"}) {
    const SelfReport report = Read({.type = type, .device = "loop0"});
    EXPECT_TRUE(report.covered);
    ASSERT_TRUE(report.counters);
    EXPECT_EQ(report.counters->errors, 2U);
    EXPECT_THAT(report.read, ElementsAre("counters"));
    EXPECT_THAT(report.not_read, IsEmpty());
  }
}

TEST_F(SelfReportTest, WithoutCountersExt4IsNotCovered) {
  const SelfReport report = Read({.type = "ext4", .device = "loop0"});
  EXPECT_FALSE(report.covered);
  EXPECT_FALSE(report.counters);
  EXPECT_FALSE(report.refused);
  EXPECT_THAT(report.not_read, ElementsAre(HasSubstr("No such file")));
}

TEST_F(SelfReportTest, BtrfsAddsUpTheStatisticsOfItsDevices) {
  const std::string uuid = "8cd4a1e8-0f3b-4c5d-9e6f-00112233ffee";
  Write("fs/btrfs/" + uuid + "/devinfo/10/error_stats", "write_errs 0\nread_errs 1\nflush_errs 0\n");
  Write("fs/btrfs/" + uuid + "/devinfo/2/error_stats", "write_errs 4\ncorruption_errs 7\n");
  const SelfReport report = Read({.type = "btrfs", .device = "loop0", .uuid = ParseUuid(uuid)});
  ASSERT_TRUE(report.counters);
  EXPECT_EQ(report.counters->errors, 12U);
  EXPECT_EQ(report.counters->last, std::nullopt);
  EXPECT_THAT(report.details, ElementsAre(Detail{"device 2 write errors", 4}, Detail{"device 2 corruption errors", 7},
                                          Detail{"device 10 read errors", 1}));
  EXPECT_TRUE(report.covered);
}

TEST_F(SelfReportTest, BtrfsWithoutStatisticsSaysSo) {
  const SelfReport report =
      Read({.type = "btrfs", .device = "loop0", .uuid = ParseUuid("8cd4a1e8-0f3b-4c5d-9e6f-00112233ffee")});
  EXPECT_FALSE(report.counters);
  EXPECT_THAT(report.not_read, ElementsAre(HasSubstr("device statistics")));
}

TEST_F(SelfReportTest, OfBtrfsStatisticsOnlyWhatIsANumberCounts) {
  EXPECT_THAT(BtrfsStatDetails("d", ""), IsEmpty());
  EXPECT_THAT(
      BtrfsStatDetails("d", "read_errs\nread_errs x\nread_errs 1x\nother_errs 5\n\nread_errs 18446744073709551616"),
      IsEmpty());
  EXPECT_THAT(BtrfsStatDetails("d", "\nread_errs 3"), ElementsAre(Detail{"d read errors", 3}));
}

TEST_F(SelfReportTest, XfsNamesItsDamagedStructures) {
  EXPECT_THAT(XfsSickDetails(0), IsEmpty());
  EXPECT_THAT(XfsSickDetails(1 | 1 << 7),
              ElementsAre(Detail{"damaged: summary counters", 1}, Detail{"damaged: link counts", 1}));
  EXPECT_THAT(XfsSickDetails(1U << 31),
              ElementsAre(Detail{"damaged: structures that this version has no name for", 1}));
}

TEST_F(SelfReportTest, AnXfsThatNoPathLeadsToIsNotCovered) {
  const SelfReport report = Read({.type = "xfs", .device = "loop0"});
  EXPECT_FALSE(report.covered);
  EXPECT_TRUE(report.coverable) << "it keeps flags, and nobody has read them";
  EXPECT_THAT(report.not_read, ElementsAre(HasSubstr("no count"), HasSubstr("no path")));
}

TEST_F(SelfReportTest, OfTheOthersItIsCoveredWhatMakesItselfReadOnly) {
  EXPECT_TRUE(Read({.type = "vfat"}, "rw,errors=remount-ro").covered);
  EXPECT_FALSE(Read({.type = "vfat"}, "rw,errors=continue").covered);
  EXPECT_FALSE(Read({.type = "squashfs"}, "ro,errors=continue").covered);
}

TEST_F(SelfReportTest, WhatIsNotCoveredSaysWhy) {
  EXPECT_THAT(Read({.type = "squashfs"}).not_read, ElementsAre(HasSubstr("squashfs keeps nothing")));
  EXPECT_THAT(Read({.type = "fuse.sshfs"}).not_read, ElementsAre(HasSubstr("is not asked")));
  EXPECT_THAT(Read({.type = "overlay"}).not_read, ElementsAre(HasSubstr("no storage of its own")));
  EXPECT_FALSE(Read({.type = "overlay"}).covered);
}

TEST_F(SelfReportTest, CoverableIsWhatKeepsAnAccountOrMakesItselfReadOnly) {
  for (const char* type : {"ext2", "ext3", "ext4", "xfs", "btrfs"}) EXPECT_TRUE(Read({.type = type}).coverable) << type;
  for (const char* type : {"squashfs", "fuse.sshfs", "nfs4", "overlay", "vfat"})
    EXPECT_FALSE(Read({.type = type}).coverable) << type;
  EXPECT_TRUE(Read({.type = "vfat"}, "rw,errors=remount-ro").coverable);
}

}  // namespace
}  // namespace fsherald
