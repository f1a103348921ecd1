// SPDX-License-Identifier: MIT
#include "filesystem/ext4.h"

#include <cerrno>

#include <gtest/gtest.h>

namespace fsherald {
namespace {

// As seen on Linux 6.18: the tracepoint in __ext4_error, and printk's in the part of it that the compiler split off.
const std::vector<std::string> kErrorStack = {"bpf_prog_0123456789abcdef_on_error+0x12/0x50",
                                              "bpf_trace_run3+0x8a/0x140", "__ext4_error+0xc9/0xf0",
                                              "trigger_test_error+0x76/0x90", "ext4_attr_store+0x10/0x20"};
const std::vector<std::string> kLineStack = {"bpf_prog_0123456789abcdef_on_line+0x12/0x50",
                                             "bpf_trace_run2+0x8a/0x140",
                                             "printk_sprint+0x1/0x2",
                                             "vprintk_store+0x1/0x2",
                                             "vprintk_emit+0x1/0x2",
                                             "_printk+0x1/0x2",
                                             "__ext4_error_inode.cold+0x76/0x7b",
                                             "ext4_lookup+0x1a2/0x300"};

// As statfs(2) and blkid said of one file system on Linux 6.18.
TEST(Ext4Module, MakesTheFsidOfTheUuid) {
  const Uuid uuid = ParseUuid("c9ee181c-2730-48bb-8715-67bf53a9523e").value();
  EXPECT_EQ(Ext4Module().fsid_of(uuid), (Fsid{0xa37ffb4e, 0x851a9974}));
}

TEST(Ext4Reporter, IsFoundInTheStack) {
  EXPECT_TRUE(Ext4Reporter(kErrorStack).told_by_fanotify);
  EXPECT_TRUE(Ext4Reporter(kErrorStack).counted);
  EXPECT_EQ(Ext4Reporter(kErrorStack).code, std::nullopt);
}

TEST(Ext4Reporter, IsFoundWhereTheCompilerSplitIt) { EXPECT_TRUE(Ext4Reporter(kLineStack).told_by_fanotify); }

TEST(Ext4Reporter, TheGroupFormTellsFanotifyNothing) {
  Reporter reporter =
      Ext4Reporter(std::vector<std::string>{"__ext4_grp_locked_error+0x1/0x2", "mb_free_blocks+0x1/0x2"});
  EXPECT_FALSE(reporter.told_by_fanotify);
  EXPECT_TRUE(reporter.counted);
  EXPECT_EQ(reporter.code, EUCLEAN);
}

TEST(Ext4Reporter, AWarningIsNotCounted) {
  Reporter reporter = Ext4Reporter(std::vector<std::string>{"_printk+0x1/0x2", "__ext4_warning_inode.isra.0+0x1/0x2"});
  EXPECT_FALSE(reporter.told_by_fanotify);
  EXPECT_FALSE(reporter.counted);
}

TEST(Ext4Reporter, AShutdownIsNotCounted) {
  Reporter reporter = Ext4Reporter(std::vector<std::string>{"bpf_trace_run2+0x1/0x2", "ext4_force_shutdown+0x1/0x2"});
  EXPECT_FALSE(reporter.counted);
  EXPECT_EQ(reporter.code, ESHUTDOWN);
}

TEST(Ext4Reporter, WithoutAStackIsNotKnownToTellFanotify) { EXPECT_FALSE(Ext4Reporter({}).told_by_fanotify); }

TEST(Ext4ReportingHelper, EveryFrameAboveTheReportingFunctionIsOne) {
  auto first_place = [](const std::vector<std::string>& stack) {
    size_t at = 0;
    while (at < stack.size() && IsExt4ReportingHelper(stack[at])) ++at;
    return stack.at(at);
  };
  EXPECT_EQ(first_place(kErrorStack), "trigger_test_error+0x76/0x90");
  EXPECT_EQ(first_place(kLineStack), "ext4_lookup+0x1a2/0x300");
}

TEST(Ext4ReportingHelper, APlaceIsNone) {
  for (std::string_view function :
       {"ext4_lookup", "ext4_error_inode_block_something", "ext4_force_shutdown", "vprintk_x", ""}) {
    EXPECT_FALSE(IsExt4ReportingHelper(function)) << function;
  }
}

TEST(Ext4Specific, HasAlwaysTheSameFields) {
  Specific specific = Ext4Specific(ErrorReport{.inode = 12, .group = 0, .message = "words"});
  EXPECT_EQ(specific.type, "ext4");
  EXPECT_EQ(specific.fields,
            (std::vector<SpecificField>{{"inode", uint64_t{12}}, {"block", std::monostate{}}, {"group", uint64_t{0}}}));
  EXPECT_EQ(specific.message, "words");
  EXPECT_EQ(Ext4Specific(ErrorReport{}).message, std::nullopt);
}

TEST(Ext4Object, IsNotLoadableWhereLoadingItFailed) {
  EXPECT_FALSE(Ext4ObjectIsLoadable({.function = "ext4_lookup", .message = "iget: bogus i_mode (377)"}));
  EXPECT_FALSE(
      Ext4ObjectIsLoadable({.function = "ext4_ext_check_inode", .message = "pblk 0 bad header/extent: invalid"}));
  EXPECT_FALSE(Ext4ObjectIsLoadable({.message = "unable to read itable block"}));
}

TEST(Ext4Object, IsNotLoadableWhereNoWordsSayWhatIsWrong) {
  EXPECT_FALSE(Ext4ObjectIsLoadable({.function = "ext4_lookup", .inode = 12}));
}

TEST(Ext4Object, IsLoadableWhereTheErrorLiesBehindIt) {
  EXPECT_TRUE(Ext4ObjectIsLoadable({.function = "ext4_lookup", .message = "deleted inode referenced: 13"}));
  EXPECT_TRUE(
      Ext4ObjectIsLoadable({.function = "ext4_find_extent", .message = "pblk 9346 bad header/extent: invalid"}));
}

TEST(Ext4Fanotify, SpeaksSince516AndInTwoOlderLines) {
  EXPECT_TRUE(Ext4SendsFanotify("6.18.44-generic"));
  EXPECT_TRUE(Ext4SendsFanotify("5.16.0"));
  EXPECT_TRUE(Ext4SendsFanotify("7.0-rc1"));
  EXPECT_TRUE(Ext4SendsFanotify("5.15.154"));
  EXPECT_TRUE(Ext4SendsFanotify("5.10.220-1-amd64"));
  EXPECT_FALSE(Ext4SendsFanotify("5.15.153"));
  EXPECT_FALSE(Ext4SendsFanotify("5.10.219"));
  EXPECT_FALSE(Ext4SendsFanotify("5.4.300"));
  EXPECT_FALSE(Ext4SendsFanotify(""));
}

}  // namespace
}  // namespace fsherald
