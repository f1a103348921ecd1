// SPDX-License-Identifier: MIT
#include "daemon/user_filesystems.h"

#include <gtest/gtest.h>

#include <array>

namespace fsherald {
namespace {

TEST(UserFilesystemsTest, TheSameOneHasTheSameKey) {
  UserFilesystems filesystems;
  EXPECT_EQ(filesystems.OfMount({0, 52}, std::array{61UL}), filesystems.OfMount({0, 52}, std::array{61UL}));
  EXPECT_EQ(filesystems.OfName("mydb", "orders", 1000), filesystems.OfName("mydb", "orders", 1000));
}

TEST(UserFilesystemsTest, ADeviceNumberThatIsUsedAgainIsAnotherOne) {
  UserFilesystems filesystems;
  EXPECT_NE(filesystems.OfMount({0, 52}, std::array{61UL}), filesystems.OfMount({0, 52}, std::array{75UL}));
}

TEST(UserFilesystemsTest, ItsBindMountsMayComeAndGo) {
  UserFilesystems filesystems;
  const FilesystemKey key = filesystems.OfMount({0, 52}, std::array{61UL});
  EXPECT_EQ(filesystems.OfMount({0, 52}, std::array{61UL, 75UL}), key);
  EXPECT_EQ(filesystems.OfMount({0, 52}, std::array{75UL}), key);
  EXPECT_NE(filesystems.OfMount({0, 52}, std::array{61UL}), key) << "an id that had gone is another mount's";
}

TEST(UserFilesystemsTest, TwoUsersFileSystemsOfOneNameAreTwoAndHaveAThirdKeyInCommon) {
  UserFilesystems filesystems;
  const FilesystemKey one = filesystems.OfName("mydb", "orders", 1000);
  const FilesystemKey other = filesystems.OfName("mydb", "orders", 1001);
  const FilesystemKey any = filesystems.OfName("mydb", "orders", UserFilesystems::kAnyUid);
  EXPECT_NE(one, other);
  EXPECT_NE(one, any);
  EXPECT_NE(filesystems.OfName("mydb", "other", 1000), one);
  EXPECT_NE(filesystems.OfName("other", "orders", 1000), one);
}

TEST(UserFilesystemsTest, MarksOfAUserMakeOnlySoManyNamesKnown) {
  UserFilesystems filesystems;
  const auto mark = [&](size_t number, uid_t asker) {
    return filesystems.OfMarkedName("mydb", std::to_string(number), UserFilesystems::kAnyUid, asker);
  };
  for (size_t i = 0; i < UserFilesystems::kMaxMarkedNames; ++i) ASSERT_TRUE(mark(i, 1000));
  EXPECT_EQ(mark(UserFilesystems::kMaxMarkedNames, 1000).error().code, EDQUOT);
  EXPECT_TRUE(mark(0, 1000)) << "it is known";
  EXPECT_TRUE(mark(UserFilesystems::kMaxMarkedNames, 1001)) << "another user's marks";
  EXPECT_TRUE(mark(UserFilesystems::kMaxMarkedNames + 1, 0)) << "root's";
}

TEST(UserFilesystemsTest, KeysAreInARangeOfTheirOwn) {
  UserFilesystems filesystems;
  EXPECT_EQ(filesystems.OfName("mydb", "orders", 0).value, UserFilesystems::kFirstKey);
  EXPECT_TRUE(UserFilesystems::IsOne(filesystems.OfMount({0, 52}, std::array{61UL})));
  EXPECT_FALSE(UserFilesystems::IsOne({1}));
  EXPECT_FALSE(UserFilesystems::IsOne({0x80000000}));
}

}  // namespace
}  // namespace fsherald
