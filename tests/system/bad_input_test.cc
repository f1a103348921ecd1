// SPDX-License-Identifier: MIT
// What cannot work is said in a sentence, with the exit code of the manual, and leaves nothing behind. What user space wrote to
// the kernel's log is told as that.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "kernel_log.h"
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

// Each by an open file of its own: the kernel lets each write but ten lines in five seconds.
void WriteToTheLog(const std::string& line) { WriteFile("/dev/kmsg", "<2>" + line + "\n"); }

std::vector<Json> Trusted(const std::vector<Json>& lines, bool trusted) {
  std::vector<Json> found;
  for (const Json& line : lines)
    if (line.at("trusted") == trusted) found.push_back(line);
  return found;
}

uint64_t SumOfCounts(const std::vector<Json>& lines) {
  uint64_t sum = 0;
  for (const Json& line : lines) sum += line.at("error").at("count").get<uint64_t>();
  return sum;
}

// What such a line names is said, and nothing that only a look at the file system could add.
void ExpectForged(const Json& line, const Ext4Filesystem& filesystem) {
  EXPECT_EQ(line["filesystem"]["device"], filesystem.device()) << line;
  EXPECT_TRUE(line["filesystem"]["uuid"].is_null()) << line;
  EXPECT_TRUE(line["filesystem"]["fsid"].is_null()) << line;
  EXPECT_TRUE(line["filesystem"]["mounts"].is_null()) << line;
  EXPECT_EQ(line["sources"], Json({"kmsg"})) << line;
  EXPECT_TRUE(line["object"].is_null()) << line;
}

// The kernel's own error, and the very line that it prints for it, written by us before and after.
void ExpectForgedLinesToldApart(const std::vector<std::string>& options, const Json& sources_of_kernel) {
  const Ext4Filesystem filesystem({.name = "data"});
  const Ext4Filesystem sentinel({.name = "sentinel"});
  Watcher watcher(options);
  KernelLog log;
  filesystem.Trigger("the first");
  watcher.WaitUntilToldUpToNow(sentinel);
  std::string line;
  for (const std::string& text : log.Lines(filesystem.device()))
    if (text.ends_with(": the first")) line = text.substr(0, text.size() - std::string("the first").size()) + "again";
  ASSERT_NE(line, "");
  WriteToTheLog(line);
  filesystem.Trigger("again");
  WriteToTheLog(line);
  const auto all_told = [&] {
    const std::vector<Json> told = watcher.About(filesystem);
    return SumOfCounts(Trusted(told, true)) >= 2 && SumOfCounts(Trusted(told, false)) >= 2;
  };
  EXPECT_TRUE(watcher.WaitUntil(all_told, After(5s))) << watcher.talk();
  watcher.WaitUntilToldUpToNow(sentinel);
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();

  const std::vector<Json> told = watcher.About(filesystem);
  const std::vector<Json> genuine = Trusted(told, true);
  EXPECT_EQ(SumOfCounts(genuine), filesystem.ErrorsCountOnceAtLeast(2, After(2s)));
  ASSERT_EQ(genuine.size(), 2U);
  EXPECT_EQ(genuine[1]["specific"]["message"], "again");
  EXPECT_EQ(genuine[1]["filesystem"]["uuid"], filesystem.uuid());
  EXPECT_EQ(genuine[1]["sources"], sources_of_kernel);
  const std::vector<Json> forged = Trusted(told, false);
  EXPECT_EQ(SumOfCounts(forged), 2U);
  for (const Json& told_line : forged) {
    ExpectForged(told_line, filesystem);
    EXPECT_EQ(told_line["specific"]["message"], "again");
    EXPECT_EQ(told_line["location"]["line"], genuine[1]["location"]["line"]);
  }
}

TEST_F(BadInputTest, ForgedLinesAreToldApartByTheirStack) {
  ExpectForgedLinesToldApart({}, Json({"fanotify", "trace", "kmsg"}));
}

TEST_F(BadInputTest, ForgedLinesAreToldApartByTheirFacility) {
  ExpectForgedLinesToldApart({"--without=trace"}, Json({"fanotify", "kmsg"}));
}

TEST_F(BadInputTest, ForgedLinesAreNotToldToWhoWatchesOneFileSystem) {
  const Ext4Filesystem filesystem({.name = "data"});
  Watcher watcher({filesystem.directory()});
  WriteToTheLog("EXT4-fs error (device " + filesystem.device() + "): ext4_lookup:1: inode #2: comm ls: forged");
  watcher.WaitUntilToldUpToNow(filesystem);
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  EXPECT_THAT(Trusted(watcher.About(filesystem), false), testing::IsEmpty());
}

uint64_t CpuNs(pid_t pid) {
  clockid_t clock{};
  timespec used{};
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0) return 0;
  return static_cast<uint64_t>(used.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(used.tv_nsec);
}

