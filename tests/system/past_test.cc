// SPDX-License-Identifier: MIT
// Old is not new: what the superblock counted before watching began is not told by watch.
#include "system_fixture.h"
#include "watcher.h"

namespace fsherald::system_test {
namespace {

using PastTest = SystemTest;

TEST_F(PastTest, ErrorsBeforeTheStartAreNotTold) {
  Ext4Filesystem filesystem({.name = "data"});
  const Ext4Filesystem sentinel({.name = "sentinel"});
  filesystem.Trigger("long ago");
  filesystem.Trigger("yesterday");
  ASSERT_EQ(filesystem.ErrorsCountOnceAtLeast(2, After(std::chrono::seconds(2))), 2U);

  Watcher watcher;
  watcher.WaitUntilToldUpToNow(sentinel);
  EXPECT_EQ(watcher.About(filesystem).size(), 0U);

  filesystem.Trigger("now");
  watcher.WaitUntilToldUpToNow(sentinel);
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  const std::vector<Json> told = watcher.About(filesystem);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0]["specific"]["message"], "now");
  EXPECT_EQ(told[0]["error"]["count"], 1);
}

TEST_F(PastTest, ErrorsOfAnEarlierMountAreNotTold) {
  const std::string image = kSandbox + "/old.img";
  MakeImage(image, {}, 8 << 20);
  {
    const Ext4Filesystem before(image, "before", "errors=continue");
    before.Trigger("before");
    ASSERT_EQ(before.ErrorsCountOnceAtLeast(1, After(std::chrono::seconds(2))), 1U);
  }
  const Ext4Filesystem sentinel({.name = "sentinel"});
  Watcher watcher;
  const Ext4Filesystem after(image, "after", "errors=continue");
  ASSERT_EQ(after.ErrorsCount(), 1U);
  watcher.WaitUntilToldUpToNow(sentinel);
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  EXPECT_EQ(watcher.About(after), std::vector<Json>());
}

}  // namespace
}  // namespace fsherald::system_test
