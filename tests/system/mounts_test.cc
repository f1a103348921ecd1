// SPDX-License-Identifier: MIT
// Mounts come and go while fsherald watches: each file system is told as what it is, and nothing is kept from going.
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>

#include <map>
#include <set>
#include <thread>

#include "checked_mount.h"
#include "loop_device.h"
#include "system_fixture.h"
#include "watcher.h"

namespace fsherald::system_test {
namespace {

using namespace std::chrono_literals;
using MountsTest = SystemTest;

// A second place for a mounted file system, for as long as it lives.
class BindMount {
 public:
  BindMount(const std::string& source, const std::string& directory) : directory_(directory) {
    mkdir(directory.c_str(), 0755);
    if (mount(source.c_str(), directory.c_str(), nullptr, MS_BIND, nullptr) != 0) FailErrno("bind " + source);
  }
  ~BindMount() { umount2(directory_.c_str(), MNT_DETACH); }
  BindMount(const BindMount&) = delete;
  BindMount& operator=(const BindMount&) = delete;

 private:
  std::string directory_;
};

bool HasSource(const Json& line, const std::string& source) {
  for (const Json& name : line.at("sources")) {
    if (name == source) return true;
  }
  return false;
}

std::vector<Json> Saying(const std::string& message, const std::vector<Json>& lines) {
  std::vector<Json> found;
  for (const Json& line : lines) {
    if (line["specific"].is_object() && line["specific"]["message"] == message) found.push_back(line);
  }
  return found;
}

TEST_F(MountsTest, AFilesystemThatIsMountedTwiceIsToldOnce) {
  const Ext4Filesystem filesystem({.name = "data"});
  const Ext4Filesystem sentinel({.name = "sentinel"});
  const BindMount bind(filesystem.directory(), kSandbox + "/elsewhere");
  const BindMount part(filesystem.directory() + "/letters", kSandbox + "/letters_only");
  const Mount again("/dev/" + filesystem.device(), kSandbox + "/again");
  Watcher watcher;
  filesystem.Trigger("once");
  watcher.WaitUntilToldUpToNow(sentinel);
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  const std::vector<Json> told = watcher.About(filesystem);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0]["error"]["count"], 1);
  const std::vector<std::string> mounts = told[0]["filesystem"]["mounts"];
  EXPECT_EQ(mounts[0], filesystem.directory()) << "the shortest first";
  EXPECT_EQ(std::set<std::string>(mounts.begin(), mounts.end()),
            (std::set<std::string>{kSandbox + "/data", kSandbox + "/again", kSandbox + "/elsewhere",
                                   kSandbox + "/letters_only"}));
}

TEST_F(MountsTest, AMountMadeWhileWatchingIsCoveredByAllSourcesSoon) {
  const Ext4Filesystem sentinel({.name = "sentinel"});
  Watcher watcher;
  const Ext4Filesystem filesystem({.name = "data"});
  const auto mounted = std::chrono::steady_clock::now();
  const auto covered = [&] {
    const std::vector<Json> told = watcher.About(filesystem);
    return !told.empty() && HasSource(told.back(), "fanotify");
  };
  uint64_t raised = 0;
  while (!covered()) {
    ASSERT_LT(std::chrono::steady_clock::now() - mounted, 2s) << "not covered after " << raised << " errors";
    filesystem.Trigger("error " + std::to_string(++raised));
    watcher.WaitUntil([&] { return CountedErrors(watcher.About(filesystem)) >= raised; }, After(1s));
  }
  RecordProperty("covered_after_ms", static_cast<int>((std::chrono::steady_clock::now() - mounted) / 1ms));
  watcher.WaitUntilToldUpToNow(sentinel);
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  EXPECT_EQ(CountedErrors(watcher.About(filesystem)), raised)
      << "also those from before the mark: " << Json(watcher.About(filesystem));
}

