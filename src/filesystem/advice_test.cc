// SPDX-License-Identifier: MIT
#include "filesystem/advice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <set>

#include "filesystem/filesystem.h"

namespace fsherald {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Patient Of(std::string_view type) { return {.type = type, .node = "/dev/sdb1", .mount_point = "/data"}; }

std::vector<std::string> LookAt(const Notification& notification) {
  return FindFilesystemModule(notification.filesystem.type)
      ->advice->look(Of(notification.filesystem.type), notification);
}

TEST(AdviceTest, EveryFilesystemKnownByNameHasSteps) {
  for (const FilesystemModule& module : FilesystemModules()) {
    ASSERT_NE(module.advice, nullptr) << module.type;
    for (const auto trouble : {Patient::Trouble::kErrors, Patient::Trouble::kReadOnly, Patient::Trouble::kShutDown})
      EXPECT_FALSE(module.advice->steps(Of(module.type), trouble).empty()) << module.type;
  }
}

TEST(AdviceTest, NoRowOfFunctionsHidesAnother) {
  for (const FilesystemModule& module : FilesystemModules()) {
    for (const FunctionNote& note : module.advice->functions) {
      std::string function(note.pattern);
      std::erase(function, '*');
      const auto found = FindFunction(function);
      ASSERT_TRUE(found) << note.pattern;
      EXPECT_EQ(found->words, note.words) << note.pattern;
      EXPECT_EQ(found->type, module.type);
    }
  }
}

TEST(AdviceTest, NoCodeIsThereTwice) {
  for (const FilesystemModule& module : FilesystemModules()) {
    std::set<int> codes;
    for (const CodeNote& note : module.advice->codes) EXPECT_TRUE(codes.insert(note.code).second) << module.type;
  }
}

TEST(AdviceTest, AFunctionIsFoundAsTheKernelPrintsIt) {
  EXPECT_EQ(FindFunction("ext4_lookup")->type, "ext4");
  EXPECT_EQ(FindFunction("ext4_lookup+0x1a2")->words, FindFunction("ext4_lookup")->words);
  EXPECT_EQ(FindFunction("__btrfs_free_extent.isra.0+0x12/0x34")->type, "btrfs");
  EXPECT_THAT(FindFunction("xfs_agf_write_verify")->words, HasSubstr("in memory"));
  EXPECT_THAT(FindFunction("xfs_agf_read_verify")->words, HasSubstr("AGF"));
  EXPECT_FALSE(FindFunction("do_sys_open"));
  EXPECT_FALSE(FindFunction(""));
}

TEST(AdviceTest, AMountPointRunsNothingWhenACommandIsCopied) {
  EXPECT_EQ(ShellWord("/data"), "/data");
  EXPECT_EQ(ShellWord("/my data; rm -rf ~"), "'/my data; rm -rf ~'");
  EXPECT_EQ(ShellWord("/a'$(b)"), "'/a'\\''$(b)'");
  EXPECT_EQ(ShellWord(""), "''");
  Patient patient = Of("xfs");
  patient.mount_point = "/a b";
  EXPECT_EQ(Unmounted(patient, {}), std::vector<std::string>{"umount '/a b'"});
}

TEST(AdviceTest, ACodeMeansMoreFromSomeThanFromOthers) {
  EXPECT_THAT(CodeWords("btrfs", ENOENT), HasSubstr("contradict"));
  EXPECT_EQ(CodeWords("ext4", ENOENT), "");
  EXPECT_EQ(CodeWords("ext3", EROFS), CodeWords("ext4", EROFS));
  EXPECT_EQ(CodeWords("mydb", EIO), "");
}

TEST(AdviceTest, Ext4sInodeIsShownAndItsNameLookedForWhereItIsNotKnown) {
  Notification n{.filesystem = {.type = "ext4"}, .object = ObjectInfo{.inode = 12}};
  EXPECT_THAT(LookAt(n), ElementsAre("debugfs -R 'stat <12>' /dev/sdb1", "debugfs -R 'ncheck 12' /dev/sdb1"));
  n.object->path = "/data/f";
  EXPECT_THAT(LookAt(n), ElementsAre("debugfs -R 'stat <12>' /dev/sdb1"));
  n.object.reset();
  n.specific = Specific{.type = "ext4", .fields = {{"inode", {}}, {"block", uint64_t{77}}}};
  EXPECT_THAT(LookAt(n), ElementsAre("debugfs -R 'icheck 77' /dev/sdb1"));
  n.specific.reset();
  EXPECT_THAT(LookAt(n), ElementsAre());
}

TEST(AdviceTest, XfsBlocksAreShownReadOnly) {
  const Notification n{.filesystem = {.type = "xfs"},
                       .specific = Specific{.type = "xfs", .fields = {{"daddr", uint64_t{56}}}}};
  EXPECT_THAT(LookAt(n), ElementsAre("xfs_db -r -c 'daddr 56' -c print /dev/sdb1"));
}

TEST(AdviceTest, BtrfsIsAskedForTheTreeBlockOrForTheFile) {
  Notification n{.filesystem = {.type = "btrfs"},
                 .specific = Specific{.type = "btrfs", .fields = {{"logical", uint64_t{30408704}}}}};
  EXPECT_THAT(LookAt(n), ElementsAre("btrfs inspect-internal dump-tree -b 30408704 /dev/sdb1"));
  n.kind = Kind::kDataRead;
  EXPECT_THAT(LookAt(n), ElementsAre("btrfs inspect-internal logical-resolve 30408704 /data"));
}

}  // namespace
}  // namespace fsherald
