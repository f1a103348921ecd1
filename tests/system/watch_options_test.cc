// SPDX-License-Identifier: MIT
// The options of watch, and what it tells besides notifications.
#include <unistd.h>

#include <regex>

#include "system_fixture.h"
#include "watcher.h"

namespace fsherald::system_test {
namespace {

using namespace std::chrono_literals;
using WatchOptionsTest = SystemTest;

TEST_F(WatchOptionsTest, CountEndsItAfterSoManyNotifications) {
  const Ext4Filesystem filesystem({.name = "data"});
  Watcher watcher({"--count=2", filesystem.directory()});
  filesystem.Trigger("one");
  filesystem.Trigger("two");
  filesystem.Trigger("three");
  EXPECT_FALSE(watcher.WaitUntil([] { return false; }, After(10s))) << "it ends by itself";
  ASSERT_EQ(watcher.lines().size(), 2U);
  EXPECT_EQ(watcher.lines()[0]["specific"]["message"], "one");
  EXPECT_EQ(watcher.lines()[1]["specific"]["message"], "two");
}

TEST_F(WatchOptionsTest, APathRestrictsItToItsFilesystem) {
  const Ext4Filesystem wanted({.name = "wanted"});
  const Ext4Filesystem other({.name = "other"});
  Watcher watcher({wanted.directory() + "/letters/bob"});
  other.Trigger("not wanted");
  wanted.Trigger("wanted");
  EXPECT_TRUE(watcher.WaitUntil([&] { return !watcher.About(wanted).empty(); }, After(10s)));
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  ASSERT_EQ(watcher.lines().size(), 1U);
  EXPECT_EQ(watcher.lines()[0]["specific"]["message"], "wanted");
}

TEST_F(WatchOptionsTest, FirstItSaysWhatItWatchesAndAtTheEndWhatItTold) {
  const Ext4Filesystem filesystem({.name = "data"});
  Watcher watcher({filesystem.directory()});
  EXPECT_TRUE(
      std::regex_search(watcher.talk(), std::regex("ext4 +" + filesystem.device() + " +" + filesystem.directory() +
                                                   " +by fanotify, trace, kmsg, counters")))
      << watcher.talk();
  filesystem.Trigger("one");
  EXPECT_TRUE(watcher.WaitUntil([&] { return !watcher.lines().empty(); }, After(10s)));
  EXPECT_EQ(watcher.Stop(), 0);
  EXPECT_NE(watcher.talk().find("told 1 notification of 1 error; lost none"), std::string::npos) << watcher.talk();
}

TEST_F(WatchOptionsTest, TwoWatchersAreToldTheSame) {
  const Ext4Filesystem filesystem({.name = "data"});
  Watcher first({filesystem.directory()});
  Watcher second({filesystem.directory()});
  filesystem.Trigger("for both");
  for (Watcher* watcher : {&first, &second}) {
    EXPECT_TRUE(watcher->WaitUntil([&] { return !watcher->lines().empty(); }, After(10s)));
    EXPECT_EQ(watcher->Stop(), 0) << watcher->talk();
    ASSERT_EQ(watcher->lines().size(), 1U);
    EXPECT_EQ(watcher->lines()[0]["specific"]["message"], "for both");
    EXPECT_EQ(watcher->lines()[0]["sources"], Json({"fanotify", "trace", "kmsg"}));
  }
}

TEST_F(WatchOptionsTest, EveryLineHasAllKeysAndTheSequenceHasNoHole) {
  const Ext4Filesystem filesystem({.name = "data"});
  Watcher watcher({filesystem.directory()});
  for (int i = 0; i < 20; ++i) filesystem.Trigger("error " + std::to_string(i));
  watcher.WaitUntil([&] { return CountedErrors(watcher.lines()) >= 20; }, After(10s));
  EXPECT_EQ(watcher.Stop(), 0);
  uint64_t seq = 0;
  for (const Json& line : watcher.lines()) {
    EXPECT_EQ(line["seq"], ++seq);
    for (const char* key :
         {"v", "seq", "filesystem_seq", "time", "boottime_ns", "boot", "filesystem", "error", "location", "specific",
          "object", "range", "device_error", "task", "kind", "origin", "corrected", "trusted", "sources"}) {
      EXPECT_TRUE(line.contains(key)) << key;
    }
    EXPECT_EQ(line["v"], 1);
    EXPECT_EQ(line["filesystem"]["type"], "ext4");
    EXPECT_EQ(line["origin"], "kernel");
    EXPECT_EQ(line["task"]["pid"], getpid());
  }
  EXPECT_EQ(CountedErrors(watcher.lines()), 20U);
}

TEST_F(WatchOptionsTest, ErrorsOfAReadOnlyDeviceAreToldThoughTheKernelCountsNone) {
  const std::string image = kSandbox + "/fixed.img";
  MakeImage(image, {"-O", "^metadata_csum,^has_journal"}, 8 << 20);
  RunOrFail({.arguments = {"debugfs", "-w", "-R", "ln <1> letters/nobody", image}, .environment = {}, .directory = {}});
  const Ext4Filesystem filesystem(image, "data", "ro,errors=continue", true);
  const Ext4Filesystem sentinel({.name = "sentinel"});
  Watcher watcher;
  RunToEnd({.arguments = {"stat", filesystem.directory() + "/letters/nobody"}, .environment = {}, .directory = {}});
  watcher.WaitUntilToldUpToNow(sentinel);
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  EXPECT_EQ(filesystem.ErrorsCount(), 0U);
  const std::vector<Json> told = watcher.About(filesystem);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0]["specific"]["message"], "bad inode number: 1");
  EXPECT_EQ(told[0]["error"]["count"], 1);
}

}  // namespace
}  // namespace fsherald::system_test
