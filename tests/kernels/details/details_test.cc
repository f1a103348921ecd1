// SPDX-License-Identifier: MIT
// What `fsherald watch --json` told on the other kernel: see init for what happened there, images for the damages.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "../guest_output.h"

namespace fsherald::kernel_test {
namespace {

using testing::HasSubstr;
using testing::Not;

std::set<uint64_t> InodesOf(const std::string& directory) {
  std::set<uint64_t> inodes;
  for (int i = 1; i <= 30; ++i) inodes.insert(Fact("inode_of " + directory + "/" + std::to_string(i)));
  return inodes;
}

// Those that the kernel counts: the others are lines of its log about what it did then.
std::vector<Json> Errors(const std::string& filesystem) {
  std::vector<Json> errors = Told("all", filesystem);
  std::erase_if(errors, [](const Json& told) { return told["kind"] == "read_only"; });
  return errors;
}

// Asserts errno, place, inode and block of an error, and that its errno came from fanotify and its place from the trace.
void ExpectError(const Json& told, int code, const std::string& function, const Json& inode, const Json& block,
                 const std::string& comm) {
  SCOPED_TRACE(told.dump());
  EXPECT_EQ(told["error"]["errno"], code);
  EXPECT_EQ(told["location"]["function"], function);
  EXPECT_EQ(told["location"]["line"], LineOf(function, told["filesystem"]["device"]));
  EXPECT_EQ(told["specific"]["inode"], inode);
  EXPECT_EQ(told["specific"]["block"], block);
  EXPECT_EQ(told["object"].is_null() ? Json() : told["object"]["inode"], inode);
  EXPECT_EQ(told["task"]["comm"], comm);
  EXPECT_TRUE(HasSource(told, "fanotify"));
  EXPECT_TRUE(HasSource(told, "trace"));
}

TEST(Kernel61, TakesTheErrorHandlersArgumentsByAKprobe) {
  EXPECT_THAT(Read("kernel"), testing::StartsWith("6.1."));
  std::string said = Read("all/stderr");
  EXPECT_THAT(said, HasSubstr(", of ext4, and kprobe on its error handler\n"));
  // All of the kernel's is seen.
  EXPECT_THAT(said, Not(HasSubstr("not seen: the")));
  EXPECT_THAT(said, HasSubstr("not seen: errors that file systems in user space report (they need the daemon"));
  EXPECT_THAT(said, HasSubstr("lost none\n"));
  EXPECT_EQ(Read("all/exit"), "0\n");
}

TEST(Kernel61, EveryKindOfDamageIsToldWithItsObject) {
  std::map<std::string, Json> by_function;
  for (const Json& told : Errors("kinds")) by_function[told["location"]["function"]] = told;
  ASSERT_EQ(by_function.size(), 3u);

  const Json& mode = by_function["ext4_lookup"];
  ExpectError(mode, EUCLEAN, "ext4_lookup", Fact("INVALID_MODE_INODE"), nullptr, "ls");
  EXPECT_EQ(mode["specific"]["message"], "iget: bogus i_mode (377)");
  EXPECT_EQ(mode["object"]["path"], "/kinds/letters/bob");
  EXPECT_THAT(mode["location"]["stack"].front().get<std::string>(), testing::StartsWith("__ext4_iget+0x"));

  const Json& extent = by_function["ext4_ext_check_inode"];
  ExpectError(extent, EUCLEAN, "ext4_ext_check_inode", Fact("BAD_EXTENT_INODE"), nullptr, "cat");
  EXPECT_EQ(extent["object"]["path"], "/kinds/books/atlas");

  const Json& checksum = by_function["htree_dirblock_to_tree"];
  ExpectError(checksum, EBADMSG, "htree_dirblock_to_tree", Fact("BAD_CHECKSUM_INODE"), nullptr, "ls");
  EXPECT_EQ(checksum["object"]["path"], "/kinds/many");
  EXPECT_EQ(checksum["object"]["path_source"], "handle");
}

// Two tasks at a time, sixty inodes, of which the log names ten.
TEST(Kernel61, EachErrorHasItsOwnInodeBeyondTheRateLimitOfTheLog) {
  std::set<uint64_t> expected = InodesOf("many"), told_inodes;
  expected.merge(InodesOf("more"));
  ASSERT_EQ(expected.size(), 60u);
  uint64_t without_line = 0;
  for (const Json& told : Errors("inodes")) {
    Json inode = told["specific"]["inode"];
    ExpectError(told, EUCLEAN, "ext4_lookup", inode, nullptr, "ls");
    EXPECT_EQ(told["error"]["count"], 1);
    EXPECT_EQ(told["object"]["path_source"], "walk") << "to load such an inode would raise the error again";
    EXPECT_TRUE(told_inodes.insert(inode.get<uint64_t>()).second) << inode << " is told twice";
    if (!HasSource(told, "kmsg")) ++without_line;
  }
  EXPECT_EQ(told_inodes, expected);
  EXPECT_GE(without_line, 40u);
}

TEST(Kernel61, EachErrorHasItsBlockBeyondTheRateLimitOfTheLog) {
  std::vector<Json> errors = Errors("blocks");
  uint64_t without_line = 0;
  for (const Json& told : errors) {
    ExpectError(told, EUCLEAN, "htree_dirblock_to_tree", Fact("ENTRY_DIRECTORY"), Fact("ENTRY_BLOCK"), "ls");
    EXPECT_EQ(told["object"]["path"], "/blocks/letters");
    if (!HasSource(told, "kmsg")) without_line += told["error"]["count"].get<uint64_t>();
  }
  EXPECT_EQ(Sum(errors), 30u);
  EXPECT_GE(without_line, 10u);
}

TEST(Kernel61, AReporterWithoutATracepointIsToldBeyondTheRateLimitOfTheLog) {
  std::vector<Json> errors = Errors("reporter_without_tracepoint");
  uint64_t without_line = 0, freed = 0;
  for (const Json& told : errors) {
    if (told["location"]["function"] != "ext4_free_inode") continue;
    int code = freed == 0 ? EBADMSG : EUCLEAN;
    ExpectError(told, code, "ext4_free_inode", nullptr, nullptr, "rm");
    freed += told["error"]["count"].get<uint64_t>();
    if (!HasSource(told, "kmsg")) without_line += told["error"]["count"].get<uint64_t>();
  }
  EXPECT_EQ(freed, 30u);
  EXPECT_GE(without_line, 10u);
  ASSERT_FALSE(errors.empty());
  ExpectError(errors[0], EUCLEAN, "ext4_validate_inode_bitmap", nullptr, nullptr, "rm");
}

TEST(Kernel61, ABlockGroupErrorIsToldWithoutFanotify) {
  for (const char* filesystem : {"group", "group_ro"}) {
    SCOPED_TRACE(filesystem);
    std::vector<Json> errors = Errors(filesystem);
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors[0]["error"]["errno"], EUCLEAN);
    EXPECT_EQ(errors[0]["location"]["function"], "ext4_mb_generate_buddy");
    EXPECT_EQ(errors[0]["specific"]["group"], 0);
    EXPECT_EQ(errors[0]["task"]["comm"], "cat");
    EXPECT_EQ(errors[0]["sources"], (Json{"trace", "kmsg"}));
  }
  EXPECT_EQ(Told("all", "group").size(), 1u);
  EXPECT_EQ(Told("all", "group_ro").size(), 3u) << "the journal is given up, and the file system becomes read-only";
}

TEST(Kernel61, ABurstIsToldErrorByErrorAndExactly) {
  std::vector<Json> errors = Errors("trigger");
  for (const Json& told : errors) {
    ExpectError(told, EUCLEAN, "trigger_test_error", nullptr, nullptr, "init");
    EXPECT_FALSE(told["task"]["pid"].is_null());
  }
  EXPECT_EQ(Sum(errors), 200u);
}

TEST(Kernel61, AnAbortAndWhatFollowsAreTold) {
  std::vector<Json> errors = Errors("abort");
  ASSERT_EQ(errors.size(), 3u);
  ExpectError(errors[0], ESHUTDOWN, "__ext4_remount", nullptr, nullptr, "mount");
  EXPECT_EQ(errors[0]["kind"], "shutdown");
  ExpectError(errors[1], EIO, "ext4_journal_check_start", nullptr, nullptr, "touch");
  EXPECT_EQ(errors[1]["specific"]["message"], "Detected aborted journal");
  ExpectError(errors[2], EROFS, "__ext4_new_inode", nullptr, nullptr, "touch");
  EXPECT_EQ(errors[2]["specific"]["message"], "Journal has aborted");
}

TEST(Kernel61, TheCountsAddUpToTheGrowthOfTheKernelsCounter) {
  for (const char* filesystem :
       {"kinds", "inodes", "blocks", "group", "group_ro", "reporter_without_tracepoint", "trigger", "abort"}) {
    EXPECT_EQ(Sum(Errors(filesystem)), Growth(filesystem)) << filesystem;
    EXPECT_GT(Growth(filesystem), 0u) << filesystem;
  }
}

TEST(Kernel61, AStackIsTakenAtLeastOnceForEachPlace) {
  std::map<std::string, size_t> stacks;
  for (const Json& told : Told("all")) {
    size_t& longest = stacks[told["filesystem"]["mounts"][0].get<std::string>() + " " +
                             told["location"]["function"].get<std::string>()];
    longest = std::max(longest, told["location"]["stack"].size());
  }
  for (const auto& [place, longest] : stacks) EXPECT_GT(longest, 3u) << place;
}

TEST(Ext4AsModule, IsLoadedByTheTraceItself) {
  EXPECT_THAT(Read("modules_before"), Not(HasSubstr("ext4")));
  EXPECT_THAT(Read("modules_after"), HasSubstr("ext4"));
  EXPECT_THAT(Read("not_loaded/stderr"), HasSubstr(", of ext4, and kprobe"));
  std::vector<Json> told = Told("not_loaded");
  ASSERT_EQ(Sum(told), 1u);
  EXPECT_EQ(told[0]["location"]["function"], "trigger_test_error");
  EXPECT_EQ(told[0]["specific"]["message"], "first");
}

TEST(Ext4AsModule, ThatCannotBeLoadedIsSaidToBeMissing) {
  EXPECT_THAT(Read("not_loadable/stderr"), HasSubstr("ext4 is not in the kernel, and its module could not be loaded"));
  EXPECT_EQ(Read("not_loadable/exit"), "0\n") << "the other sources wait for the first mount";
}

TEST(Ext4AsModule, WithoutTypeInformationOfItsOwnIsTracedAllTheSame) {
  EXPECT_THAT(Read("module_without_btf/stderr"), HasSubstr(", of ext4, and kprobe"));
  std::vector<Json> told = Told("module_without_btf");
  ASSERT_EQ(Sum(told), 1u);
  EXPECT_EQ(told[0]["location"]["function"], "trigger_test_error");
  EXPECT_EQ(told[0]["specific"]["message"], "second");
  EXPECT_TRUE(HasSource(told[0], "trace"));
  EXPECT_GT(told[0]["location"]["stack"].size(), 3u);
}

TEST(Without, TypeInformationTheOtherSourcesTell) {
  EXPECT_THAT(Read("without_btf/stderr"),
              HasSubstr("without trace: the kernel's type information (/sys/kernel/btf/vmlinux) is not there"));
  std::vector<Json> told = Told("without_btf");
  ASSERT_EQ(Sum(told), 1u);
  EXPECT_EQ(told[0]["sources"], (Json{"fanotify", "kmsg"}));
  EXPECT_EQ(told[0]["location"]["function"], "trigger_test_error");
  EXPECT_EQ(Read("without_btf/exit"), "0\n");
}

TEST(Without, CapabilitiesItSaysWhichItNeeds) {
  EXPECT_EQ(Read("without_capabilities/exit"), "4\n");
  EXPECT_THAT(Read("without_capabilities/stderr"),
              HasSubstr("not permitted: run it as root (or with CAP_SYS_ADMIN, CAP_BPF, CAP_PERFMON and CAP_SYSLOG)"));
  EXPECT_EQ(Read("without_capabilities/stdout"), "");
}

}  // namespace
}  // namespace fsherald::kernel_test
