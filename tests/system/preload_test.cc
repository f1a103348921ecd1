// SPDX-License-Identifier: MIT
// The RFC's ABI by libfsherald-fanotify.so: programs that know nothing of fsherald (programs/), preloaded.
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/statfs.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "checked_mount.h"
#include "daemon.h"
#include "ext4_filesystem.h"
#include "kernel_log.h"
#include "system_fixture.h"

namespace fsherald::system_test {
namespace {

using PreloadTest = SystemTest;

constexpr std::chrono::seconds kPatience{10};

std::string ProgramNamed(const std::string& name) { return std::string(FSHERALD_PROGRAMS) + "/" + name; }

// One of programs/, and the lines that it has printed.
class Monitor {
 public:
  Monitor(std::vector<std::string> command, bool preloaded)
      : out_(MakePipe()), process_(Start(std::move(command), preloaded, out_)) {
    out_.write.Reset();
    if (!WaitFor("ready\n")) Fail("not ready: " + text_);
  }

  bool WaitFor(const std::string& text) {
    const Deadline deadline = After(kPatience);
    while (text_.find(text) == std::string::npos && Read(deadline)) {
    }
    return text_.find(text) != std::string::npos;
  }

  // What it printed behind "ready", once it has ended by itself.
  std::vector<std::string> Finish() {
    const Deadline deadline = After(kPatience);
    while (Read(deadline)) {
    }
    const int status = process_.Wait(deadline);
    EXPECT_EQ(status, 0) << text_;
    std::vector<std::string> lines;
    std::string rest = text_.substr(text_.find("ready\n") + 6);
    for (size_t end; (end = rest.find('\n')) != std::string::npos; rest.erase(0, end + 1)) {
      lines.push_back(rest.substr(0, end));
    }
    return lines;
  }

 private:
  static Process Start(std::vector<std::string> command, bool preloaded, const Pipe& out) {
    command[0] = ProgramNamed(command[0]);
    std::map<std::string, std::string> environment;
    if (preloaded) environment["LD_PRELOAD"] = FSHERALD_PRELOAD;
    return Process::Start({.arguments = command, .environment = environment, .directory = {}},
                          {{1, out.write.get()}, {2, out.write.get()}});
  }
  bool Read(Deadline deadline) {
    pollfd readable{.fd = out_.read.get(), .events = POLLIN, .revents = 0};
    return poll(&readable, 1, MillisecondsUntil(deadline)) == 1 && ReadSome(out_.read.get(), text_);
  }

  Pipe out_;
  Process process_;
  std::string text_;
};

std::string FsidOf(const Ext4Filesystem& filesystem) {
  struct statfs stat {};
  if (statfs(filesystem.directory().c_str(), &stat) != 0) FailErrno("statfs");
  char text[32];
  std::snprintf(text, sizeof text, "%x:%x", stat.f_fsid.__val[0], stat.f_fsid.__val[1]);
  return text;
}

// An image whose directory `letters` has an entry that names a reserved inode.
std::string DamagedImage(const std::string& name) {
  const std::string image = kSandbox + "/" + name + ".img";
  MakeImage(image, {"-O", "^metadata_csum"}, 8 << 20);
  RunOrFail({.arguments = {"debugfs", "-w", "-R", "ln <1> letters/nobody", image}, .environment = {}, .directory = {}});
  return image;
}

std::string Inode(const std::string& path) {
  std::string number = RunOrFail({.arguments = {"stat", "-c", "%i", path}, .environment = {}, .directory = {}});
  number.pop_back();
  return number;
}

void SeesAllThreeRecords(const std::vector<std::string>& options) {
  const Ext4Filesystem filesystem(DamagedImage("rfc"), "rfc", "errors=continue");
  KernelLog log;
  std::vector<std::string> command{"rfc_monitor"};
  command.insert(command.end(), options.begin(), options.end());
  command.insert(command.end(), {"2", filesystem.directory()});
  Monitor monitor(command, true);
  const Finished stat =
      RunToEnd({.arguments = {"stat", filesystem.directory() + "/letters/nobody"}, .environment = {}, .directory = {}});
  ASSERT_NE(stat.exit_code, 0);
  filesystem.Trigger("a test of the alarm");
  const std::vector<std::string> told = monitor.Finish();

  const auto line = log.LineOf(filesystem.device(), "ext4_lookup");
  const auto alarm_line = log.LineOf(filesystem.device(), "trigger_test_error");
  ASSERT_TRUE(line && alarm_line);
  const std::string fsid = FsidOf(filesystem);
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0], "event mask=100000 vers=3 fd=-1 version=1 error=117 fsid=" + fsid + " function=ext4_lookup line=" +
                         std::to_string(*line) + " inode=" + Inode(filesystem.directory() + "/letters") +
                         " block=-1 description=bad inode number: 1");
  EXPECT_EQ(told[1], "event mask=100000 vers=3 fd=-1 version=1 error=117 fsid=" + fsid +
                         " function=trigger_test_error line=" + std::to_string(*alarm_line) +
                         " inode=0 block=-1 description=a test of the alarm");
}

