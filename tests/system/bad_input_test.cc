// SPDX-License-Identifier: MIT
// What cannot work is said in a sentence, with the exit code of the manual, and leaves nothing behind.
#include <sys/mount.h>
#include <sys/wait.h>

#include "system_fixture.h"
#include "watcher.h"

namespace fsherald::system_test {
namespace {

using namespace std::chrono_literals;

constexpr int kFailure = 1;
constexpr int kUsage = 2;
constexpr int kNotPermitted = 4;

std::string Mounts() { return ReadFile("/proc/self/mountinfo"); }

class BadInputTest : public SystemTest {
 protected:
  void SetUp() override {
    SystemTest::SetUp();
    if (!IsSkipped()) mounts_ = Mounts();
  }
  void TearDown() override {
    if (!IsSkipped()) {
      EXPECT_EQ(Mounts(), mounts_);
    }
  }

  static Finished Watch(const std::vector<std::string>& arguments) {
    Command command{.arguments = {Program(), "watch", "--timeout=5"}, .environment = {}, .directory = {}};
    command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
    return RunToEnd(command);
  }
  // By setpriv(1), which gives up what its options say.
  static Finished WatchWithLess(const std::vector<std::string>& options) {
    Command command{.arguments = {"setpriv"}, .environment = {}, .directory = {}};
    command.arguments.insert(command.arguments.end(), options.begin(), options.end());
    for (const std::string& word : {Program(), std::string("watch"), std::string("--timeout=0.1")})
      command.arguments.push_back(word);
    return RunToEnd(command);
  }
  static void ExpectSentence(const Finished& finished, int exit_code, const std::string& words) {
    EXPECT_EQ(finished.exit_code, exit_code) << finished.output;
    EXPECT_NE(finished.output.find(words), std::string::npos) << finished.output << "\nlacks: " << words;
  }

 private:
  std::string mounts_;
};

TEST_F(BadInputTest, APathThatIsNotThere) { ExpectSentence(Watch({"/no/such/place"}), kFailure, "/no/such/place"); }

TEST_F(BadInputTest, APathThatNoSourceCovers) {
  ExpectSentence(Watch({"/proc"}), kFailure, "/proc");
  ExpectSentence(Watch({kSandbox}), kFailure, "tmpfs");
}

TEST_F(BadInputTest, AnOptionThatIsNone) {
  EXPECT_EQ(Watch({"--no-such-option"}).exit_code, kUsage);
  EXPECT_EQ(Watch({"--without=rumours"}).exit_code, kUsage);
  EXPECT_EQ(Watch({"--count=many"}).exit_code, kUsage);
}

TEST_F(BadInputTest, StandardOutputClosed) {
  Pipe talk = MakePipe();
  Process process =
      Process::Start({.arguments = {Program(), "watch", "--json", "--timeout=5"}, .environment = {}, .directory = {}},
                     {{1, -1}, {2, talk.write.get()}});
  talk.write.Reset();
  std::string words;
  while (ReadSome(talk.read.get(), words)) {
  }
  const int status = process.Wait(After(10s));
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), kFailure);
  EXPECT_NE(words.find("standard output"), std::string::npos) << words;
}

TEST_F(BadInputTest, TheReaderOfStandardOutputGone) {
  Pipe out = MakePipe();
  Pipe talk = MakePipe();
  Process process =
      Process::Start({.arguments = {Program(), "watch", "--json", "--timeout=20"}, .environment = {}, .directory = {}},
                     {{1, out.write.get()}, {2, talk.write.get()}});
  out.write.Reset();
  talk.write.Reset();
  out.read.Reset();
  std::string words;
  while (ReadSome(talk.read.get(), words)) {
  }
  const int status = process.Wait(After(10s));
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), kFailure);
  EXPECT_NE(words.find("reader"), std::string::npos) << words;
}

TEST_F(BadInputTest, TheReaderOfStandardErrorGoneIsNoReasonToEnd) {
  Pipe talk = MakePipe();
  talk.read.Reset();
  Process process =
      Process::Start({.arguments = {Program(), "watch", "--json", "--timeout=0.1"}, .environment = {}, .directory = {}},
                     {{2, talk.write.get()}});
  const int status = process.Wait(After(10s));
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(BadInputTest, ATimeThatIsNoNumber) { EXPECT_EQ(Watch({"--timeout=nan"}).exit_code, kUsage); }

TEST_F(BadInputTest, WithoutRoot) {
  ExpectSentence(WatchWithLess({"--reuid=65534", "--regid=65534", "--clear-groups"}), kNotPermitted, "root");
}

TEST_F(BadInputTest, WithoutTheCapabilityForFanotifyTheOtherSourcesWatch) {
  const Finished watch = WatchWithLess({"--bounding-set=-sys_admin", "--inh-caps=-sys_admin"});
  ExpectSentence(watch, 0, "without fanotify");
  EXPECT_NE(watch.output.find("CAP_SYS_ADMIN"), std::string::npos) << watch.output;
}

TEST_F(BadInputTest, WithoutTypeInformationOfTheKernelTheOtherSourcesWatch) {
  const Ext4Filesystem filesystem({.name = "data"});
  ASSERT_EQ(mount("none", "/sys/kernel/btf", "tmpfs", 0, nullptr), 0);
  std::vector<Json> told;
  std::string talk;
  {
    Watcher watcher;
    filesystem.Trigger("seen by others");
    watcher.WaitUntil([&] { return !watcher.About(filesystem).empty(); }, After(5s));
    EXPECT_EQ(watcher.Stop(), 0);
    told = watcher.About(filesystem);
    talk = watcher.talk();
  }
  EXPECT_EQ(umount("/sys/kernel/btf"), 0);
  EXPECT_NE(talk.find("without trace"), std::string::npos) << talk;
  EXPECT_NE(talk.find("BTF"), std::string::npos) << talk;
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0]["specific"]["message"], "seen by others");
  EXPECT_EQ(told[0]["sources"], Json({"fanotify", "kmsg"}));
}

TEST_F(BadInputTest, LinesThatSomebodyElseWroteIntoTheKernelsLogAreNotTold) {
  const Ext4Filesystem filesystem({.name = "data"});
  const Ext4Filesystem sentinel({.name = "sentinel"});
  Watcher watcher;
  WriteFile("/dev/kmsg",
            "<2>EXT4-fs error (device " + filesystem.device() + "): ext4_lookup:1: inode #2: comm ls: forged\n");
  watcher.WaitUntilToldUpToNow(sentinel);
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  EXPECT_EQ(watcher.About(filesystem), std::vector<Json>());
}

}  // namespace
}  // namespace fsherald::system_test