// Stopped, it cannot mark what is mounted meanwhile. (Superblocks know the second of an error: this one is later than the last look.)
TEST_F(MountsTest, ErrorsBetweenTheMountAndTheMarkAreFoundByTheCountersAlone) {
  Watcher watcher({"--without=trace,kmsg"});
  ASSERT_EQ(::kill(watcher.pid(), SIGSTOP), 0);
  for (const time_t ready = ::time(nullptr); ::time(nullptr) == ready;) std::this_thread::sleep_for(10ms);
  const Ext4Filesystem filesystem({.name = "data"});
  for (int i = 0; i < 3; ++i) filesystem.Trigger("before the mark");
  filesystem.ErrorsCountOnceAtLeast(3, After(10s));
  ASSERT_EQ(::kill(watcher.pid(), SIGCONT), 0);
  EXPECT_TRUE(watcher.WaitUntil([&] { return CountedErrors(watcher.About(filesystem)) >= 3; }, After(10s)));
  filesystem.Trigger("after it");
  EXPECT_TRUE(watcher.WaitUntil([&] { return CountedErrors(watcher.About(filesystem)) >= 4; }, After(10s)));
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  const std::vector<Json> told = watcher.About(filesystem);
  ASSERT_EQ(told.size(), 2U) << Json(told);
  EXPECT_EQ(told[0]["error"]["count"], 3);
  EXPECT_EQ(told[0]["sources"], Json({"counters"}));
  EXPECT_TRUE(HasSource(told[1], "fanotify")) << told[1];
}

TEST_F(MountsTest, ADeviceThatIsReusedIsToldAsWhatIsOnItNow) {
  const Ext4Filesystem sentinel({.name = "sentinel"});
  MakeImage(kSandbox + "/first.img", {}, 8 << 20);
  MakeImage(kSandbox + "/second.img", {}, 8 << 20);
  Watcher watcher;
  std::set<std::string> devices;
  for (int round = 0; round < 5; ++round) {
    for (const std::string name : {"first", "second"}) {
      Ext4Filesystem filesystem(kSandbox + "/" + name + ".img", name, "errors=continue");
      devices.insert(filesystem.device());
      const std::string message = name + " " + std::to_string(round);
      filesystem.Trigger(message);
      watcher.WaitUntilToldUpToNow(sentinel);
      watcher.WaitUntil([&] { return !Saying(message, watcher.lines()).empty(); }, After(2s));
      const std::vector<Json> told = Saying(message, watcher.lines());
      ASSERT_EQ(told.size(), 1U) << message << ", all lines: " << Json(watcher.About(filesystem));
      EXPECT_EQ(told[0]["filesystem"]["uuid"], filesystem.uuid()) << told[0];
      EXPECT_EQ(told[0]["filesystem"]["mounts"], Json({filesystem.directory()})) << told[0];
      filesystem.Unmount();
    }
  }
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  if (devices.size() == 10) GTEST_SKIP() << "no device was used twice: others took them";
}

TEST_F(MountsTest, NothingIsKeptFromBeingUnmounted) {
  const Ext4Filesystem sentinel({.name = "sentinel"});
  const std::string image = kSandbox + "/busy.img";
  MakeImage(image, {"-O", "^metadata_csum"}, 8 << 20);
  RunOrFail({.arguments = {"debugfs", "-w", "-R", "ln <1> letters/nobody", image}, .environment = {}, .directory = {}});
  const LoopDevice device(image);
  Watcher watcher;
  constexpr int kRounds = 200;
  for (int round = 0; round < kRounds; ++round) {
    const std::string directory = kSandbox + "/busy";
    Mount mount(device.path(), directory, "errors=continue");
    struct stat status;
    ASSERT_NE(stat((directory + "/letters/nobody").c_str(), &status), 0) << "one error each time";
    ASSERT_NO_THROW(mount.Unmount()) << "round " << round;
  }
  watcher.WaitUntilToldUpToNow(sentinel);
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  uint64_t told = 0;
  std::map<std::string, uint64_t> by_sources;
  for (const Json& line : watcher.lines()) {
    if (line["filesystem"]["device"] != device.name() || line["kind"] == "gap") continue;
    const uint64_t count = line["error"]["count"];
    told += count;
    by_sources[line["kind"].get<std::string>() + " " + line["sources"].dump()] += count;
  }
  EXPECT_EQ(told, static_cast<uint64_t>(kRounds)) << testing::PrintToString(by_sources);
}