TEST_F(PreloadTest, AProgramOfTheRfcSeesAllThreeRecords) { SeesAllThreeRecords({}); }

TEST_F(PreloadTest, AProgramOfTheRfcThatPollsSeesAllThreeRecords) { SeesAllThreeRecords({"--poll"}); }

TEST_F(PreloadTest, BesideADaemonItSeesAllThreeRecordsOfAFileSystemInUserSpace) {
  if (const auto why = WhyNoFuse()) GTEST_SKIP() << *why;
  Daemon daemon;
  const CheckedMount mount;
  WriteFile(mount.directory() + "/notes", std::string(10'000, 'n'));
  Monitor monitor({"rfc_monitor", "1", mount.directory()}, true);
  Damage(mount.Backing("notes"), 5000);
  const Finished cat =
      RunToEnd({.arguments = {"cat", mount.directory() + "/notes"}, .environment = {}, .directory = {}});
  ASSERT_NE(cat.exit_code, 0);
  const std::vector<std::string> told = monitor.Finish();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_THAT(told[0],
              testing::MatchesRegex("event mask=100000 vers=3 fd=-1 version=1 error=5 fsid=[0-9a-f]+:[0-9a-f]+ "
                                    "function=verify_block line=[0-9]+ data=[0-9a-f]{16}"));
}

TEST_F(PreloadTest, WhenTheDaemonEndsItSaysSoAndGoesOnByItself) {
  const Ext4Filesystem filesystem({.name = "left"});
  Daemon daemon;
  Monitor monitor({"rfc_monitor", "3", filesystem.directory()}, true);
  filesystem.Trigger("by the daemon");
  EXPECT_TRUE(monitor.WaitFor("function=trigger_test_error"));
  daemon.Kill();
  EXPECT_TRUE(monitor.WaitFor("event mask=4000"));
  filesystem.Trigger("by itself");
  const std::vector<std::string> told = monitor.Finish();
  ASSERT_EQ(told.size(), 3U);
  EXPECT_EQ(told[1], "event mask=4000 vers=3 fd=-1");
  // On a busy machine the kernel's words may come too late to be told with it.
  EXPECT_NE(told[2].find("function=trigger_test_error"), std::string::npos) << told[2];
}

TEST_F(PreloadTest, ErrorsAndLimitsAreTheRfcs) {
  const Ext4Filesystem filesystem({.name = "rules"});
  const Finished rules = RunToEnd({.arguments = {ProgramNamed("rfc_rules"), filesystem.directory(),
                                                 "/sys/fs/ext4/" + filesystem.device() + "/trigger_fs_error"},
                                   .environment = {{"LD_PRELOAD", FSHERALD_PRELOAD}},
                                   .directory = {}});
  EXPECT_EQ(rules.exit_code, 0) << rules.output;
}

TEST_F(PreloadTest, TodaysGroupsPassThroughUntouched) {
  const Ext4Filesystem filesystem(DamagedImage("today"), "today", "errors=continue");
  Monitor plain({"fs_error_monitor", "1", filesystem.directory()}, false);
  Monitor preloaded({"fs_error_monitor", "1", filesystem.directory()}, true);
  const Finished stat =
      RunToEnd({.arguments = {"stat", filesystem.directory() + "/letters/nobody"}, .environment = {}, .directory = {}});
  ASSERT_NE(stat.exit_code, 0);
  const std::vector<std::string> told = plain.Finish();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(preloaded.Finish(), told);
}

}  // namespace
}  // namespace fsherald::system_test