// Ten lines each hundredth of a second, for two seconds. What they cost is recorded, and measured by the bench
// (bench/log_flood.cc): a test that asserts it would fail by what else the machine does.
void ExpectUnrelatedLinesNotToBeTold(const std::vector<std::string>& options) {
  constexpr int kBatches = 200;
  constexpr int kLines = 10;
  Watcher watcher(options);
  const uint64_t before_ns = CpuNs(watcher.pid());
  const auto begin = std::chrono::steady_clock::now();
  for (int batch = 1; batch <= kBatches; ++batch) {
    const Fd log(open("/dev/kmsg", O_WRONLY | O_CLOEXEC));
    const std::string line = "<6>eth0: Link is Up - 1Gbps/Full - flow control rx/tx\n";
    for (int i = 0; i < kLines; ++i)
      ASSERT_EQ(write(log.get(), line.data(), line.size()), static_cast<ssize_t>(line.size()));
    watcher.WaitUntil([] { return false; }, begin + batch * 10ms);
  }
  const std::chrono::nanoseconds elapsed = std::chrono::steady_clock::now() - begin;
  const uint64_t used_ns = CpuNs(watcher.pid()) - before_ns;
  testing::Test::RecordProperty("percent_of_a_processor", std::to_string(100.0 * static_cast<double>(used_ns) /
                                                                         static_cast<double>(elapsed.count())));
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  EXPECT_THAT(watcher.lines(),
              testing::Not(testing::Contains(testing::ResultOf(
                  [](const Json& line) { return line.dump().find("eth0") != std::string::npos; }, true))));
}

TEST_F(BadInputTest, AThousandUnrelatedLinesASecondAreNotToldByTheTrace) { ExpectUnrelatedLinesNotToBeTold({}); }

TEST_F(BadInputTest, AThousandUnrelatedLinesASecondAreNotToldByTheLogItself) {
  ExpectUnrelatedLinesNotToBeTold({"--without=trace"});
}

// Only in forged lines can a test do that to them: the kernel's own come whole and in their order.
void ExpectTornLinesHarmNothing(const std::vector<std::string>& options) {
  const Ext4Filesystem filesystem({.name = "data"});
  const Ext4Filesystem sentinel({.name = "sentinel"});
  Watcher watcher(options);
  const std::string device = filesystem.device();
  const std::string whole[] = {
      "EXT4-fs error (device " + device + "): ext4_lookup:1855: inode #12: comm ls: deleted inode referenced: 13",
      "EXT4-fs (" + device + "): unmounting filesystem 8cd4a1e8-2c4a-4b0e-9d5e-3b1a0e6f7c11.",
      "I/O error, dev " + device + ", sector 18446744073709551615 op 0x0:(READ) flags 0x80700 phys_seg 1 prio class 2",
      "Buffer I/O error on dev " + device + ", logical block 99999999999999999999, lost async page write",
      device + ": writeback error on inode 131, offset 0, sector 192",
  };
  for (const std::string& line : whole) {
    for (size_t size = line.size(); size > 0; size -= std::min<size_t>(size, 5)) WriteToTheLog(line.substr(0, size));
    WriteToTheLog(line.substr(line.size() / 2));  // the end before the beginning
    WriteToTheLog(line.substr(0, line.size() / 2));
  }
  WriteToTheLog(whole[0].substr(0, 40) + std::string(900, 'x'));
  WriteToTheLog(whole[0] + " \x1b[2J\t\xff\xfe");
  filesystem.Trigger("genuine");
  watcher.WaitUntilToldUpToNow(sentinel);
  EXPECT_EQ(watcher.Stop(), 0) << watcher.talk();
  const std::vector<Json> told = watcher.About(filesystem);
  const std::vector<Json> genuine = Trusted(told, true);
  ASSERT_EQ(genuine.size(), 1U);
  EXPECT_EQ(genuine[0]["specific"]["message"], "genuine");
  EXPECT_EQ(genuine[0]["error"]["count"], 1);
  EXPECT_EQ(genuine[0]["filesystem"]["uuid"], filesystem.uuid());
  const std::vector<Json> forged = Trusted(told, false);
  EXPECT_GE(SumOfCounts(forged), std::size(whole) - 1) << "all that are whole but that of the unmounting";
  for (const Json& line : forged) ExpectForged(line, filesystem);
}

TEST_F(BadInputTest, TornLinesHarmNothingByTheTrace) { ExpectTornLinesHarmNothing({}); }

TEST_F(BadInputTest, TornLinesHarmNothingByTheLogItself) { ExpectTornLinesHarmNothing({"--without=trace"}); }

}  // namespace
}  // namespace fsherald::system_test
