// SPDX-License-Identifier: MIT
// A state is entered and left, and both are told: the daemon sees the error, the unmount, the repair by fsck and the operator's word.
#include <sys/mount.h>

#include "daemon.h"
#include "system_fixture.h"
#include "watcher.h"

namespace fsherald::system_test {
namespace {

using namespace std::chrono_literals;

// The changes of state of a file system, whatever device it is on by now.
std::vector<Json> Changes(const Watcher& watcher, const std::string& uuid) {
  std::vector<Json> changes;
  for (const Json& change : watcher.changes())
    if (change["filesystem"]["uuid"] == uuid) changes.push_back(change);
  return changes;
}

// "well > errors: errors".
std::string Words(const Json& change) {
  const Json& health = change["health"];
  return health["from"].get<std::string>() + " > " + health["to"].get<std::string>() + ": " +
         health["rule"].get<std::string>();
}

class HealthTest : public SystemTest {
 protected:
  void SetUp() override {
    SystemTest::SetUp();
    if (!IsSkipped()) MakeImage(image_, {}, 16 << 20);
  }

  // e2fsck corrects what it finds, as an administrator would ask it to.
  void Check() const {
    const Finished check = RunToEnd({.arguments = {"e2fsck", "-f", "-y", image_}, .environment = {}, .directory = {}});
    EXPECT_LE(check.exit_code, 1) << check.output;
    EXPECT_GE(check.exit_code, 0) << check.output;
  }

  static bool WaitForChanges(Watcher& watcher, const std::string& uuid, size_t count) {
    return watcher.WaitUntil([&] { return Changes(watcher, uuid).size() >= count; }, After(20s));
  }

  static Finished Clear(const std::vector<std::string>& arguments) {
    Command command{.arguments = {Program(), "clear"}, .environment = {}, .directory = {}};
    command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
    return RunToEnd(command);
  }

