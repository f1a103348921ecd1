// SPDX-License-Identifier: MIT
#include "filesystem/xfs.h"

#include <cerrno>
#include <fstream>
#include <map>

#include <gtest/gtest.h>

#include "filesystem/xfs_log.h"

namespace fsherald {
namespace {

TEST(Xfs, HelpersAndTheBuffersPlumbingAreNoLocation) {
  for (std::string_view frame :
       {"__xfs_buf_ioerror+0x51", "xfs_buf_verifier_error+0x36", "__xfs_buf_ioend+0x185", "xfs_buf_iowait+0x2f",
        "xfs_trans_read_buf_map+0x182", "xfs_buf_alert_ratelimited.cold+0x3b", "xfs_group_mark_sick+0x60",
        "xfs_inode_mark_sick+0x87", "xfs_do_force_shutdown+0x17c", "xfs_printk_level+0x63", "printk_sprint+0x95"})
    EXPECT_TRUE(IsXfsReportingHelper(frame)) << frame;
  for (std::string_view frame : {"xfs_da_read_buf+0xea", "xfs_bmbt_read_verify+0x26", "xfs_fs_goingdown+0x63",
                                 "xfs_buf_submit+0x1", "xlog_ioend_work+0x1"})
    EXPECT_FALSE(IsXfsReportingHelper(frame)) << frame;
}

TEST(Xfs, ReadAheadIsKnownByTheStack) {
  EXPECT_TRUE(IsReadAhead(std::vector<std::string>{"xfs_btree_ptr_to_daddr+0x1df/0x1", "iomap_readahead+0x91/0x1",
                                                   "read_pages+0x62/0x1", "page_cache_ra_order+0x243/0x1"}));
  EXPECT_TRUE(IsReadAhead(std::vector<std::string>{"xfs_btree_readahead_ptr.constprop.0+0x22/0x1"}));
  EXPECT_FALSE(IsReadAhead(std::vector<std::string>{"iomap_read_folio+0x9e/0x1", "filemap_read_folio+0x35/0x1"}));
  EXPECT_FALSE(IsReadAhead({}));
}

TEST(IsCompletion, AWorkerThatVerifiesABufferReadsItForAnother) {
  EXPECT_TRUE(
      IsCompletion(std::vector<std::string>{"xfs_dir3_data_read_verify+0x1/0x2 [xfs]", "xfs_buf_ioend+0x1/0x2 [xfs]",
                                            "xfs_buf_ioend_work+0x1/0x2 [xfs]", "process_one_work+0x1/0x2"}));
  EXPECT_TRUE(IsCompletion(std::vector<std::string>{"xfs_buf_ioend+0x1/0x2 [xfs]", "process_one_work+0x1/0x2"}))
      << "6.1";
  EXPECT_FALSE(IsCompletion(std::vector<std::string>{"xfs_buf_ioend+0x1/0x2 [xfs]", "xfs_buf_iowait+0x1/0x2 [xfs]"}));
  EXPECT_FALSE(IsCompletion(std::vector<std::string>{"xfs_inodegc_worker+0x1/0x2", "process_one_work+0x1/0x2"}));
  EXPECT_FALSE(IsCompletion({}));
}

TEST(Xfs, TheSpecificRecordHasAlwaysTheSameKeys) {
  const auto keys = [](const ErrorReport& report) {
    std::vector<std::string> names;
    for (const SpecificField& field : XfsSpecific(report).fields) names.push_back(field.name);
    return names;
  };
  const std::vector<std::string> all{"domain", "ag", "inode", "daddr", "length", "structure", "sick", "reason"};
  EXPECT_EQ(keys({}), all);
  EXPECT_EQ(keys({.group = 1, .fields = {{"sick", "agf"}, {"daddr", uint64_t{1}}}}), all);
}

TEST(Xfs, TheDomainIsWhatWasMarkedElseWhatIsKnown) {
  const auto domain = [](const ErrorReport& report) { return XfsSpecific(report).fields.front().value; };
  using Value = decltype(SpecificField::value);
  EXPECT_EQ(domain({.fields = {{"daddr", uint64_t{1}}, {"domain", "ag"}}}), Value("ag"));
  EXPECT_EQ(domain({.inode = 128}), Value("inode"));
  EXPECT_EQ(domain({.group = 1, .fields = {{"daddr", uint64_t{1}}}}), Value("buffer"));
  EXPECT_EQ(domain({.group = 1}), Value("ag"));
  EXPECT_EQ(domain({}), Value(std::monostate{}));
}

TEST(Xfs, AnInodeThatCouldNotBeReadIsNotReadAgain) {
  EXPECT_FALSE(XfsObjectIsLoadable({.inode = 128, .fields = {{"structure", "dinode"}}}));
  EXPECT_FALSE(XfsObjectIsLoadable({.inode = 128, .fields = {{"structure", "xfs_iformat_extents"}}}));
  EXPECT_FALSE(XfsObjectIsLoadable({.inode = 128, .fields = {{"sick", "core"}}}));
  EXPECT_TRUE(XfsObjectIsLoadable({.inode = 128, .fields = {{"structure", "xfs_dir3_data"}, {"sick", "dir"}}}));
  EXPECT_TRUE(XfsObjectIsLoadable({.inode = 128}));
}

// Each log of tests/fixtures: how many of its lines tell what, by what they are about.
std::map<std::string, int> TopicsOf(const std::string& name) {
  std::ifstream file(FSHERALD_FIXTURES "/linux-6.18.44/" + name + ".kmsg");
  EXPECT_TRUE(file) << name;
  std::map<std::string, int> topics;
  for (std::string record; std::getline(file, record);) {
    const std::optional<ErrorReport> report = ParseXfsLine(record.substr(record.find(';') + 1));
    if (report && report->meaning == ErrorReport::Meaning::kError) ++topics[report->topic];
  }
  return topics;
}

TEST(Xfs, ARefusedMountIsADamagedHeaderAndAShutdown) {
  EXPECT_EQ(TopicsOf("xfs_bad_agf"), (std::map<std::string, int>{{"daddr 0x28001", 2}, {"shutdown", 1}}));
}

TEST(Xfs, ALogThatIsDamagedIsOneError) {
  EXPECT_EQ(TopicsOf("xfs_bad_log"), (std::map<std::string, int>{{"log recovery", 1}}));
}

TEST(Xfs, ALogThatCannotBeWrittenIsAShutdownInTwoLines) {
  EXPECT_EQ(TopicsOf("xfs_write_error_log"), (std::map<std::string, int>{{"shutdown", 2}}));
}

TEST(Xfs, AHealthyFilesystemSaysNothing) {
  EXPECT_EQ(TopicsOf("xfs_twin"), (std::map<std::string, int>()));
  EXPECT_EQ(TopicsOf("xfs_bad_superblock_copy"), (std::map<std::string, int>()));
  EXPECT_EQ(TopicsOf("xfs_bad_superblock_magic"), (std::map<std::string, int>())) << "it is no XFS any more";
}

TEST(XfsFanotify, SpeaksFromLinux70On) {
  EXPECT_TRUE(XfsSendsFanotify("7.0-rc1"));
  EXPECT_TRUE(XfsSendsFanotify("7.1.3-amd64"));
  EXPECT_FALSE(XfsSendsFanotify("6.19.12"));
  EXPECT_FALSE(XfsSendsFanotify(""));
}

}  // namespace
}  // namespace fsherald
