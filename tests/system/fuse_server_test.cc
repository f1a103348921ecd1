// SPDX-License-Identifier: MIT
// The process that serves a FUSE file system dies: the kernel says nothing, and fsherald tells it.
#include <signal.h>

#include <algorithm>

#include "checked_mount.h"
#include "system_fixture.h"
#include "watcher.h"

namespace fsherald::system_test {
namespace {

using FuseServerTest = SystemTest;

std::vector<Json> Deaths(const Watcher& watcher) {
  std::vector<Json> deaths;
  for (const Json& line : watcher.lines())
    if (line["filesystem"]["type"] == "fuse.checksum_fs" && line["kind"] == "shutdown") deaths.push_back(line);
  return deaths;
}

bool IsAt(const Json& death, const CheckedMount& mount) {
  return death["filesystem"]["mounts"] == Json::array({mount.directory()});
}

TEST_F(FuseServerTest, AServerThatIsKilledIsToldOnceWithItsMountAndOneThatIsUnmountedNever) {
  const CheckedMount killed("killed");
  const CheckedMount later("later");
  auto unmounted = std::make_unique<CheckedMount>("unmounted");
  Watcher watcher;

  unmounted.reset();  // its server has ended, and after that the other ones do
  ASSERT_EQ(kill(killed.pid(), SIGKILL), 0);
  const auto told = [&](size_t deaths) { return [&, deaths] { return Deaths(watcher).size() >= deaths; }; };
  ASSERT_TRUE(watcher.WaitUntil(told(1), After(std::chrono::seconds(5)))) << watcher.talk();
  ASSERT_EQ(kill(later.pid(), SIGKILL), 0);
  ASSERT_TRUE(watcher.WaitUntil(told(2), After(std::chrono::seconds(5)))) << watcher.talk();
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();

  const std::vector<Json> deaths = Deaths(watcher);
  ASSERT_EQ(deaths.size(), 2U);
  EXPECT_TRUE(IsAt(deaths[0], killed)) << deaths[0];
  EXPECT_TRUE(IsAt(deaths[1], later)) << deaths[1];
  EXPECT_EQ(deaths[0]["error"]["name"], "ENOTCONN");
  EXPECT_EQ(deaths[0]["error"]["count"], 1);
  EXPECT_EQ(deaths[0]["task"]["pid"], killed.pid());
  EXPECT_EQ(deaths[0]["task"]["comm"], "checksum_fs");
}

TEST_F(FuseServerTest, AServerOfAFileSystemThatIsMountedLaterIsWatchedAsWell) {
  const Ext4Filesystem sentinel({.name = "sentinel"});
  Watcher watcher;
  const CheckedMount mount("mounted_later");
  // No line of the kernel's tells of that mount. What is told after it has been seen together with it, and what is told after that
  // when the mount table had been read.
  watcher.WaitUntilToldUpToNow(sentinel);
  watcher.WaitUntilToldUpToNow(sentinel);
  ASSERT_EQ(kill(mount.pid(), SIGKILL), 0);
  ASSERT_TRUE(watcher.WaitUntil([&] { return !Deaths(watcher).empty(); }, After(std::chrono::seconds(5))))
      << watcher.talk();
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  ASSERT_EQ(Deaths(watcher).size(), 1U);
  EXPECT_TRUE(IsAt(Deaths(watcher)[0], mount));
}

}  // namespace
}  // namespace fsherald::system_test