  const std::string image_ = kSandbox + "/health.img";
};

TEST_F(HealthTest, WhatFsckHasRepairedIsToldAsWellAgain) {
  Daemon daemon;
  Watcher watcher;
  Ext4Filesystem filesystem(image_, "data", "errors=continue");
  const std::string uuid = filesystem.uuid();
  filesystem.Trigger("damaged");
  ASSERT_TRUE(WaitForChanges(watcher, uuid, 1)) << watcher.talk();
  filesystem.Trigger("and again");
  ASSERT_EQ(filesystem.ErrorsCountOnceAtLeast(2, After(10s)), 2U);
  ASSERT_TRUE(watcher.WaitUntil([&] { return watcher.About(filesystem).size() >= 2; }, After(20s)));
  filesystem.Unmount();
  ASSERT_TRUE(WaitForChanges(watcher, uuid, 2)) << watcher.talk();
  Check();
  const Ext4Filesystem again(image_, "again", "errors=continue");
  ASSERT_TRUE(WaitForChanges(watcher, uuid, 3)) << watcher.talk();
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();

  const std::vector<Json> changes = Changes(watcher, uuid);
  ASSERT_EQ(changes.size(), 3U);
  EXPECT_EQ(Words(changes[0]), "well > errors: errors");
  EXPECT_EQ(Words(changes[1]), "errors > gone: gone");
  EXPECT_EQ(Words(changes[2]), "gone > well: counters_reset");
  uint64_t first = 0;
  for (const Json& line : watcher.lines()) {
    if (line["filesystem"]["uuid"] != uuid) continue;
    if (first == 0) first = line["seq"];
    EXPECT_EQ(line["incident"], first) << line;
  }
  EXPECT_EQ(changes[0]["seq"], first + 1) << "right behind its cause";
  EXPECT_EQ(changes[1]["health"]["errors"], 2);
  for (const Json& change : changes) {
    EXPECT_EQ(change["incident"], first);
    EXPECT_EQ(change["error"]["count"], 0);
  }
}

TEST_F(HealthTest, WhatIsMountedAgainWithoutARepairHasItsErrorsStill) {
  Daemon daemon;
  Watcher watcher;
  Ext4Filesystem filesystem(image_, "data", "errors=continue");
  const std::string uuid = filesystem.uuid();
  filesystem.Trigger("damaged");
  ASSERT_EQ(filesystem.ErrorsCountOnceAtLeast(1, After(10s)), 1U);
  ASSERT_TRUE(WaitForChanges(watcher, uuid, 1)) << watcher.talk();
  filesystem.Unmount();
  ASSERT_TRUE(WaitForChanges(watcher, uuid, 2)) << watcher.talk();
  const Ext4Filesystem again(image_, "again", "errors=continue");
  ASSERT_TRUE(WaitForChanges(watcher, uuid, 3)) << watcher.talk();
  EXPECT_EQ(Words(Changes(watcher, uuid)[2]), "gone > errors: mounted_again");
}

TEST_F(HealthTest, WhatHasMadeItselfReadOnlyIsLeftByTheRepair) {
  Daemon daemon;
  Watcher watcher;
  Ext4Filesystem filesystem(image_, "data", "errors=remount-ro");
  const std::string uuid = filesystem.uuid();
  filesystem.Trigger("damaged");
  const auto is_read_only = [&] {
    const std::vector<Json> changes = Changes(watcher, uuid);
    return !changes.empty() && changes.back()["health"]["to"] == "read_only";
  };
  ASSERT_TRUE(watcher.WaitUntil(is_read_only, After(20s))) << watcher.talk();
  const size_t before = Changes(watcher, uuid).size();
  filesystem.Unmount();
  ASSERT_TRUE(WaitForChanges(watcher, uuid, before + 1)) << watcher.talk();
  Check();
  const Ext4Filesystem again(image_, "again", "errors=continue");
  ASSERT_TRUE(WaitForChanges(watcher, uuid, before + 2)) << watcher.talk();
  EXPECT_EQ(Words(Changes(watcher, uuid)[before]), "read_only > gone: gone");
  EXPECT_EQ(Words(Changes(watcher, uuid)[before + 1]), "gone > well: counters_reset");
}

TEST_F(HealthTest, TheOperatorsWordIsToldWithWhoAndWhy) {
  Daemon daemon;
  Watcher watcher;
  const Ext4Filesystem filesystem(image_, "data", "errors=continue");
  const std::string uuid = filesystem.uuid();
  filesystem.Trigger("damaged");
  ASSERT_TRUE(WaitForChanges(watcher, uuid, 1)) << watcher.talk();
  const Finished cleared = Clear({filesystem.directory() + "/letters", "--reason", "a test of ours"});
  EXPECT_EQ(cleared.exit_code, 0) << cleared.output;
  EXPECT_NE(cleared.output.find("it was errors, and is well"), std::string::npos) << cleared.output;
  ASSERT_TRUE(WaitForChanges(watcher, uuid, 2)) << watcher.talk();
  const Json change = Changes(watcher, uuid)[1];
  EXPECT_EQ(Words(change), "errors > well: cleared");
  EXPECT_EQ(change["health"]["uid"], 0);
  EXPECT_EQ(change["health"]["reason"], "a test of ours");
  for (const std::string& name : {filesystem.directory(), "/dev/" + filesystem.device(), filesystem.device(), uuid}) {
    const Finished again = Clear({name, "--reason=x"});
    EXPECT_EQ(again.exit_code, 0) << again.output;
    EXPECT_NE(again.output.find("nothing to clear"), std::string::npos) << again.output;
  }
}

TEST_F(HealthTest, ClearSaysWhatIsWrong) {
  const Finished alone = Clear({"/", "--reason=x"});
  EXPECT_EQ(alone.exit_code, 3) << alone.output;
  EXPECT_NE(alone.output.find("fsherald daemon"), std::string::npos) << alone.output;
  Daemon daemon;
  const Finished unknown = Clear({"8cd4a1e8-0f3b-4c5d-9e6f-00112233ffee", "--reason=x"});
  EXPECT_EQ(unknown.exit_code, 1) << unknown.output;
  EXPECT_EQ(Clear({"/"}).exit_code, 2) << "without a reason";
  EXPECT_EQ(Clear({"/", "--reason="}).exit_code, 2);
  EXPECT_EQ(Clear({"/", "--reason=" + std::string(256, 'x')}).exit_code, 2);
  const Finished stranger = RunToEnd({.arguments = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                                                    Program(), "clear", "/", "--reason=x"},
                                      .environment = {},
                                      .directory = {}});
  EXPECT_EQ(stranger.exit_code, 4) << stranger.output;
  EXPECT_NE(stranger.output.find("only root"), std::string::npos) << stranger.output;
}

}  // namespace
}  // namespace fsherald::system_test
