// SPDX-License-Identifier: MIT
// What was told of disks that fail below mounted file systems, by device mapper: see init for each of them.
// Device mapper itself says nothing of an error that it makes, and its devices have no requests: the kernel's word is that of
// the file system and of its buffers, and names the mapped device.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "../guest_output.h"

namespace fsherald::kernel_test {
namespace {

using testing::HasSubstr;

// All that was told of a file system; each names its device.
std::vector<Json> ToldOf(const std::string& filesystem) {
  std::vector<Json> told = Told("faults", filesystem);
  std::string device = Read(filesystem + ".device");
  device.pop_back();
  for (const Json& one : told) EXPECT_EQ(one["filesystem"]["device"], device) << one;
  return told;
}

std::vector<Json> OfKind(const std::vector<Json>& told, const std::string& kind) {
  std::vector<Json> found;
  std::ranges::copy_if(told, std::back_inserter(found), [&](const Json& one) { return one["kind"] == kind; });
  return found;
}

// What ext4 counts, and so must be told exactly.
uint64_t Counted(const std::vector<Json>& told) { return Sum(OfKind(told, "metadata")); }

void ExpectOne(const std::vector<Json>& told, const std::string& name, const std::string& function, const Json& inode) {
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0]["error"]["name"], name) << told[0];
  EXPECT_EQ(told[0]["location"]["function"], function) << told[0];
  EXPECT_EQ(told[0]["specific"]["inode"], inode) << told[0];
}

TEST(Faults, AreToldWhileAllSourcesWork) {
  EXPECT_EQ(Read("faults/exit"), "0\n");
  EXPECT_THAT(Read("faults/stderr"), HasSubstr("lost none\n"));
}

// Of the fault itself the kernel says nothing (no line, no tracepoint that has a device): only that nothing else is told.
TEST(Faults, ABlockOfAFileThatCannotBeReadIsNoErrorOfTheFileSystem) {
  EXPECT_THAT(Read("read_file.said"), HasSubstr("Input/output error"));
  EXPECT_EQ(Counted(ToldOf("read_file")), 0U);
  EXPECT_EQ(Growth("read_file"), 0U);
}

TEST(Faults, ABlockOfTheInodeTableThatCannotBeReadIsTold) {
  const std::vector<Json> told = ToldOf("read_inode");
  ExpectOne(OfKind(told, "metadata"), "EIO", "__ext4_get_inode_loc_noinmem", 12);
  EXPECT_EQ(Counted(told), Growth("read_inode"));
  // The look-up of the path reads the block as well.
  for (const Json& one : OfKind(told, "device")) EXPECT_EQ(one["error"]["name"], "EIO") << one;
}

TEST(Faults, ABlockOfADirectoryThatCannotBeReadIsToldThoughItIsOnlyAWarning) {
  const std::vector<Json> told = ToldOf("read_directory");
  ExpectOne(told, "EIO", "htree_dirblock_to_tree", Fact("DIRECTORY_INODE"));
  EXPECT_EQ(told[0]["kind"], "device");
  EXPECT_EQ(Growth("read_directory"), 0U);
}

TEST(Faults, DataThatCannotBeWrittenBackIsToldAsLost) {
  const std::vector<Json> told = ToldOf("write_file");
  const std::vector<Json> lost = OfKind(told, "writeback");
  ASSERT_EQ(lost.size(), 1U) << "the line of the block belongs to it";
  EXPECT_EQ(told.size(), 1U);
  ExpectOne({lost[0]}, "EIO", "ext4_end_bio", Fact("FILE_INODE"));
  EXPECT_EQ(lost[0]["object"]["path"], "/write_file/letters/bob");
  EXPECT_EQ(Growth("write_file"), 0U);
}

TEST(Faults, AJournalThatCannotBeWrittenIsToldAndWhatFollows) {
  const std::vector<Json> told = ToldOf("write_journal");
  EXPECT_EQ(Counted(told), Growth("write_journal"));
  const std::vector<Json> errors = OfKind(told, "metadata");
  ASSERT_EQ(errors.size(), 2U);
  ExpectOne({errors[0]}, "EIO", "ext4_journal_check_start", nullptr);
  ExpectOne({errors[1]}, "EROFS", "__ext4_new_inode", nullptr);
  EXPECT_EQ(OfKind(told, "read_only").size(), 2U) << "the journal is given up, and the file system becomes read-only";
}

TEST(Faults, ADiskThatChangesWhatIsWrittenIsFoundByTheChecksum) {
  const std::vector<Json> told = ToldOf("lying");
  ExpectOne(told, "EBADMSG", "htree_dirblock_to_tree", Fact("DIRECTORY_INODE"));
  EXPECT_EQ(Counted(told), Growth("lying"));
}

TEST(Faults, ADiskThatFailsAfterAWhileIsTold) {
  EXPECT_EQ(Read("interval.worked"), "Dear bob\n");
  EXPECT_THAT(Read("interval.said"), HasSubstr("Input/output error"));
  const std::vector<Json> told = ToldOf("interval");
  EXPECT_FALSE(OfKind(told, "writeback").empty());
  EXPECT_EQ(Counted(told), Growth("interval"));
}

TEST(Faults, ADiskThatIsGoneIsTold) {
  const std::vector<Json> told = ToldOf("dying");
  EXPECT_EQ(Counted(told), Growth("dying"));
  EXPECT_GE(Growth("dying"), 2U) << "of cat, and of touch";
  for (const Json& one : told) EXPECT_EQ(one["error"]["name"], "EIO") << one;
}

class OtherFaults : public testing::TestWithParam<const char*> {};

TEST_P(OtherFaults, ADiskThatIsGoneIsTold) {
  const std::string type = GetParam();
  if (!Exists(type + ".said")) GTEST_SKIP() << "the guest has no mkfs." << type;
  EXPECT_THAT(Read(type + ".said"), HasSubstr("Input/output error"));
  if (Read("faults/stderr").find("\n  " + type + " ") == std::string::npos)
    GTEST_SKIP() << "watch does not know file systems of type " << type;
  const std::vector<Json> told = ToldOf(type);
  EXPECT_FALSE(told.empty());
  EXPECT_TRUE(std::ranges::any_of(told, [](const Json& one) { return one["error"]["name"] == "EIO"; }));
}

INSTANTIATE_TEST_SUITE_P(Faults, OtherFaults, testing::Values("xfs", "btrfs"),
                         [](const auto& type) { return std::string(type.param); });

}  // namespace
}  // namespace fsherald::kernel_test