TEST_F(MountsTest, TwoCopiesOfOneImageAreToldApart) {
  const Ext4Filesystem sentinel({.name = "sentinel"});
  MakeImage(kSandbox + "/one.img", {"-U", "12345678-1234-1234-1234-123456789abc"}, 8 << 20);
  RunOrFail({.arguments = {"cp", kSandbox + "/one.img", kSandbox + "/copy.img"}, .environment = {}, .directory = {}});
  const Ext4Filesystem one(kSandbox + "/one.img", "one", "errors=continue");
  const Ext4Filesystem copy(kSandbox + "/copy.img", "copy", "errors=continue");
  ASSERT_EQ(one.uuid(), copy.uuid());
  Watcher watcher;
  one.Trigger("of the first");
  copy.Trigger("of the copy");
  copy.Trigger("of the copy again");
  watcher.WaitUntilToldUpToNow(sentinel);
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  std::map<std::string, uint64_t> counts;
  for (const Json& line : watcher.lines()) {
    if (line["filesystem"]["uuid"] != one.uuid()) continue;
    ASSERT_TRUE(line["specific"].is_object()) << line;
    const bool of_copy = line["specific"]["message"].get<std::string>().starts_with("of the copy");
    const Ext4Filesystem& filesystem = of_copy ? copy : one;
    EXPECT_EQ(line["filesystem"]["device"], filesystem.device());
    EXPECT_EQ(line["filesystem"]["mounts"], Json({filesystem.directory()}));
    counts[filesystem.device()] += line["error"]["count"].get<uint64_t>();
  }
  EXPECT_EQ(counts, (std::map<std::string, uint64_t>{{one.device(), 1}, {copy.device(), 2}}));
}

// A process that does not answer, for as long as this lives.
class Stopped {
 public:
  explicit Stopped(pid_t pid) : pid_(pid) { kill(pid_, SIGSTOP); }
  ~Stopped() { kill(pid_, SIGCONT); }
  Stopped(const Stopped&) = delete;
  Stopped& operator=(const Stopped&) = delete;

 private:
  pid_t pid_;
};

TEST_F(MountsTest, AFileSystemInUserSpaceThatDoesNotAnswerHoldsNothingUp) {
  if (const auto why = WhyNoFuse()) GTEST_SKIP() << *why;
  // The kernel remembers no name of it: each step of a path through it asks.
  const std::vector<std::string> forgetful = {"-o", "entry_timeout=0,attr_timeout=0,negative_timeout=0"};
  const CheckedMount checked("checked", {}, forgetful);
  const CheckedMount leaving("leaving", {}, forgetful);
  const Ext4Filesystem sentinel({.name = "sentinel"});
  const Ext4Filesystem filesystem({.name = "data"});
  const std::string below = checked.directory() + "/below";
  MakeImage(kSandbox + "/below.img", {}, 8ULL << 20);
  const LoopDevice loop(kSandbox + "/below.img");
  ASSERT_EQ(mkdir(below.c_str(), 0755), 0);
  const Mount inner(loop.path(), below, "errors=continue");  // no other way leads to it
  const BindMount bind(filesystem.directory(), checked.directory() + "/bind");

  const Stopped stopped(checked.pid());
  const Stopped stopped_too(leaving.pid());
  Watcher watcher;
  filesystem.Trigger("at the start");
  WriteFile("/sys/fs/ext4/" + loop.name() + "/trigger_fs_error", "below");
  watcher.WaitUntilToldUpToNow(sentinel);

  const Ext4Filesystem late({.name = "late"});
  late.Trigger("after a mount");
  watcher.WaitUntilToldUpToNow(sentinel);

  ASSERT_EQ(umount2(leaving.directory().c_str(), MNT_DETACH), 0);
  filesystem.Trigger("after an unmount");
  watcher.WaitUntilToldUpToNow(sentinel);
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();

  EXPECT_EQ(Saying("at the start", watcher.lines()).size(), 1U);
  EXPECT_EQ(Saying("after a mount", watcher.lines()).size(), 1U);
  EXPECT_EQ(Saying("after an unmount", watcher.lines()).size(), 1U);
  const std::vector<Json> told = Saying("below", watcher.lines());
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0]["filesystem"]["mounts"], Json({below}));
}

}  // namespace
}  // namespace fsherald::system_test
